package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"datapusher/internal/failpoint"
	"datapusher/workflows"
)

const (
	// reconcileEvery is the time between two looks at what is overdue.
	reconcileEvery = 5 * time.Second
	// grace is how long after its lease a delivery counts as forgotten: by then
	// an engine that is well has come for it.
	grace = 10 * time.Second
	// renewal is how long a run that was handed over again is left in peace.
	renewal = 30 * time.Second
	// perTurn bounds the overdue deliveries that one look takes up. Where there are
	// more the next look comes as soon as few runs wait for their turn to start, and
	// after moreEvery at least.
	perTurn   = 5000
	moreEvery = 50 * time.Millisecond
	// maxFailed runs that the engine does not take end a look: it is away.
	maxFailed = 5
	// engineTimeout is how long the engine may take for one run or lane.
	engineTimeout = 5 * time.Second
	// maxWaking bounds the lanes that one look wakes.
	maxWaking = 100
)

// Reconcile hands over what is committed and overdue until ctx ends: what a
// crash, an outage or a loss of the engine left behind. It runs in every process
// that works; handing over twice is handing over once.
func (c *Core) Reconcile(ctx context.Context) {
	for {
		more, err := c.reconcile(ctx)
		if err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("the reconciler will try again", "error", err)
		}
		wait := reconcileEvery
		if more {
			wait = moreEvery
		}
		for again := true; again; again = more && c.starting.Load() > turns {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	}
}

// ReconcileOnce is one look at what is overdue.
func (c *Core) ReconcileOnce(ctx context.Context) error {
	_, err := c.reconcile(ctx)
	return err
}

// reconcile is one look; more tells that all went well, and that there is more.
func (c *Core) reconcile(ctx context.Context) (more bool, err error) {
	c.destinations.sweep()
	late, err := c.store.overdueRuns(ctx, grace, perTurn)
	if err != nil {
		return false, fmt.Errorf("look for what is overdue: %w", err)
	}
	found := 0
	for _, run := range late {
		found += run.deliveries
	}
	// In any order: the same few that fail each time must not stand before the others.
	rand.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	var failed []error
	for _, run := range late {
		if err := c.handOverAgain(ctx, run); err != nil {
			if failed = append(failed, fmt.Errorf("%s: %w", run.run, err)); len(failed) == maxFailed {
				break
			}
		}
	}
	if err := c.wakeLoops(ctx); err != nil {
		failed = append(failed, err)
	}
	return found >= perTurn && len(failed) == 0, errors.Join(failed...)
}

func (c *Core) wakeLoops(ctx context.Context) error {
	lanes, err := c.store.waking(ctx, grace, maxWaking)
	if err != nil {
		return fmt.Errorf("look for lanes to wake: %w", err)
	}
	replays, err := c.store.wakingReplays(ctx, grace, maxWaking)
	if err != nil {
		return fmt.Errorf("look for replays to wake: %w", err)
	}
	for _, id := range lanes {
		if err := c.wake(ctx, workflows.Lane(id)); err != nil {
			return err
		}
	}
	for _, id := range replays {
		if err := c.wake(ctx, workflows.Replay(id)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Core) wake(ctx context.Context, loop string) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	return c.engine.Wake(ctx, loop)
}

func (c *Core) handOverAgain(ctx context.Context, late overdue) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	if strings.HasPrefix(late.run, workflows.LanePrefix) {
		_, err := c.moveFrom(ctx, late.run, nil) // a lane's turn has died before it did so
		return err
	}
	failpoint.Hit(failpoint.Reconciling)
	c.o.Logger.Info("handing over again what is overdue", "run", late.run, "deliveries", late.deliveries)
	err := c.engine.Dispatch(ctx, workflows.Run{ID: late.run, Summary: "handed over again", Overdue: true})
	if errors.Is(err, workflows.ErrRunClosed) {
		_, err := c.moveFrom(ctx, late.run, nil)
		return err
	}
	if err != nil {
		return err
	}
	return c.store.renew(ctx, late.run, renewal)
}
