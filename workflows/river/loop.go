package river

import (
	"context"
	"time"

	rq "github.com/riverqueue/river"

	"datapusher/workflows"
)

// loopWorker takes the turns of loops.
type loopWorker struct {
	rq.WorkerDefaults[loopArgs]
	engine *Engine
	hard   context.Context
}

type step struct {
	again time.Duration
	done  bool
}

// Work takes one turn of a loop, and sleeps until the next.
func (w *loopWorker) Work(ctx context.Context, job *rq.Job[loopArgs]) error {
	held, release := w.engine.hold(job.JobRow)
	defer release()
	var kept loopState
	_ = output(job.JobRow, &kept) // a count of failures; it may begin anew
	taking := workflows.WithOurs(detach(ctx, w.hard), held.ours)
	next, err := guard(func() (step, error) {
		again, done, err := w.engine.core.Step(taking, job.Args.Loop)
		return step{again, done}, err
	})
	switch {
	case err != nil:
		w.engine.logger.ErrorContext(ctx, "turn failed on our side", "loop", job.Args.Loop, "error", err)
		kept.Failures++
		next = step{again: pause(kept.Failures)}
	default:
		kept.Failures = 0
	}
	if next.done {
		return nil
	}
	if err := rq.RecordOutput(ctx, kept); err != nil {
		w.engine.logger.ErrorContext(ctx, "the state of a loop is not kept", "loop", job.Args.Loop, "error", err)
	}
	return w.engine.snooze(next.again)
}
