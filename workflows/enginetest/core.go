package enginetest

import (
	"context"
	"errors"
	"time"

	"datapusher/workflows"
)

// player is the core of one process. Like the real one it keeps everything in
// the database, so that it may be asked again, elsewhere, at any time: an
// attempt that has been made is not repeated, and one that is not due is not made.
type player struct {
	*ledger
	process string
}

var _ workflows.Core = (*player)(nil)

func (c *player) First(ctx context.Context, runID string) ([]workflows.Outcome, error) {
	var r *run
	var failure answer
	var place int
	c.update(func() {
		if r = c.runs[runID]; r == nil {
			r = &run{}
		}
		kind := "first"
		if len(r.errs) > 0 {
			failure, r.errs = r.errs[0], r.errs[1:]
			kind = "own"
		}
		place = c.begin(call{process: c.process, kind: kind, run: runID})
	})
	defer c.end(ctx, place)
	if err := failure.fail(); err != nil {
		return nil, err
	}
	var outcomes []workflows.Outcome
	for _, d := range r.deliveries {
		outcome, err := c.attempt(ctx, runID, d, true)
		if errors.Is(err, workflows.ErrNotOwner) {
			continue
		}
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

func (c *player) Attempt(ctx context.Context, runID, deliveryID string) (workflows.Outcome, error) {
	var d *delivery
	c.update(func() { d = c.delivery(runID, deliveryID) })
	if d == nil {
		return workflows.Outcome{}, workflows.ErrNotOwner
	}
	return c.attempt(ctx, runID, d, false)
}

// attempt makes the delivery's next attempt if it is due, or tells how it stands.
func (c *player) attempt(ctx context.Context, runID string, d *delivery, first bool) (workflows.Outcome, error) {
	var standing *workflows.Outcome
	var moved bool
	var next answer
	place := -1
	c.update(func() {
		now := time.Now()
		switch {
		case d.moved:
			moved = true
			place = c.begin(call{process: c.process, kind: "moved", run: runID, delivery: d.id})
			return
		case d.last.State == workflows.Settled, d.attempts > 0 && (first || now.Before(d.due)):
			outcome := d.last
			if outcome.State != workflows.Settled {
				outcome.After = max(d.due.Sub(now), 0)
			}
			standing = &outcome
			if !first {
				place = c.begin(call{process: c.process, kind: "early", run: runID, delivery: d.id})
			}
			return
		}
		next = c.next(d)
		started := call{process: c.process, kind: "attempt", run: runID, delivery: d.id, due: d.due}
		if next.err != nil || next.panics {
			started.kind = "own"
		} else {
			d.attempts++
			started.number = d.attempts
		}
		place = c.begin(started)
	})
	if place >= 0 {
		defer c.end(ctx, place)
	}
	if moved {
		return workflows.Outcome{}, workflows.ErrNotOwner
	}
	if standing != nil {
		return *standing, nil
	}
	next.hold()
	if err := next.fail(); err != nil {
		return workflows.Outcome{}, err
	}
	outcome := workflows.Outcome{
		DeliveryID: d.id, AccountID: "acc_1", DestinationID: "dst_1", Label: "POST example.org (a name)",
		State: next.state, After: next.after, Status: next.status, Result: next.result, Millis: 7,
	}
	c.update(func() {
		moved = d.moved
		outcome.Attempts = d.attempts
		d.last, d.due = outcome, time.Now().Add(next.after)
	})
	if moved {
		return workflows.Outcome{}, workflows.ErrNotOwner // it is recorded for its owner alone
	}
	return outcome, nil
}

func (c *player) Step(ctx context.Context, loop string) (time.Duration, bool, error) {
	next := turn{done: true}
	var place int
	c.update(func() {
		kind := "step"
		if turns := c.loops[loop]; len(turns) > 0 {
			next, c.loops[loop] = turns[0], turns[1:]
		}
		if next.err != nil {
			kind = "own"
		}
		place = c.begin(call{process: c.process, kind: kind, run: loop, number: c.count("step", loop, "") + 1})
	})
	defer c.end(ctx, place)
	answer{gate: next.gate}.hold()
	if next.behind != nil {
		defer next.behind()
	}
	return next.again, next.done, next.err
}

func (c *player) end(ctx context.Context, place int) {
	c.update(func() {
		c.record[place].over = true
		c.record[place].canceled = ctx.Err() != nil
	})
}

func (a answer) fail() error {
	if a.panics {
		panic("a panic of our own side")
	}
	return a.err
}

func (a answer) hold() {
	if a.gate != nil {
		<-a.gate.open
	}
}
