package temporal

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"datapusher/workflows"
)

// Dispatch starts the run's workflow, under the run's id. It is a no-op on a
// running one.
func (e *Engine) Dispatch(ctx context.Context, run workflows.Run) error {
	options := client.StartWorkflowOptions{
		ID:            run.ID,
		TaskQueue:     e.taskQueue,
		StaticSummary: clip(oneLine(run.Summary), maxSummary),
		StaticDetails: clip(run.Details, maxDetails),

		// Together these let the server tell apart, in the start itself, a run
		// that goes on (success, nothing is started) from one that has ended
		// (WorkflowExecutionAlreadyStarted).
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}
	if delay := run.NotBefore.Sub(e.now()); !run.NotBefore.IsZero() && delay > 0 {
		options.StartDelay = delay // a drop does not cut it short; a wake would
	} else {
		// A worker that drains would let the task lie until it times out.
		options.EnableEagerStart = e.working.Load()
	}
	_, err := e.client.ExecuteWorkflow(ctx, options, e.workflow, run.ID)
	if _, closed := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); closed {
		return workflows.ErrRunClosed
	}
	if err != nil {
		return fmt.Errorf("dispatch %s: %w", run.ID, err)
	}
	return nil
}

// Drop has a run cancel a delivery's activity and forget the delivery. An
// attempt that is going on is not interrupted.
func (e *Engine) Drop(ctx context.Context, run, deliveryID string) error {
	err := e.client.SignalWorkflow(ctx, run, "", signalDrop, deliveryID)
	// What Temporal does not know, or has ended, has nothing to forget.
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop %s of %s: %w", deliveryID, run, err)
	}
	return nil
}

// Wake signals the loop's workflow, and starts it in the same transaction if it
// does not run.
func (e *Engine) Wake(ctx context.Context, loop string) error {
	_, err := e.client.SignalWithStartWorkflow(ctx, loop, signalWake, nil, client.StartWorkflowOptions{
		ID:                    loop,
		TaskQueue:             e.taskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, workflowLoop, loop)
	if err != nil {
		return fmt.Errorf("wake %s: %w", loop, err)
	}
	return nil
}
