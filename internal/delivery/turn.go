package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"datapusher/internal/breaker"
	"datapusher/internal/failpoint"
	"datapusher/workflows"
)

const (
	// laneTurn is how long one turn of a lane sends. What it has begun may end later.
	laneTurn = time.Second
	// sendWithin is how long after it was taken a delivery may be sent. Later only a
	// process comes to it that has stood still, and another may have it.
	sendWithin = laneTurn + slotWait
	// lookAtWindow is how often a full window is looked at: it may widen by itself.
	lookAtWindow = 20 * time.Millisecond
	// chunk deliveries are taken out of the park at once, with their events.
	chunk = 64
)

// pace is what one turn of a drain leaves to the next, in this process: another
// one begins anew.
type pace struct {
	next    time.Time     // before this no delivery may leave
	latency time.Duration // of the receiver's answers, smoothed
}

// turn is one turn of a lane: it takes parked deliveries for itself, attempts
// them, and puts back what it did not come to.
type turn struct {
	*Core
	d     *destination
	s     breaker.Standing
	owner string        // of what it has taken
	until time.Time     // no attempt begins later
	judge func(*record) // of a probe, before it is recorded

	wait     sync.WaitGroup // attempts until they are recorded
	mu       sync.Mutex     // guards what follows
	answered *sync.Cond     // an attempt's place is free again
	inFlight int
	began    time.Time // of the last one
	pace     pace
	waiting  bool // some have to be tried again later
	err      error
}

func (c *Core) newTurn(d *destination, s breaker.Standing) *turn {
	t := &turn{Core: c, d: d, s: s, owner: c.newClaim(d.id), until: c.o.Now().Add(laneTurn)}
	t.answered = sync.NewCond(&t.mu)
	if left, ok := c.drains.Load(d.id); ok {
		t.pace = left.(pace)
	}
	return t
}

// claim takes parked deliveries and loads them. Their lease is long enough for
// the last attempt of the turn.
func (t *turn) claim(ctx context.Context, ids []string) ([]row, error) {
	lease := sendWithin + max(t.d.timeout+recordTime, Lease)
	asked := t.o.Now()
	got, err := t.store.claim(ctx, t.owner, ids, lease)
	if err != nil || len(got) == 0 {
		return nil, wrap(err, "take deliveries out of the park")
	}
	rows, err := t.store.loadAll(ctx, got)
	for i := range rows {
		rows[i].read = asked
	}
	return rows, wrap(err, "load what was parked")
}

func wrap(err error, what string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// drain attempts parked deliveries in order until the turn is over. It tells when
// to go on, and whether none is left.
func (t *turn) drain(ctx context.Context) (again time.Duration, empty bool, err error) {
	after := ""
	for {
		oldest, err := t.store.oldestParked(ctx, t.d.id, after, chunk)
		if err != nil {
			return 0, false, wrap(err, "look at what is parked")
		}
		if len(oldest) == 0 {
			return 0, true, nil
		}
		ids := make([]string, 0, len(oldest))
		for _, p := range oldest {
			if p.lease > early {
				break // in order: what another turn still has comes first
			}
			ids = append(ids, p.id)
		}
		if len(ids) == 0 {
			return oldest[0].lease, false, nil
		}
		rows, err := t.claim(ctx, ids)
		if err != nil {
			return 0, false, err
		}
		failpoint.Hit(failpoint.Claimed)
		for i, r := range rows {
			if again, ok := t.begin(ctx); !ok {
				return again, false, t.putBack(ctx, rows[i:])
			}
			t.wait.Go(func() { _ = t.one(ctx, r, r.asker()) })
		}
		after = ids[len(ids)-1]
	}
}

// begin waits for the pace and for a place in the window; false ends the turn,
// which is to go on after that time.
func (t *turn) begin(ctx context.Context) (again time.Duration, ok bool) {
	now := t.o.Now()
	if wait := t.pace.next.Sub(now); wait > 0 {
		if !now.Add(wait).Before(t.until) {
			return wait, false
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return 0, false
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.inFlight >= t.window() {
		look := time.AfterFunc(lookAtWindow, t.answered.Broadcast)
		t.answered.Wait()
		look.Stop()
	}
	now = t.o.Now()
	if t.err != nil || ctx.Err() != nil || !now.Before(t.until) || t.destinations.latest(t.d).state != string(breaker.Sending) {
		return 0, false
	}
	t.inFlight++
	t.began = now
	t.pace.next = now.Add(breaker.Gap(now.Sub(t.s.Since), t.s.Rate))
	return 0, true
}

// window is how many may be in flight. A receiver that has not answered yet takes
// at least that long.
func (t *turn) window() int {
	now, latency := t.o.Now(), t.pace.latency
	if t.inFlight > 0 {
		latency = max(latency, now.Sub(t.began))
	}
	return breaker.Window(now.Sub(t.s.Since), t.s.Rate, latency)
}

// one attempts a delivery that the turn has taken. The next may begin as soon as
// the receiver has answered; after a failure, when the breaker knows of it.
func (t *turn) one(ctx context.Context, r row, by Asker) error {
	if r.payload == nil {
		_, err := t.conclude(ctx, t.d, dropped(r))
		return t.free(by, 0, false, err)
	}
	waiting, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	placed := t.slots.acquire(waiting, r.destination, r.account, len(r.payload))
	late := t.o.Now().Sub(r.read) > sendWithin
	if placed && late {
		t.slots.release(r.destination, r.account, len(r.payload))
	}
	if !placed || late {
		return t.free(by, 0, false, wrap(t.putBack(context.WithoutCancel(ctx), []row{r}), "put a delivery back"))
	}
	if !workflows.Ours(ctx) {
		t.slots.release(r.destination, r.account, len(r.payload))
		return t.free(by, 0, false, errors.Join(errNotOurs, t.putBack(context.WithoutCancel(ctx), []row{r})))
	}
	defer t.slots.recorded(r.account)
	rec := t.send(ctx, r, t.destinations.latest(t.d), by)
	if by == byProbe {
		t.judge(rec)
	}
	taken := accepted(rec.result)
	if taken {
		_ = t.free(by, rec.result.Total, false, nil)
	}
	o, err := t.conclude(ctx, t.d, rec)
	if errors.Is(err, workflows.ErrNotOwner) {
		err = nil // somebody has it now, or has canceled it
	}
	if taken {
		return t.fail(err)
	}
	return t.free(by, rec.result.Total, o.State == workflows.Again, err)
}

// free frees the place of an attempt.
func (t *turn) free(by Asker, took time.Duration, waits bool, err error) error {
	t.mu.Lock()
	if by != byProbe {
		t.inFlight--
		t.answered.Signal()
	}
	if took > 0 {
		t.pace.latency = (3*t.pace.latency + took) / 4
	}
	t.waiting = t.waiting || waits
	t.mu.Unlock()
	return t.fail(err)
}

func (t *turn) fail(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	return err
}

func (t *turn) putBack(ctx context.Context, rows []row) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return t.store.release(ctx, t.owner, ids)
}

// end waits for what the turn has begun, hands to the engine what has to be tried
// again, and tells how the destination stands now.
func (t *turn) end(ctx context.Context, err error) (breaker.Standing, error) {
	t.wait.Wait()
	t.drains.Store(t.d.id, t.pace)
	if err == nil {
		err = t.err
	}
	if t.waiting {
		_, failed := t.moveFrom(ctx, t.owner, nil)
		err = errors.Join(err, failed)
	}
	if err != nil {
		return breaker.Standing{}, err
	}
	return t.stands(ctx, t.d.id)
}
