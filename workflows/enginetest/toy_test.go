package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"datapusher/workflows"
	"datapusher/workflows/enginetest"
)

// TestEngine runs the suite on the least engine there can be, which shows that
// the suite asks for nothing that only one real engine has.
func TestEngine(t *testing.T) {
	t.Run("toy-memory", func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) enginetest.Make {
			store := &store{changed: make(chan struct{}), open: map[string]int{}, jobs: map[string]*job{}}
			return func(core workflows.Core) workflows.Engine { return &toy{store, core} }
		})
	})
}

// store is what the toy keeps in place of a database.
type store struct {
	mu      sync.Mutex
	changed chan struct{}  // closed, and made anew, at every change
	open    map[string]int // runs, by how many jobs they still have; 0: closed
	jobs    map[string]*job
}

// job is anything to be done at some time, again and again until it is done.
type job struct {
	run   string // "" for a loop
	due   time.Time
	busy  bool
	woken bool // while busy
	gone  bool // dropped while busy
	work  func(ctx context.Context, core workflows.Core) (again time.Duration, done bool, err error)
}

func (s *store) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *store) put(key string, j *job) {
	s.jobs[key] = j
	if j.run != "" {
		s.open[j.run]++
	}
}

func (s *store) remove(key string) {
	if j := s.jobs[key]; j.run != "" {
		s.open[j.run]--
	}
	delete(s.jobs, key)
}

type toy struct {
	*store
	core workflows.Core
}

func (e *toy) Dispatch(_ context.Context, run workflows.Run) (err error) {
	e.change(func() {
		if jobs, known := e.open[run.ID]; known {
			if jobs == 0 {
				err = workflows.ErrRunClosed
			}
			return
		}
		e.put(run.ID, &job{run: run.ID, due: run.NotBefore, work: e.first(run.ID)})
	})
	return err
}

func (e *toy) first(run string) func(context.Context, workflows.Core) (time.Duration, bool, error) {
	return func(ctx context.Context, core workflows.Core) (time.Duration, bool, error) {
		outcomes, err := core.First(ctx, run)
		e.change(func() {
			for _, o := range outcomes {
				key := run + " " + o.DeliveryID
				if dropped := e.jobs[key]; o.State == workflows.Settled || dropped != nil {
					continue
				}
				e.put(key, &job{run: run, due: time.Now().Add(o.After), work: attempt(run, o.DeliveryID)})
			}
			for key, j := range e.jobs { // the marks of what was dropped meanwhile
				if j.run == run && j.gone && key != run {
					e.remove(key)
				}
			}
		})
		return 0, true, err
	}
}

func attempt(run, delivery string) func(context.Context, workflows.Core) (time.Duration, bool, error) {
	return func(ctx context.Context, core workflows.Core) (time.Duration, bool, error) {
		o, err := core.Attempt(ctx, run, delivery)
		if errors.Is(err, workflows.ErrNotOwner) {
			return 0, true, nil
		}
		return o.After, o.State == workflows.Settled, err
	}
}

func (e *toy) Drop(_ context.Context, run, delivery string) error {
	e.change(func() {
		key := run + " " + delivery
		if j := e.jobs[key]; j != nil && !j.busy {
			e.remove(key)
		} else if j != nil {
			j.gone = true
		} else if first := e.jobs[run]; first != nil {
			e.put(key, &job{run: run, busy: true, gone: true}) // a mark for first
		}
	})
	return nil
}

func (e *toy) Wake(_ context.Context, loop string) error {
	e.change(func() {
		j := e.jobs[loop]
		if j == nil {
			j = &job{work: func(ctx context.Context, core workflows.Core) (time.Duration, bool, error) {
				return core.Step(ctx, loop)
			}}
			e.put(loop, j)
		}
		j.due, j.woken = time.Time{}, j.busy
	})
	return nil
}

func (e *toy) Check(context.Context) error { return nil }

func (e *toy) Run(ctx context.Context) error {
	var going sync.WaitGroup
	defer going.Wait()
	for ctx.Err() == nil {
		e.mu.Lock()
		changed, next := e.changed, time.Now().Add(time.Minute)
		for key, j := range maps.All(e.jobs) {
			switch {
			case j.busy:
			case j.due.After(time.Now()):
				next = time.UnixMilli(min(next.UnixMilli(), j.due.UnixMilli()))
			default:
				j.busy = true
				going.Go(func() { e.do(context.WithoutCancel(ctx), key, j) })
			}
		}
		e.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
		}
	}
	return nil
}

func (e *toy) do(ctx context.Context, key string, j *job) {
	again, done, err := func() (again time.Duration, done bool, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return j.work(ctx, e.core)
	}()
	e.change(func() {
		switch {
		case err != nil:
			j.due = time.Now().Add(100 * time.Millisecond)
		case j.woken:
			j.due = time.Time{}
		case done || j.gone:
			e.remove(key)
		default:
			j.due = time.Now().Add(again)
		}
		j.busy, j.woken = false, false
	})
}
