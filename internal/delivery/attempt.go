package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/sender"
	"datapusher/workflows"
)

const (
	// early is how much before its time an attempt may begin: the clocks of
	// engine and database need not agree better.
	early = 50 * time.Millisecond
	// slotWait is how long an attempt waits for a place before it steps back.
	slotWait = 10 * time.Second
)

// Attempt implements workflows.Core.
func (c *Core) Attempt(ctx context.Context, run, deliveryID string) (workflows.Outcome, error) {
	if !c.enter() {
		return workflows.Outcome{}, errStopped
	}
	defer c.wait.Done()
	if e := c.flights.entry(run, deliveryID); e != nil {
		// The first attempt is still going on in this process: wait for it.
		return e.wait(ctx)
	}
	r, d, o, err := c.look(ctx, run, deliveryID)
	if o != nil || err != nil {
		return deref(o), err
	}
	if !c.slots.try(r.destination) {
		waiting, cancel := context.WithTimeout(ctx, slotWait)
		defer cancel()
		if !c.slots.acquire(waiting, r.destination) {
			return c.again(r, d.display(), time.Second+time.Duration(c.o.Random()*float64(slotWait))), nil
		}
		destination := r.destination
		// Much may have happened meanwhile.
		if r, d, o, err = c.look(ctx, run, deliveryID); o != nil || err != nil {
			c.slots.release(destination)
			return deref(o), err
		}
	}
	return c.attempt(ctx, r, d)
}

// look loads a delivery and its destination. An outcome says that no attempt is
// to be made now.
func (c *Core) look(ctx context.Context, run, deliveryID string) (r row, d *destination, o *workflows.Outcome, err error) {
	loaded, err := c.store.load(ctx, deliveryID)
	if err != nil {
		return r, nil, nil, fmt.Errorf("load the delivery: %w", err)
	}
	if loaded == nil {
		return r, nil, nil, workflows.ErrNotOwner
	}
	r = *loaded
	found, err := c.destinations.get(ctx, r.destination)
	if err != nil {
		return r, nil, nil, fmt.Errorf("load the destination: %w", err)
	}
	d = found[r.destination]
	standing := c.standing(r, d.display())
	switch {
	case !r.unsettled():
		return r, d, &standing, nil // also when parked: it has another owner now
	case r.run != run:
		return r, d, nil, workflows.ErrNotOwner
	case r.leased():
		standing = c.open(r, d.display(), r.lease) // it may be going on in another process
		return r, d, &standing, nil
	case r.due > early:
		return r, d, &standing, nil
	}
	return r, d, nil, nil
}

func deref(o *workflows.Outcome) workflows.Outcome {
	if o == nil {
		return workflows.Outcome{}
	}
	return *o
}

// attempt makes the next attempt of a delivery, in a slot that it gives back, and
// records it.
func (c *Core) attempt(ctx context.Context, r row, d *destination) (workflows.Outcome, error) {
	defer c.slots.recorded()
	if o, done, err := c.withoutAttempt(ctx, r, d); done || err != nil {
		c.slots.answered(r.destination)
		return o, err
	}
	number := r.attempts + 1
	result := c.send(ctx, r, d)
	if result.Class.OurSide() {
		return workflows.Outcome{}, fmt.Errorf("attempt %d of %s did not come about: %s", number, r.id, result.Class)
	}
	decision := c.o.Schedule.Decide(result, number, c.o.Random())
	// What is never sent is no attempt: there is nothing to number.
	noTry := result.Class.Permanent()
	written, err := c.recorder.record(&record{row: r, number: number, result: result, noTry: noTry, decision: decision})
	if err != nil {
		return workflows.Outcome{}, fmt.Errorf("record attempt %d of %s: %w", number, r.id, err)
	}
	if !written {
		return c.overtaken(ctx, r, d)
	}
	c.o.Observe(result, decision)
	c.log(r, d, number, result, decision)
	if !noTry {
		r.attempts = number
	}
	r.status, r.reason, r.due = decision.Status, decision.Reason, decision.After
	o := c.standing(r, d.display())
	o.Result, o.Millis = ResultOf(result), result.Total.Milliseconds()
	return o, nil
}

func (c *Core) send(ctx context.Context, r row, d *destination) sender.Result {
	defer c.slots.answered(r.destination)
	return c.o.Sender.Send(ctx, &sender.Request{
		EventID: r.event, Method: d.method, URL: d.url, Headers: d.headers, Payload: r.payload,
		Secrets: d.signing(c.o.Now()),
	})
}

// withoutAttempt settles what must not be sent: to a destination that is gone or
// does not send now.
func (c *Core) withoutAttempt(ctx context.Context, r row, d *destination) (o workflows.Outcome, done bool, err error) {
	status := delivery.StatusCanceled
	var reason string
	switch {
	case d == nil || d.deleted:
		reason = "destination_deleted"
	case r.payload == nil:
		reason = "event_dropped"
	case d.state != "SENDING":
		status, reason = delivery.StatusParked, d.reason
		if reason == "" {
			reason = strings.ToLower(d.state)
		}
	case d.broken != nil:
		return o, false, d.broken
	default:
		return o, false, nil
	}
	if err := c.store.settle(ctx, r.run, []string{r.id}, status, reason); err != nil {
		return o, false, fmt.Errorf("settle %s: %w", r.id, err)
	}
	r.status, r.reason = status, reason
	c.o.Logger.LogAttrs(ctx, slog.LevelInfo, "no attempt", slog.String("delivery", r.id), slog.String("event", r.event),
		slog.String("account", r.account), slog.String("destination", r.destination),
		slog.String("status", string(status)), slog.String("reason", reason))
	return c.standing(r, d.display()), true, nil
}

// overtaken finds out how a delivery stands whose attempt could not be recorded:
// somebody has recorded that number, or owns the delivery now.
func (c *Core) overtaken(ctx context.Context, r row, d *destination) (workflows.Outcome, error) {
	now, err := c.store.load(ctx, r.id)
	switch {
	case err != nil:
		return workflows.Outcome{}, fmt.Errorf("load the delivery: %w", err)
	case now == nil || now.unsettled() && now.run != r.run:
		return workflows.Outcome{}, workflows.ErrNotOwner
	}
	return c.standing(*now, d.display()), nil
}

// log writes the one line of an attempt. It names the account's things by id
// alone: no URL, no header, no payload.
func (c *Core) log(r row, d *destination, number int, result sender.Result, decision Decision) {
	c.o.Logger.LogAttrs(context.Background(), slog.LevelInfo, "attempt",
		slog.String("delivery", r.id), slog.String("event", r.event), slog.String("account", r.account),
		slog.String("destination", d.id), slog.Int("number", number), slog.String("result", ResultOf(result)),
		slog.Duration("took", result.Total), slog.String("status", string(decision.Status)),
		slog.String("reason", decision.Reason), slog.Duration("next", decision.After))
}

// standing describes a delivery as its row does.
func (c *Core) standing(r row, label string) workflows.Outcome {
	o := workflows.Outcome{
		DeliveryID: r.id, AccountID: r.account, DestinationID: r.destination, Label: label,
		State: workflows.Settled, Status: string(r.status), Result: r.reason, Attempts: r.attempts,
	}
	if r.unsettled() {
		o.State, o.After = workflows.Again, max(r.due, 0)
	}
	return o
}

func (c *Core) again(r row, label string, after time.Duration) workflows.Outcome {
	o := c.standing(r, label)
	o.State, o.After = workflows.Again, after
	return o
}

func (c *Core) open(r row, label string, until time.Duration) workflows.Outcome {
	o := c.standing(r, label)
	o.State, o.After = workflows.Open, until
	return o
}
