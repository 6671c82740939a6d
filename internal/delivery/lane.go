package delivery

import (
	"context"
	"fmt"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
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
	s, err := c.change(ctx, id, func(s breaker.Standing) breaker.Standing { return s.Tick(c.now(), c.o.DisableAfter) })
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
		n, err := c.store.parkWaiting(ctx, d.id, whyParked(d), atATime)
		if err != nil {
			return fmt.Errorf("park what waits: %w", err)
		}
		if n < atATime {
			return nil
		}
	}
}

func (c *Core) cancelAll(ctx context.Context, d *destination) error {
	for {
		n, err := c.store.cancelWaiting(ctx, d.id, whyDeleted(d), atATime)
		if err != nil {
			return fmt.Errorf("cancel what waits: %w", err)
		}
		if n < atATime {
			return nil
		}
	}
}

// probe asks, when it is time, whether the receiver is back: with the oldest
// parked delivery, so that nothing overtakes it if it is, and if that one fails,
// with one that was not probed with yet: an event that the receiver cannot digest
// does not keep the breaker open.
func (c *Core) probe(ctx context.Context, d *destination, s breaker.Standing) (again time.Duration, done bool, err error) {
	if wait := s.ProbeAt.Sub(c.now()); wait > 0 {
		return wait, false, nil
	}
	probes, err := c.probes(ctx, d, s)
	if err != nil {
		return 0, false, fmt.Errorf("look for deliveries to probe with: %w", err)
	}
	if len(probes) == 0 {
		_, err := c.change(ctx, d.id, func(s breaker.Standing) breaker.Standing { return s.Idle(c.now()) })
		return lookAgain, false, err
	}
	t := c.newTurn(d, s)
	for i, p := range probes {
		if p.lease > early {
			return p.lease, false, nil
		}
		rows, err := t.claim(ctx, []string{p.id})
		if err != nil {
			return 0, false, err
		}
		for _, r := range rows {
			r.lastProbe = i == len(probes)-1
			if err := t.one(ctx, r, byProbe); err != nil {
				return 0, false, err
			}
		}
		if c.destinations.latest(d).state != string(breaker.Open) {
			break
		}
	}
	after, err := t.end(ctx, nil)
	if err == nil && after.State == breaker.Open && after.ProbeAt.Equal(s.ProbeAt) {
		// The last one could not be sent, or somebody has canceled it: the others'
		// failure is the answer, or the dead receiver would be asked without a pause.
		after, err = c.change(ctx, d.id, func(s breaker.Standing) breaker.Standing {
			return s.Failed(c.now(), breaker.Failure{
				Delivery: probes[len(probes)-1].id, Reason: unanswered, Probe: true, Random: c.o.Random(),
			}, c.o.DisableAfter)
		})
	}
	if err != nil || after.State != breaker.Open {
		return 0, false, err
	}
	return max(after.ProbeAt.Sub(c.now()), leastWait), false, nil
}

// unanswered is why a breaker stays open whose probe did not come about.
const unanswered = "no probe was answered"

// probes are the oldest parked delivery, and the first after those that were
// probed with before.
func (c *Core) probes(ctx context.Context, d *destination, s breaker.Standing) ([]parked, error) {
	probes, err := c.store.oldestParked(ctx, d.id, "", 1)
	if err != nil || len(probes) == 0 {
		return nil, err
	}
	oldest := probes[0].id
	next, err := c.store.oldestParked(ctx, d.id, max(s.Probed, oldest), 1)
	if err == nil && len(next) == 0 {
		next, err = c.store.oldestParked(ctx, d.id, oldest, 1) // around again
	}
	return append(probes, next...), err
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
	return Lane(destinationID) + "/" + id.NewBatch(c.o.Now())[len("batch/"):]
}

// dropped ends a delivery that has nothing to send any more.
func dropped(r row) *record {
	return &record{row: r, number: r.attempts + 1, noTry: true, decision: Decision{
		Status: delivery.StatusCanceled, Reason: eventDropped, Step: r.step,
	}}
}
