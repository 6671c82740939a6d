package river

import (
	"context"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// wakeWorker answers the wakes that came while a turn of their loop was taken.
type wakeWorker struct {
	rq.WorkerDefaults[wakeArgs]
	engine *Engine
}

// Work has the loop take another turn once the one that was going on is over.
func (w *wakeWorker) Work(ctx context.Context, job *rq.Job[wakeArgs]) error {
	turn, err := w.engine.nudge(ctx, job.Args.Loop)
	if err != nil {
		w.engine.logger.ErrorContext(ctx, "a wake waits", "loop", job.Args.Loop, "error", err)
		return w.engine.snooze(time.Second)
	}
	if turn != job.Args.Turn {
		return nil // one begins now, or has begun since
	}
	return w.engine.snooze(patience(job.JobRow))
}

// dropWorker sees to it that runs forget what they are to drop.
type dropWorker struct {
	rq.WorkerDefaults[dropArgs]
	engine *Engine
}

// Work ends once the run does not know the delivery any more.
func (w *dropWorker) Work(ctx context.Context, job *rq.Job[dropArgs]) error {
	sleep, err := w.look(ctx, job)
	if err != nil {
		w.engine.logger.ErrorContext(ctx, "a drop waits", "run", job.Args.Run, "delivery", job.Args.Delivery, "error", err)
		sleep = time.Second
	}
	if sleep == 0 {
		return nil
	}
	return w.engine.snooze(sleep)
}

func (w *dropWorker) look(ctx context.Context, job *rq.Job[dropArgs]) (sleep time.Duration, err error) {
	run, err := w.engine.find(ctx, job.Args.Run)
	if err != nil || run == nil || finished(run) {
		return 0, err
	}
	if run.State == rivertype.JobStateRunning {
		return patience(job.JobRow), nil
	}
	var state runState
	if err := output(run, &state); err != nil {
		return 0, err
	}
	switch {
	case !state.Begun: // it will see the drop once its first attempts are made
		return max(w.engine.clock.until(run.ScheduledAt), patience(job.JobRow)), nil
	case state.at(job.Args.Delivery) < 0:
		return 0, nil
	}
	// It sleeps, and may do so for a day: have it look now.
	_, err = w.engine.client().JobRetry(ctx, run.ID)
	if err == nil {
		err = w.engine.tell(ctx, queueRuns)
	}
	return patience(job.JobRow), err
}

// patience is how long a note sleeps that has met somebody at work: the longer
// the longer that takes.
func patience(job *rivertype.JobRow) time.Duration {
	return 20 * time.Millisecond << min(snoozes(job), 6)
}
