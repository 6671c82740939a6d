package temporal

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// stepsPerExecution bounds the history of one execution of a loop, at about ten
// events a step: a worker that has to replay it is done in milliseconds.
const stepsPerExecution = 100

// stepTimeout bounds one turn of a loop: it may end with an attempt.
const stepTimeout = 2 * time.Minute

// loopWorkflow takes turns until the core says that the loop is done. Between
// two turns it sleeps; a wake signal ends the sleep.
//
// No wake may be lost: each has to be followed by a turn that begins after it.
// So those that are there before a turn are answered by it, and one that comes
// during the last turn makes for another. One that comes later still meets
// Temporal's own guard: an execution cannot be closed on an unseen signal.
func loopWorkflow(ctx workflow.Context, loop string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: stepTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         ownFailurePolicy(),
		Summary:             clip(oneLine(loop), maxSummary),
	})
	wakes := workflow.GetSignalChannel(ctx, signalWake)
	for turn := 0; ; turn++ {
		drain(wakes)
		if turn >= stepsPerExecution || turn > 0 && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			// The next execution begins with a turn, which also answers the wakes
			// that this one has just taken.
			return workflow.NewContinueAsNewError(ctx, workflowLoop, loop)
		}
		var step stepResult
		if err := workflow.ExecuteActivity(ctx, activityStep, loop).Get(ctx, &step); err != nil {
			return err
		}
		if step.Done {
			if drain(wakes) {
				continue
			}
			return nil
		}
		if err := sleep(ctx, wakes, time.Duration(step.Again)*time.Millisecond); err != nil {
			return err
		}
	}
}

// drain takes all the signals that are there and says whether there were any.
func drain(signals workflow.ReceiveChannel) (some bool) {
	for signals.ReceiveAsync(nil) {
		some = true
	}
	return some
}

// sleep ends after d or with a signal, whichever is first.
func sleep(ctx workflow.Context, signals workflow.ReceiveChannel, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timing, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(timing, d, workflow.TimerOptions{Summary: "next turn"})
	workflow.NewSelector(ctx).
		AddFuture(timer, func(workflow.Future) {}).
		AddReceive(signals, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		Select(ctx)
	return ctx.Err()
}
