// Package toy is the least engine there can be, in memory: begin with it to write
// another. It passes all of enginetest but the loss of a process and of a store.
package toy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"datapusher/workflows"
)

// Store is what engines keep, in place of a database.
type Store struct {
	mu    sync.Mutex
	known map[string]bool // runs, for good
	jobs  map[string]*job // a loop, a run's first attempts, or a delivery of a run
}

// job is anything to be done at some time, again and again until it is done.
type job struct {
	run, delivery     string
	due               time.Time
	busy, woken, gone bool     // the latter two while it is busy
	dropped           []string // deliveries, while the first attempts are made
}

// NewStore is empty.
func NewStore() *Store {
	return &Store{known: map[string]bool{}, jobs: map[string]*job{}}
}

func (s *Store) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Engine is one process's.
type Engine struct {
	*Store
	Core workflows.Core
}

// Dispatch implements workflows.Engine.
func (e Engine) Dispatch(_ context.Context, run workflows.Run) (err error) {
	e.change(func() {
		ofRun := func(j *job) bool { return j.run == run.ID }
		if !e.known[run.ID] {
			e.known[run.ID], e.jobs[run.ID] = true, &job{run: run.ID, due: run.NotBefore}
		} else if !slices.ContainsFunc(slices.Collect(maps.Values(e.jobs)), ofRun) {
			err = workflows.ErrRunClosed
		}
	})
	return err
}

// Drop implements workflows.Engine: what is going on may end.
func (e Engine) Drop(_ context.Context, run, delivery string) error {
	e.change(func() {
		if j := e.jobs[run+" "+delivery]; j != nil && j.busy {
			j.gone = true
		} else if delete(e.jobs, run+" "+delivery); e.jobs[run] != nil {
			e.jobs[run].dropped = append(e.jobs[run].dropped, delivery)
		}
	})
	return nil
}

// Wake implements workflows.Engine.
func (e Engine) Wake(_ context.Context, loop string) error {
	e.change(func() {
		if e.jobs[loop] == nil {
			e.jobs[loop] = &job{}
		}
		e.jobs[loop].due, e.jobs[loop].woken = time.Time{}, e.jobs[loop].busy
	})
	return nil
}

// Check implements workflows.Engine.
func (Engine) Check(context.Context) error { return nil }

// Run implements workflows.Engine.
func (e Engine) Run(ctx context.Context) error {
	var going sync.WaitGroup
	defer going.Wait()
	for ctx.Err() == nil {
		e.change(func() {
			for key, j := range e.jobs {
				if !j.busy && !time.Now().Before(j.due) {
					j.busy = true
					going.Go(func() { e.do(context.WithoutCancel(ctx), key, j) })
				}
			}
		})
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func (e Engine) do(ctx context.Context, key string, j *job) {
	outcomes, again, done, err := e.call(ctx, key, j)
	e.change(func() {
		for _, o := range outcomes { // each that is not settled is a job of its own now
			if o.State != workflows.Settled && !slices.Contains(j.dropped, o.DeliveryID) {
				e.jobs[j.run+" "+o.DeliveryID] = &job{run: j.run, delivery: o.DeliveryID, due: time.Now().Add(o.After)}
			}
		}
		switch {
		case j.woken:
			j.due = time.Time{}
		case err != nil && !errors.Is(err, workflows.ErrNotOwner): // our own side's: soon again
			j.due = time.Now().Add(100 * time.Millisecond)
		case err != nil || done || j.gone:
			delete(e.jobs, key)
		default:
			j.due = time.Now().Add(again)
		}
		j.busy, j.woken = false, false
	})
}

func (e Engine) call(ctx context.Context, key string, j *job) (first []workflows.Outcome, again time.Duration, done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	switch {
	case j.run == "":
		again, done, err = e.Core.Step(ctx, key)
		return nil, again, done, err
	case j.delivery == "":
		first, err = e.Core.First(ctx, j.run)
		return first, 0, true, err
	}
	o, err := e.Core.Attempt(ctx, j.run, j.delivery)
	return nil, o.After, o.State == workflows.Settled, err
}
