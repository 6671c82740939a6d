package pusher

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"datapusher/ent"
	"datapusher/ent/event"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// PreviewDeliveryInput names a destination, and maybe what it would get.
type PreviewDeliveryInput struct {
	DestinationID string
	Payload       *string // nil: the event's, or that of a test event
	EventType     *string // nil: test; of the test event
	EventID       *string // nil: an event that there is not
}

func (in PreviewDeliveryInput) fields() (f problem.Fields) {
	checkPayload(&f, in.Payload)
	checkEventType(&f, "eventType", in.EventType)
	return f
}

// Validate says everything that is wrong with the input.
func (in PreviewDeliveryInput) Validate() error { return in.fields().Err() }

// HTTPRequest is a request as a receiver gets it, but for Host and
// Content-Length.
type HTTPRequest struct {
	Method  string
	URL     string
	Headers []sender.Header // by name
	Body    *string         // nil for GET: the event is in the URL
}

// PreviewDelivery is the request that an attempt would send now, signature
// included. Nothing is stored or sent.
func (p *Pusher) PreviewDelivery(ctx context.Context, in PreviewDeliveryInput) (*HTTPRequest, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	if p.o.Sender == nil {
		return nil, errors.New("there is no sender to build requests")
	}
	d, err := destinationOf(ctx, p.o.DB.Ent, in.DestinationID)
	if err != nil {
		return nil, err
	}
	r, err := p.request(ctx, d, in)
	if err != nil {
		return nil, err
	}
	m, class := p.o.Sender.Build(r)
	switch class {
	case "":
		return shown(m), nil
	case sender.URLTooLong:
		return nil, problem.New(problem.Invalid,
			"the event does not fit the URL (%s): it would fail without an attempt; use another method than GET", class)
	}
	return nil, problem.New(problem.Invalid, "the request cannot be sent (%s): it would fail without an attempt", class)
}

// request puts together what the destination's row and the event say.
func (p *Pusher) request(ctx context.Context, d *ent.Destination, in PreviewDeliveryInput) (*sender.Request, error) {
	now := p.now()
	r := &sender.Request{EventID: p.minter.Events(now, 1)[0], Method: string(d.HTTPMethod), URL: d.URL}
	var own []sender.Header
	if in.EventID != nil {
		e, err := eventOf(ctx, p.o.DB.Ent, *in.EventID, event.AccountID(d.AccountID))
		if err != nil {
			return nil, err
		}
		r.EventID, r.Payload = e.ID, e.Payload
		if own, err = vault.OpenEventHeaders(p.o.Box, e.ID, e.AccountID, e.Headers); err != nil {
			return nil, err
		}
	} else {
		r.Payload = testPayload(typeOr(in.EventType))
	}
	if in.Payload != nil {
		r.Payload = []byte(*in.Payload)
	}
	var err error
	if r.Headers, err = p.headersOf(d, own); err != nil {
		return nil, err
	}
	secrets, err := vault.OpenSecrets(p.o.Box, d.ID, d.AccountID, d.SigningSecrets)
	if err != nil {
		return nil, err
	}
	r.Keys = vault.Keys(secrets, now)
	return r, nil
}

func shown(m sender.Message) *HTTPRequest {
	r := &HTTPRequest{Method: m.Method, URL: m.URL.String()}
	names := make([]string, 0, len(m.Header))
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range m.Header[name] {
			r.Headers = append(r.Headers, sender.Header{Name: name, Value: value})
		}
	}
	if m.Method != http.MethodGet {
		body := string(m.Body)
		r.Body = &body
	}
	return r
}
