package cli

import (
	"context"
	"encoding/json"
	"fmt"
)

// Events is the command "event".
type Events struct {
	Ls     EventList   `cmd:"" help:"List events, the newest first."`
	Get    EventGet    `cmd:"" help:"Show an event, its payload and its deliveries."`
	Replay EventReplay `cmd:"" help:"Send an event once more, as it was or with another payload."`
}

var eventColumns = []column{{"id", "id"}, {"type", "eventType"}, {"bytes", "size"}, {"accepted", "createdAt"}, {"key", "idempotencyKey"}}

// Span is a time in which something was accepted.
type Span struct {
	Since  *Ago `help:"Only what was accepted from then on: a time, or how long ago it was, such as 1h."`
	Before *Ago `help:"Only what was accepted before then."`
}

func (s Span) put(where object) {
	s.Since.put(where, "createdAtGTE")
	s.Before.put(where, "createdAtLT")
}

// EventList is the command "event ls".
type EventList struct {
	Remote
	Output
	Page
	Span
	Account string   `help:"Only this account's."`
	Type    string   `help:"Only of this type."`
	Key     string   `help:"Only the one with this idempotency key."`
	Status  []string `enum:"pending,delivering,retrying,parked,succeeded,failed,canceled" help:"Only those with a delivery in one of these: ${enum}."`
}

// Run lists events.
func (l *EventList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	where := object{}.text("accountID", l.Account).text("eventType", l.Type).text("idempotencyKey", l.Key)
	l.put(where)
	if len(l.Status) > 0 {
		where["hasDeliveriesWith"] = []object{{"statusIn": upper(l.Status)}}
	}
	out := l.table(t, eventColumns)
	if err := c.list(ctx, l.Page, out, eventList, map[string]any{"where": where}, "events"); err != nil {
		return err
	}
	return out.end("There is no such event: `datapusher send` sends one.")
}

// EventGet is the command "event get".
type EventGet struct {
	Remote
	Output
	ID      string `arg:"" help:"evt_…"`
	Payload bool   `help:"Print the payload alone, byte for byte."`
}

// Run shows one.
func (g *EventGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	var answer json.RawMessage
	if err := c.query(ctx, eventGet, map[string]any{"id": g.ID}, &answer); err != nil {
		return err
	}
	event, err := within(answer, "event")
	if err != nil {
		return err
	}
	var e struct {
		Payload    string
		Deliveries page
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	if g.Payload {
		_, err := fmt.Fprint(t.Out, e.Payload)
		return err
	}
	if err := g.one(t, event, append(eventColumns, column{"payload", "payload"})); err != nil || g.Output.Output != "table" {
		return err
	}
	fmt.Fprintln(t.Out)
	deliveries := g.table(t, deliveryColumns)
	for _, d := range e.Deliveries.Edges {
		if err := deliveries.add(d.Node); err != nil {
			return err
		}
	}
	return deliveries.end("It went nowhere: the account had no destination when it was accepted.")
}

// EventReplay is the command "event replay".
type EventReplay struct {
	Remote
	Output
	Why
	ID          string   `arg:"" help:"evt_…"`
	Destination []string `help:"Where it goes; not given: where it went."`
	Payload     string   `help:"Another payload: a JSON text, @file, or - for standard input."`
}

// Run replays one.
func (r *EventReplay) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	body, err := payload(t, r.Payload)
	if err != nil {
		return err
	}
	made, err := c.change(ctx, replayEvent, "replayEvent",
		object{"eventID": r.ID}.list("destinationIDs", r.Destination).text("payload", body).text("reason", r.Reason))
	if err != nil {
		return err
	}
	return r.one(t, made, below("event", eventColumns))
}
