package river

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	rq "github.com/riverqueue/river"

	"datapusher/workflows"
)

// runWorker carries runs, each until all its deliveries are settled or dropped.
type runWorker struct {
	rq.WorkerDefaults[runArgs]
	engine *Engine
	stop   <-chan struct{} // closed when nothing new is to begin
	hard   context.Context // ends when what goes on is cut off
}

// Work takes one turn of a run: it does what is due, and whatever comes due
// meanwhile, and then sleeps until there is more to do.
func (w *runWorker) Work(ctx context.Context, job *rq.Job[runArgs]) error {
	held, release := w.engine.hold(job.JobRow)
	defer release()
	t := &runTurn{runWorker: w, ctx: workflows.WithOurs(detach(ctx, w.hard), held.ours), run: job.Args.Run, held: held, results: make(chan attempted)}
	if err := output(job.JobRow, &t.state); err != nil {
		// The core knows everything that stood there.
		w.engine.logger.ErrorContext(ctx, "the run begins anew", "run", t.run, "error", err)
		t.state = runState{}
	}
	if wait := w.engine.clock.until(job.Args.NotBefore); wait > 0 && !t.state.Begun {
		return w.engine.snooze(wait)
	}
	t.state.doubt(w.engine.clock.Now())
	sleep, done := t.take()
	if err := rq.RecordOutput(ctx, t.state); err != nil {
		w.engine.logger.ErrorContext(ctx, "the state of a run is not kept", "run", t.run, "error", err)
	}
	if done {
		return nil
	}
	return w.engine.snooze(sleep)
}

// runTurn is one turn of a run. Only its own goroutine touches the state.
type runTurn struct {
	*runWorker
	ctx     context.Context
	run     string
	held    *held
	state   runState
	busy    int // attempts that are going on
	results chan attempted
}

// attempted is how an attempt, or rather a call of the core, has ended.
type attempted struct {
	id      string
	outcome workflows.Outcome
	err     error
}

func (t *runTurn) take() (sleep time.Duration, done bool) {
	if !t.state.Begun {
		if sleep, done := t.first(); sleep > 0 || done {
			return sleep, done
		}
	}
	if len(t.state.Open) > 0 {
		t.settle()
	}
	due, some := t.state.next()
	return t.engine.clock.until(due), !some
}

// first makes the first attempts. What it returns says how the turn ends, if it does.
func (t *runTurn) first() (sleep time.Duration, done bool) {
	outcomes, err := guard(func() ([]workflows.Outcome, error) { return t.engine.core.First(t.ctx, t.run) })
	switch {
	case errors.Is(err, workflows.ErrNotOwner):
		return 0, true
	case errors.Is(err, workflows.ErrNoTurn):
		return time.Second, false
	case err != nil:
		t.engine.logger.ErrorContext(t.ctx, "first attempts failed on our side", "run", t.run, "error", err)
		t.state.Failures++
		return pause(t.state.Failures), false
	}
	t.state.Begun, t.state.Failures = true, 0
	now := t.engine.clock.Now()
	for _, o := range outcomes {
		if o.DeliveryID != "" {
			t.state.put(o, now)
		}
	}
	return 0, false
}

// settle makes the attempts that are due, until none is and none is going on.
func (t *runTurn) settle() {
	t.forget() // a drop may be what this turn is for
	for {
		t.begin()
		due, some := t.state.next()
		if t.busy == 0 {
			return // whatever is left is due later, or left to another worker
		}
		var timer <-chan time.Time
		if some && !t.stopping() {
			timer = time.After(t.engine.clock.until(due))
		}
		select {
		case one := <-t.results:
			t.busy--
			t.note(one)
		case <-timer:
			t.forget()
		case <-t.stopOnce():
		}
	}
}

// forget drops what is to be dropped. Without an answer nothing is dropped now: the
// drop waits, and the core says that the delivery is another run's.
func (t *runTurn) forget() {
	dropped, err := t.engine.dropped(t.ctx, t.run)
	if err != nil {
		t.engine.logger.WarnContext(t.ctx, "drops are not seen yet", "run", t.run, "error", err)
		return
	}
	t.state.drop(dropped)
}

// begin starts every attempt that is due.
func (t *runTurn) begin() {
	if t.stopping() {
		return
	}
	now := t.engine.clock.Now()
	for i := range t.state.Open {
		d := &t.state.Open[i]
		if d.busy || d.Due.After(now) {
			continue
		}
		d.busy = true
		t.busy++
		go t.attempt(d.ID)
	}
}

func (t *runTurn) attempt(id string) {
	one := attempted{id: id}
	select {
	case t.engine.attempts <- struct{}{}:
		one.outcome, one.err = guard(func() (workflows.Outcome, error) { return t.engine.core.Attempt(t.ctx, t.run, id) })
		<-t.engine.attempts
	case <-t.ctx.Done():
		one.err = t.ctx.Err()
	}
	t.results <- one
}

func (t *runTurn) note(one attempted) {
	switch {
	case errors.Is(one.err, workflows.ErrNotOwner):
		t.state.forget(t.state.at(one.id))
	case one.err != nil:
		t.engine.logger.ErrorContext(t.ctx, "attempt failed on our side", "run", t.run, "delivery", one.id, "error", one.err)
		t.state.fail(one.id, t.engine.clock.Now())
	default:
		one.outcome.DeliveryID = one.id
		t.state.put(one.outcome, t.engine.clock.Now())
	}
}

// stopping reports whether nothing more is to begin: the process ends, or the run
// may be another worker's by now.
func (t *runTurn) stopping() bool {
	select {
	case <-t.stop:
		return true
	default:
		return !t.held.ours()
	}
}

// stopOnce is the channel to wait on for the end; nil once it has come.
func (t *runTurn) stopOnce() <-chan struct{} {
	if t.stopping() {
		return nil
	}
	return t.stop
}

// guard makes a panic an error like any other of our own.
func guard[T any](call func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return call()
}
