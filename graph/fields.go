package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/event"
	"datapusher/graph/model"
	"datapusher/internal/auth"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

const (
	// replacement stands for bytes that are not UTF-8.
	replacement = "\uFFFD"
)

// one is the result of a look-up: null when there is nothing that the viewer may
// see, whether it is missing, deleted or another account's.
func one[T any](row *T, err error) (*T, error) {
	if err != nil {
		return nil, ent.MaskNotFound(err)
	}
	return row, nil
}

func viewer(ctx context.Context) (*auth.Viewer, error) {
	if v := auth.From(ctx); v != nil {
		return v, nil
	}
	return nil, auth.Denied()
}

func scopes(names []string) []auth.Scope {
	all := make([]auth.Scope, len(names))
	for i, n := range names {
		all[i] = auth.Scope(n)
	}
	return all
}

// text shows bytes that may be anything; null when there are none.
func text(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := strings.ToValidUTF8(string(b), replacement)
	return &s
}

// encoded shows bytes as they are; null when there are none.
func encoded(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := base64.StdEncoding.EncodeToString(b)
	return &s
}

// engineURL is where the engine shows the run that a delivery belongs to. One
// that is parked, or was sent while its destination drained, belongs to the
// destination's loop.
func (r *Resolver) engineURL(ctx context.Context, d *ent.Delivery) *string {
	run, loop := d.Run, workflows.Lane(d.DestinationID)
	if run == "" && d.Status == delivery.StatusParked || strings.HasPrefix(run, loop) {
		run = loop
	}
	if r.tracker == nil || run == "" {
		return nil
	}
	if url := r.tracker.RunURL(ctx, run); url != "" {
		return &url
	}
	return nil
}

// original is the event that another one replays.
func (r *Resolver) original(ctx context.Context, e *ent.Event) (*ent.Event, error) {
	if e.ReplayOf == "" {
		return nil, nil
	}
	return one(r.ent.Event.Get(ctx, e.ReplayOf))
}

func deliveryStatuses(names []string) []delivery.Status {
	all := make([]delivery.Status, len(names))
	for i, n := range names {
		all[i] = delivery.Status(n)
	}
	return all
}

func timeout(d *ent.Destination) time.Duration {
	if d.TimeoutMs == nil {
		return sender.DefaultTimeout
	}
	return time.Duration(*d.TimeoutMs) * time.Millisecond
}

func giveUpAfter(d *ent.Destination) *time.Duration {
	if d.GiveUpAfterS == nil {
		return nil
	}
	after := time.Duration(*d.GiveUpAfterS) * time.Second
	return &after
}

func timings(a *ent.Attempt) *model.AttemptTimings {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return &model.AttemptTimings{
		DNSMs: ms(a.DNSUs), ConnectMs: ms(a.ConnectUs), TLSMs: ms(a.TLSUs),
		FirstByteMs: ms(a.FirstByteUs), TotalMs: ms(a.DurationUs),
	}
}

// payload is an event's. Subscriptions tell of events that were read without.
func (r *Resolver) payload(ctx context.Context, e *ent.Event) ([]byte, error) {
	if e.Payload != nil {
		return e.Payload, nil
	}
	whole, err := r.ent.Event.Query().Where(event.ID(e.ID)).Select(event.FieldPayload).Only(ctx)
	if err != nil {
		return nil, ent.MaskNotFound(err) // it may have been dropped meanwhile
	}
	return whole.Payload, nil
}

// pairs reads the headers that an attempt keeps.
func pairs(text []byte) ([]*sender.Header, error) {
	var all [][2]string
	if len(text) > 0 {
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, fmt.Errorf("headers of an attempt: %w", err)
		}
	}
	headers := make([]*sender.Header, len(all))
	for i, p := range all {
		headers[i] = &sender.Header{Name: p[0], Value: p[1]}
	}
	return headers, nil
}

// headers opens a destination's headers. Values are secrets as often as not, so
// that reading alone does not show them.
func (r *Resolver) headers(ctx context.Context, d *ent.Destination) ([]*sender.Header, error) {
	headers, err := vault.OpenHeaders(r.box, d.ID, d.AccountID, d.Headers)
	if err != nil {
		return nil, err
	}
	show := auth.From(ctx).Can(auth.Manage)
	shown := make([]*sender.Header, len(headers))
	for i, h := range headers {
		if !show {
			h.Value = sender.Masked
		}
		shown[i] = &h
	}
	return shown, nil
}
