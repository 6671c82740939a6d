package delivery

import (
	"context"
	"fmt"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
	"datapusher/workflows"
)

const (
	// atATime deliveries are parked or canceled with one statement.
	atATime = 500
	// lookAgain is when a lane that has drained looks once more: events whose commit
	// was under way may have parked at that moment.
	lookAgain = 250 * time.Millisecond
	// claimed by another turn, which may have died, that cannot be asked.
	leastWait = 100 * time.Millisecond
)

// lane is a turn of a destination's loop. Whatever the state, what waits for its
// next attempt joins the park, so that one place holds everything that waits.
func (c *Core) lane(ctx context.Context, id string) (again time.Duration, done bool, err error) {
	// Not from the cache: a lane is woken because the state has just changed, in
	// another process perhaps.
	found, err := c.store.destinations(ctx, []string{id})
	if err != nil {
		return 0, false, fmt.Errorf("load the destination: %w", err)
	}
	if len(found) == 0 {
		return 0, true, nil
	}
	d := c.destinations.put(found[0])
	if d.deleted {
		return 0, true, c.cancelAll(ctx, d)
	}
	tick := func(s breaker.Standing) breaker.Standing { return s.Tick(c.now(), c.o.DisableAfter) }
	s, err := c.stands(ctx, id)
	if err == nil && !tick(s).Equal(s) {
		s, err = c.change(ctx, id, tick)
	}
	if err != nil {
		return 0, false, fmt.Errorf("look at the destination: %w", err)
	}
	d = c.destinations.latest(d)
	if d.broken != nil && (s.State == breaker.Sending || s.State == breaker.Open) {
		return 0, false, d.broken // our own side's: nothing is attempted, and nothing fails
	}
	if s.State == breaker.Sending {
		return c.drain(ctx, d, s)
	}
	if err := c.parkAll(ctx, d); err != nil {
		return 0, false, err
	}
	switch {
	case s.State == breaker.Open:
		return c.probe(ctx, d, s)
	case s.State == breaker.Paused && !s.PausedUntil.IsZero():
		return max(s.PausedUntil.Sub(c.now()), leastWait), false, nil
	}
	return 0, true, nil
}

func (c *Core) parkAll(ctx context.Context, d *destination) error {
	for {
		ids, err := c.store.parkWaiting(ctx, d.id, whyParked(d), atATime)
		if err != nil {
			return fmt.Errorf("park what waits: %w", err)
		}
		c.o.Changes.Note(d.account, ids...)
		if len(ids) < atATime {
			return nil
		}
	}
}

func (c *Core) cancelAll(ctx context.Context, d *destination) error {
	for {
		ids, err := c.store.cancelWaiting(ctx, d.id, whyDeleted(d), atATime)
		if err != nil {
			return fmt.Errorf("cancel what waits: %w", err)
		}
		c.o.Changes.Note(d.account, ids...)
		if len(ids) < atATime {
			return nil
		}
	}
}

// drain sends what is parked, the oldest first, for a turn. When nothing is left
// new deliveries go out at once again.
func (c *Core) drain(ctx context.Context, d *destination, s breaker.Standing) (again time.Duration, done bool, err error) {
	t := c.newTurn(d, s)
	wait, empty, err := t.drain(ctx)
	s, err = t.end(ctx, err)
	switch {
	case err != nil:
		return 0, false, err
	case !empty || s.State != breaker.Sending:
		return wait, false, nil
	case !s.Draining:
		return 0, true, nil
	}
	c.drains.Delete(d.id)
	_, err = c.change(ctx, d.id, func(s breaker.Standing) breaker.Standing { return s.Drained() })
	return lookAgain, false, err
}

// newClaim is the owner of what one turn of a lane has taken out of the park.
func (c *Core) newClaim(destinationID string) string {
	return workflows.Lane(destinationID) + "/" + id.NewBatch(c.o.Now())[len("batch/"):]
}

// dropped ends a delivery that has nothing to send any more.
func dropped(r row) *record {
	return &record{row: r, number: r.attempts + 1, noTry: true, decision: Decision{
		Status: delivery.StatusCanceled, Reason: eventDropped, Step: r.step,
	}}
}
