package temporal

import (
	"time"

	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// firstLocally bounds the first attempts within the first workflow task. The
// core answers within about 2 s; the rest is for a database that is slow. It
// stays below the 8 s after which a worker has to prolong a workflow task.
const firstLocally = 7 * time.Second

// firstDurably bounds one try of them as a regular activity.
const firstDurably = time.Minute

// runWorkflow carries a run until each of its deliveries is settled or dropped,
// for days if need be: it has no timeout.
func runWorkflow(ctx workflow.Context, run string) (Result, error) {
	return carry(ctx, run, makeFirst)
}

// plainWorkflow is the same without a local activity.
func plainWorkflow(ctx workflow.Context, run string) (Result, error) {
	return carry(ctx, run, makeFirstDurably)
}

func carry(ctx workflow.Context, run string, makeFirst func(workflow.Context, string) (firstResult, error)) (Result, error) {
	first, err := makeFirst(ctx, run)
	if err != nil {
		return Result{}, err
	}
	deliveries := newPending(ctx, run, first)
	if err := deliveries.settle(ctx); err != nil {
		return Result{}, err
	}
	return deliveries.result, nil
}

// makeFirst has the core make the first attempts. A local activity is recorded
// with the workflow task that it runs in, so that a run whose deliveries all
// succeed costs a single task. It is not retried: while it waited for the next
// try it would keep the task, and the task's slot, busy. If our own side fails,
// a regular activity takes over, which Temporal retries for as long as it takes.
func makeFirst(ctx workflow.Context, run string) (firstResult, error) {
	var result firstResult
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: firstLocally,
		RetryPolicy:            &sdk.RetryPolicy{MaximumAttempts: 1},
	})
	err := workflow.ExecuteLocalActivity(local, activityFirst, run).Get(ctx, &result)
	if err == nil || sdk.IsCanceledError(err) {
		return result, err
	}
	return makeFirstDurably(ctx, run)
}

func makeFirstDurably(ctx workflow.Context, run string) (firstResult, error) {
	durable := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: firstDurably,
		RetryPolicy:         ownFailurePolicy(),
		Summary:             "first attempts",
	})
	var result firstResult
	err := workflow.ExecuteActivity(durable, activityFirst, run).Get(ctx, &result)
	return result, err
}
