package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Deliveries is the command "delivery".
type Deliveries struct {
	Ls       DeliveryList     `cmd:"" help:"List deliveries, the newest first."`
	Get      DeliveryGet      `cmd:"" help:"Show a delivery and what has happened to it: why it has not arrived."`
	Retry    DeliveryRetry    `cmd:"" help:"Make its next attempt now."`
	Cancel   DeliveryCancel   `cmd:"" help:"End it, if it is not settled."`
	Postpone DeliveryPostpone `cmd:"" help:"Make its next attempt at a time of your own."`
}

var (
	deliveryColumns = []column{
		{"id", "id"}, {"type", "event.eventType"}, {"destination", "destination.url"}, {"status", "status"}, {"attempts", "attemptCount"},
		{"reason", "reason"}, {"next attempt", "nextAttemptAt"},
	}
	deliveryDetails = []column{
		{"id", "id"}, {"event", "eventID"}, {"destination", "destinationID"}, {"method", "destination.httpMethod"}, {"url", "destination.url"},
		{"status", "status"}, {"reason", "reason"}, {"attempts", "attemptCount"}, {"next attempt", "nextAttemptAt"}, {"parked", "parkedAt"},
		{"accepted", "createdAt"}, {"settled", "settledAt"}, {"engine", "engineURL"},
	}
)

// DeliveryList is the command "delivery ls".
type DeliveryList struct {
	Remote
	Output
	Page
	Span
	Account     string   `help:"Only this account's."`
	Event       string   `help:"Only this event's."`
	Destination string   `help:"Only those to this destination."`
	Status      []string `enum:"pending,delivering,retrying,parked,succeeded,failed,canceled" help:"Only those in one of these: ${enum}."`
}

// Run lists deliveries.
func (l *DeliveryList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	where := object{}.text("accountID", l.Account).text("eventID", l.Event).text("destinationID", l.Destination).list("statusIn", upper(l.Status))
	l.put(where)
	out := l.table(t, deliveryColumns)
	if err := c.list(ctx, l.Page, out, deliveryList, map[string]any{"where": where}, "deliveries"); err != nil {
		return err
	}
	return out.end("There is no such delivery.")
}

// DeliveryGet is the command "delivery get".
type DeliveryGet struct {
	Remote
	Output
	ID string `arg:"" help:"dlv_…"`
}

// Run shows one.
func (g *DeliveryGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	object, err := c.delivery(ctx, g.ID)
	if err != nil {
		return err
	}
	if err := g.one(t, object, deliveryDetails); err != nil || g.Output.Output != "table" {
		return err
	}
	var d struct{ Timeline []struct{ At, Text string } }
	if err := json.Unmarshal(object, &d); err != nil {
		return err
	}
	for i, e := range d.Timeline {
		if i == 0 {
			fmt.Fprintln(t.Out)
		}
		fmt.Fprintf(t.Out, "%s  %s\n", t.paint(gray, e.At), plain(e.Text))
	}
	return nil
}

func (c *client) delivery(ctx context.Context, id string) (json.RawMessage, error) {
	var answer json.RawMessage
	if err := c.query(ctx, deliveryGet, map[string]any{"id": id}, &answer); err != nil {
		return nil, err
	}
	return within(answer, "delivery")
}

// settled waits until a delivery has an end, and gives it.
func (c *client) settled(ctx context.Context, id string) (json.RawMessage, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		object, err := c.delivery(ctx, id)
		if err != nil {
			return nil, err
		}
		var d struct{ SettledAt *time.Time }
		if err := json.Unmarshal(object, &d); err != nil || d.SettledAt != nil {
			return object, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// DeliveryRetry is the command "delivery retry".
type DeliveryRetry struct {
	Remote
	Output
	Why
	ID string `arg:"" help:"dlv_…"`
}

// Run retries one.
func (r *DeliveryRetry) Run(ctx context.Context, t *Terminal) error {
	return steer(ctx, t, r.Remote, r.Output, retryDelivery, "retryDelivery", object{"deliveryID": r.ID}.text("reason", r.Reason))
}

// DeliveryCancel is the command "delivery cancel".
type DeliveryCancel struct {
	Remote
	Output
	Why
	ID string `arg:"" help:"dlv_…"`
}

// Run cancels one.
func (d *DeliveryCancel) Run(ctx context.Context, t *Terminal) error {
	return steer(ctx, t, d.Remote, d.Output, cancelDelivery, "cancelDelivery", object{"deliveryID": d.ID}.text("reason", d.Reason))
}

// DeliveryPostpone is the command "delivery postpone".
type DeliveryPostpone struct {
	Remote
	Output
	Why
	ID    string  `arg:"" help:"dlv_…"`
	Until *Moment `required:"" help:"A time, or a span from now such as 2h."`
}

// Run postpones one.
func (p *DeliveryPostpone) Run(ctx context.Context, t *Terminal) error {
	input := object{"deliveryID": p.ID}.text("reason", p.Reason)
	p.Until.put(input, "until")
	return steer(ctx, t, p.Remote, p.Output, postponeDelivery, "postponeDelivery", input)
}

// steer changes a delivery and shows it.
func steer(ctx context.Context, t *Terminal, r Remote, o Output, document, name string, input object) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	made, err := c.change(ctx, document, name, input)
	if err != nil {
		return err
	}
	return o.one(t, made, below("delivery", deliveryDetails))
}
