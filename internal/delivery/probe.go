package delivery

import (
	"context"
	"fmt"
	"time"

	"datapusher/internal/breaker"
)

// probe says what the failure of a probing attempt means.
type probe int

const (
	noProbe      probe = iota
	probeGoesOn        // another delivery is tried before the breaker waits on
	probeOldest        // the breaker waits on
	probeRotated       // likewise, and the next time another delivery is tried
)

// silentProbes is how many probes in a row end with an oldest delivery that had
// no answer, before another one is tried as well.
const silentProbes = 3

// unanswered is why a breaker stays open whose probe did not come about.
const unanswered = "no probe was answered"

// probe asks, when it is time, whether the receiver is back: with the oldest
// parked delivery, so that nothing overtakes it if it is. If that one fails, one
// that was not probed with yet is tried as well: an event that the receiver cannot
// digest does not keep the breaker open. A receiver that gave no answer at all is
// hardly there to digest anything: then only now and then.
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
		answered, err := t.probe(ctx, p.id, i == 0, i == len(probes)-1)
		if err != nil {
			return 0, false, err
		}
		if answered {
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

// probe attempts one delivery of an open breaker, and says whether that was the
// answer.
func (t *turn) probe(ctx context.Context, deliveryID string, oldest, last bool) (answered bool, err error) {
	rows, err := t.claim(ctx, []string{deliveryID})
	if err != nil || len(rows) == 0 {
		return false, err
	}
	t.judge = func(rec *record) {
		silent := rec.result.Status == 0 && !rec.noTry
		switch {
		case oldest && (last || silent && t.s.Probes%(silentProbes+1) < silentProbes):
			rec.row.probe, answered = probeOldest, true
		case last:
			rec.row.probe, answered = probeRotated, true
		default:
			rec.row.probe, answered = probeGoesOn, accepted(rec.result)
		}
	}
	err = t.one(ctx, rows[0], byProbe)
	return answered, err
}
