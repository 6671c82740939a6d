package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/pusher"
	"datapusher/internal/vault"
)

// The seed's names of a destination's fields.
const (
	destinationIDName = "destination_id"
	idName            = "id" // the same: what the seed's answers call it
	urlName           = "url"
	methodName        = "http_method"
	headersName       = "headers"
	destinationAdded  = "Destination Created Successfully"
)

var destinationFields = map[string]string{"httpMethod": methodName}

// seedDestination is a destination in the seed's shape.
type seedDestination struct {
	ID            any             `json:"id"`      // the seed's integer where it had one
	Account       any             `json:"account"` // likewise
	URL           string          `json:"url"`
	HTTPMethod    string          `json:"http_method"`
	Headers       json.RawMessage `json:"headers"`
	SigningSecret string          `json:"signing_secret,omitempty"` // at its creation alone
}

func (a *api) shownDestination(ctx context.Context, d *ent.Destination, of *ent.Account) (seedDestination, error) {
	headers, err := vault.OpenHeaders(a.Box, d.ID, d.AccountID, d.Headers)
	return seedDestination{
		ID: shownID(d.ID, d.SeedID), Account: shownID(of.ID, of.SeedID), URL: d.URL, HTTPMethod: string(d.HTTPMethod),
		Headers: headersObject(headers, auth.From(ctx).Can(auth.Manage)),
	}, err
}

// createDestination takes {account_id, url, http_method?, headers?}.
func (a *api) createDestination(w http.ResponseWriter, r *http.Request) error {
	ctx, in, err := a.change(w, r, accountIDName, urlName, methodName, headersName)
	if err != nil {
		return err
	}
	in.need(accountIDName, urlName)
	ref := in.reference(accountIDName)
	input := pusher.CreateDestinationInput{URL: value(in.text(urlName)), HTTPMethod: in.method(), Headers: in.headersOf(headersName)}
	if err := in.broken.Err(); err != nil {
		return err
	}
	of, err := a.Pusher.AccountByRef(ctx, ref)
	if err != nil {
		return err
	}
	input.AccountID = of.ID
	made, secret, err := a.Pusher.CreateDestination(ctx, input)
	if err != nil {
		return nameHeaders(seedNames(err, destinationFields), input.Headers)
	}
	data, err := a.shownDestination(ctx, made, of)
	if err != nil {
		return err
	}
	data.SigningSecret = secret
	return writeSeed(w, seedAnswer{Message: destinationAdded, Data: data})
}

func (in *seedInput) method() *destination.HTTPMethod {
	s := in.text(methodName)
	if s == nil {
		return nil
	}
	m := destination.HTTPMethod(*s)
	return &m
}

// updateDestination takes {destination_id, url? http_method? headers?}.
func (a *api) updateDestination(w http.ResponseWriter, r *http.Request) error {
	ctx, in, err := a.change(w, r, destinationIDName, idName, urlName, methodName, headersName)
	if err != nil {
		return err
	}
	target, err := a.targetDestination(ctx, in)
	if err != nil {
		return err
	}
	input := pusher.UpdateDestinationInput{
		ID: target.ID, URL: in.text(urlName), HTTPMethod: in.method(), Headers: in.headersOf(headersName),
	}
	if err := in.broken.Err(); err != nil {
		return err
	}
	changed, err := a.Pusher.UpdateDestination(ctx, input)
	if err != nil {
		return nameHeaders(seedNames(err, destinationFields), input.Headers)
	}
	of, err := a.Pusher.AccountByRef(ctx, changed.AccountID)
	if err != nil {
		return err
	}
	data, err := a.shownDestination(ctx, changed, of)
	if err != nil {
		return err
	}
	return writeSeed(w, seedAnswer{Message: updatedText, Data: data})
}

// deleteDestination takes {destination_id}.
func (a *api) deleteDestination(w http.ResponseWriter, r *http.Request) error {
	ctx, in, err := a.change(w, r, destinationIDName, idName)
	if err != nil {
		return err
	}
	target, err := a.targetDestination(ctx, in)
	if err != nil {
		return err
	}
	if err := a.Pusher.DeleteDestination(ctx, pusher.DeleteDestinationInput{ID: target.ID}); err != nil {
		return err
	}
	return writeSeed(w, seedAnswer{Message: deletedText})
}

// targetDestination finds the destination that a change is about.
func (a *api) targetDestination(ctx context.Context, in *seedInput) (*ent.Destination, error) {
	name := destinationIDName
	if !in.has(name) && in.has(idName) {
		name = idName
	}
	in.need(name)
	ref := in.reference(name)
	if err := in.broken.Err(); err != nil {
		return nil, err
	}
	return a.Pusher.DestinationByRef(ctx, ref)
}
