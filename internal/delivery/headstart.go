package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/breaker"
	"datapusher/internal/ingest"
	"datapusher/workflows"
)

// Begin implements dispatch.HeadStart: it starts the first attempts of what was
// committed under a run, in this process, and returns at once. First joins them.
func (c *Core) Begin(run string, committed []ingest.Delivery) {
	rows := make([]row, len(committed))
	for i, d := range committed {
		rows[i] = row{
			id: d.ID, account: d.AccountID, event: d.EventID, destination: d.DestinationID, run: run,
			status: delivery.StatusPending, content: content{payload: d.Payload},
		}
	}
	if !c.enter() {
		return // its lease ends, and another process takes it up
	}
	_, fresh := c.flights.add(run, rows)
	go func() {
		defer c.wait.Done()
		c.start(context.Background(), fresh)
	}()
}

// prepareTimeout bounds what comes before an attempt: with the attempt's own
// deadline it has to end within the lease.
const prepareTimeout = recordTime

const (
	// laneWait is how long a first attempt waits for a place. A destination that
	// is merely busy gets everything in its time; behind a slow one nothing queues
	// up for long, for its further attempts are the engine's.
	laneWait = 500 * time.Millisecond
	// maxWaiting first attempts wait for a place, and keep their events in memory.
	maxWaiting = 8192
)

// start begins first attempts. What finds no place soon steps back.
func (c *Core) start(ctx context.Context, flights []flight) {
	preparing, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	ids := make([]string, len(flights))
	for i, f := range flights {
		ids[i] = f.destination
	}
	found, err := c.destinations.get(preparing, ids...)
	if err == nil {
		err = c.loadContents(preparing, flights)
	}
	for _, f := range flights {
		if err != nil {
			f.finish(workflows.Outcome{}, fmt.Errorf("prepare the attempt: %w", err))
			continue
		}
		d := found[f.destination]
		label := d.display()
		f.label.Store(&label)
		c.wait.Go(func() {
			switch {
			case c.place(ctx, f.destination):
				f.finish(c.attempt(ctx, f.row, d))
			case c.slots.full(f.destination):
				f.finish(c.queueUp(ctx, f.row, d))
			default:
				f.finish(c.again(f.entry.row, label, 0), nil)
			}
		})
	}
}

// place takes a slot for a first attempt.
func (c *Core) place(ctx context.Context, destination string) bool {
	if c.slots.try(destination) {
		return true
	}
	if c.slots.waiting.Load() >= maxWaiting {
		return false
	}
	waiting, cancel := context.WithTimeout(ctx, laneWait)
	defer cancel()
	return c.slots.acquire(waiting, destination)
}

// queueUp parks a delivery whose destination has no place left, and so everything
// that comes after it: the lane sends in order what the destination can take. One
// that does not answer at all would otherwise cost an activity for each event
// until its first attempts have run into their deadline.
func (c *Core) queueUp(ctx context.Context, r row, d *destination) (workflows.Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slotWait)
	defer cancel()
	if d = c.destinations.latest(d); d.sending() {
		if _, err := c.change(ctx, d.id, func(s breaker.Standing) breaker.Standing { return s.Crowded() }); err != nil {
			return workflows.Outcome{}, fmt.Errorf("let deliveries queue up: %w", err)
		}
		d = c.destinations.latest(d)
	}
	if d.sending() || d.deleted {
		return c.again(r, d.display(), 0), nil // it has places again, or is gone
	}
	return c.settle(ctx, r, d, delivery.StatusParked, whyParked(d))
}

// loadContents reads the events that were not just accepted in this process,
// each once however many destinations it has.
func (c *Core) loadContents(ctx context.Context, flights []flight) error {
	var events []string
	for _, f := range flights {
		if f.row.payload == nil {
			events = append(events, f.event)
		}
	}
	if len(events) == 0 {
		return nil
	}
	slices.Sort(events)
	found, err := c.store.contents(ctx, slices.Compact(events))
	for i, f := range flights {
		if f.row.payload == nil {
			flights[i].row.content = found[f.event] // nothing when the event is gone
		}
	}
	return err
}
