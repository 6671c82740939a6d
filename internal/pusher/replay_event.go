package pusher

import (
	"context"
	"fmt"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// maxReplayTo is how many destinations a replay of one event may name.
const maxReplayTo = 100

// ReplayEventInput names an event, and what is to be different this time.
type ReplayEventInput struct {
	EventID        string
	DestinationIDs []string        // none: where it went, as far as that is left
	Payload        *string         // nil: the same bytes
	Headers        []sender.Header // they win over the destination's; nil: the event's own, if it has some
	Reason         *string
}

func (in ReplayEventInput) fields() (f problem.Fields) {
	if len(in.DestinationIDs) > maxReplayTo {
		f.Add("destinationIDs", "must be at most %d", maxReplayTo)
	}
	checkPayload(&f, in.Payload)
	f = append(f, sender.CheckHeaders(in.Headers)...)
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in ReplayEventInput) Validate() error { return in.fields().Err() }

// ReplayEvent sends an event once more, as an event of its own that names the
// original. The original stays as it is.
func (p *Pusher) ReplayEvent(ctx context.Context, in ReplayEventInput) (*ent.Event, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	var made madeEvent
	err := p.tx(ctx, func(tx *ent.Client) error {
		original, err := eventOf(ctx, tx, in.EventID)
		if err != nil {
			return err
		}
		n := newEvent{
			accountID: original.AccountID, eventType: original.EventType, payload: original.Payload,
			replayOf: original.ID, headers: in.Headers,
		}
		if in.Payload != nil {
			n.payload = []byte(*in.Payload)
		}
		if in.Headers == nil {
			if n.headers, err = vault.OpenEventHeaders(p.o.Box, original.ID, original.AccountID, original.Headers); err != nil {
				return err
			}
		}
		if n.to, err = replayTo(ctx, tx, original, in.DestinationIDs); err != nil {
			return err
		}
		if err := p.checkTogether(n); err != nil {
			return err
		}
		if made, err = p.makeEvent(ctx, tx, n); err != nil {
			return err
		}
		return p.note(ctx, tx, original.AccountID, original.ID, action.KindReplay, in.Reason, madeFrom(n, made, in.Payload))
	})
	if err != nil {
		return nil, err
	}
	p.noteMade(made)
	p.count(made)
	p.dispatch(ctx, made.run, "replay of "+in.EventID)
	return made.Unwrap(), nil
}

// replayTo finds where a replay goes: to the given destinations, or to those that
// the original went to and that are left.
func replayTo(ctx context.Context, tx *ent.Client, original *ent.Event, ids []string) ([]*ent.Destination, error) {
	if len(ids) > 0 {
		return destinationsOf(ctx, tx, original.AccountID, ids)
	}
	to, err := tx.Destination.Query().
		Where(destination.AccountID(original.AccountID), destination.HasDeliveriesWith(delivery.EventID(original.ID))).
		Order(destination.ByID()).All(ctx)
	if err == nil && len(to) == 0 {
		return nil, problem.New(problem.Conflict, "no destination of the event is left: name others in destinationIDs")
	}
	return to, err
}

// checkTogether looks at an event's headers beside those of its destinations:
// together they keep the limits, or nothing could be sent.
func (p *Pusher) checkTogether(n newEvent) error {
	if len(n.headers) == 0 {
		return nil
	}
	for _, d := range n.to {
		all, err := p.headersOf(d, n.headers)
		if err != nil {
			return err
		}
		if broken := sender.CheckHeaders(all); len(broken) > 0 {
			return problem.Fields{{Name: "headers", Message: fmt.Sprintf("%s, with those of %s", broken[0].Message, d.ID)}}.Err()
		}
	}
	return nil
}
