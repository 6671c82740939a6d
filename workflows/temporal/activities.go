package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"

	"datapusher/workflows"
)

// activities call the core back.
type activities struct {
	core    workflows.Core
	logger  *slog.Logger
	indexed func() bool
}

// First makes a run's first attempts.
func (a *activities) First(ctx context.Context, run string) (firstResult, error) {
	outcomes, err := guard(func() ([]workflows.Outcome, error) { return a.core.First(ctx, run) })
	switch {
	case errors.Is(err, workflows.ErrNotOwner):
		return firstResult{}, nil
	case errors.Is(err, workflows.ErrNoTurn):
		return firstResult{}, noTurn()
	case err != nil:
		a.logger.ErrorContext(ctx, "first attempts failed on our side", "run", run, "error", err)
		return firstResult{}, ownFailure()
	}
	return newFirstResult(outcomes, a.indexed()), nil
}

// Attempt makes a delivery's next attempt if it is due. A delivery that is not
// settled then is an error to Temporal, which calls again after the delay in it.
func (a *activities) Attempt(ctx context.Context, run, deliveryID string) (Delivery, error) {
	ctx, rest := beat(ctx)
	defer rest()
	outcome, err := guard(func() (workflows.Outcome, error) { return a.core.Attempt(ctx, run, deliveryID) })
	switch {
	case errors.Is(err, workflows.ErrNotOwner):
		return Delivery{ID: deliveryID, Outcome: Moved}, nil
	case err != nil:
		a.logger.ErrorContext(ctx, "attempt failed on our side", "run", run, "delivery", deliveryID, "error", err)
		return Delivery{}, ownFailure()
	case outcome.State == workflows.Settled:
		return settled(outcome), nil
	}
	return Delivery{}, unsettled(outcome)
}

// Step takes one turn of a loop.
func (a *activities) Step(ctx context.Context, loop string) (stepResult, error) {
	ctx, rest := beat(ctx)
	defer rest()
	step, err := guard(func() (stepResult, error) {
		again, done, err := a.core.Step(ctx, loop)
		// Rounded up, so that a short delay does not become none.
		return stepResult{Again: int64((again + time.Millisecond - 1) / time.Millisecond), Done: done}, err
	})
	if err != nil {
		a.logger.ErrorContext(ctx, "turn failed on our side", "loop", loop, "error", err)
		return stepResult{}, ownFailure()
	}
	return step, nil
}

// beat tells Temporal now and then that an activity goes on, so that what a worker
// was at that has died is given to another soon, however long it may take. The
// context that it returns does not end when Temporal answers that the activity was
// canceled: what has begun is not torn off.
func beat(ctx context.Context) (_ context.Context, rest func()) {
	ticker := time.NewTicker(heartbeatTimeout / 3)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			case <-done:
				return
			}
		}
	}()
	return context.WithoutCancel(ctx), func() {
		ticker.Stop()
		close(done)
	}
}

// guard makes a panic an error like any other of our own. The SDK would send
// its text and stack to Temporal.
func guard[T any](call func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return call()
}
