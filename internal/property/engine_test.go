package property_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"datapusher/workflows"
)

// engine is an engine without a server: it keeps what it is given in memory, and
// calls the core back in whatever order chance has it. It can be wiped, as
// Temporal's database can. The real ones are tested in workflows/.
type engine struct {
	workflows.Engine
	mu     sync.Mutex
	now    time.Duration // its own clock
	runs   map[string]*run
	loops  map[string]time.Duration // when the next turn is due
	closed map[string]bool
}

type run struct {
	first   bool
	waiting map[string]time.Duration // delivery → when its next attempt is due
}

func newEngine() *engine {
	e := &engine{}
	e.wipe()
	return e
}

func (e *engine) wipe() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs, e.loops, e.closed = map[string]*run{}, map[string]time.Duration{}, map[string]bool{}
}

func (e *engine) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now += d
}

func (e *engine) Dispatch(_ context.Context, r workflows.Run) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed[r.ID]:
		return workflows.ErrRunClosed
	case e.runs[r.ID] == nil:
		e.runs[r.ID] = &run{waiting: map[string]time.Duration{}}
	}
	return nil
}

func (e *engine) Drop(_ context.Context, id, delivery string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.runs[id]; r != nil {
		delete(r.waiting, delivery)
	}
	return nil
}

func (e *engine) Wake(_ context.Context, loop string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loops[loop] = e.now
	return nil
}

// due is something that the engine has to do now, chosen by chance; nil when
// nothing is.
func (e *engine) due(random *rand.Rand) func(context.Context, workflows.Core) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []func(context.Context, workflows.Core) error
	for _, id := range slices.Sorted(maps.Keys(e.runs)) {
		r := e.runs[id]
		if !r.first {
			all = append(all, func(ctx context.Context, c workflows.Core) error { return e.first(ctx, c, id, r) })
			continue
		}
		for _, delivery := range slices.Sorted(maps.Keys(r.waiting)) {
			if r.waiting[delivery] <= e.now {
				all = append(all, func(ctx context.Context, c workflows.Core) error { return e.attempt(ctx, c, id, r, delivery) })
			}
		}
		if len(r.waiting) == 0 {
			delete(e.runs, id)
			e.closed[id] = true
		}
	}
	for _, loop := range slices.Sorted(maps.Keys(e.loops)) {
		if e.loops[loop] <= e.now {
			all = append(all, func(ctx context.Context, c workflows.Core) error { return e.step(ctx, c, loop) })
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[random.IntN(len(all))]
}

func (e *engine) first(ctx context.Context, c workflows.Core, id string, r *run) error {
	outcomes, err := c.First(ctx, id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		return err
	}
	r.first = true
	for _, o := range outcomes {
		if o.State != workflows.Settled {
			r.waiting[o.DeliveryID] = e.now + o.After
		}
	}
	return nil
}

func (e *engine) attempt(ctx context.Context, c workflows.Core, id string, r *run, delivery string) error {
	o, err := c.Attempt(ctx, id, delivery)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case errors.Is(err, workflows.ErrNotOwner), err == nil && o.State == workflows.Settled:
		delete(r.waiting, delivery)
	case err != nil:
		r.waiting[delivery] = e.now + time.Second
		return err
	default:
		r.waiting[delivery] = e.now + max(o.After, 100*time.Millisecond)
	}
	return nil
}

func (e *engine) step(ctx context.Context, c workflows.Core, loop string) error {
	e.mu.Lock()
	delete(e.loops, loop) // a wake that comes during the turn makes for another
	e.mu.Unlock()
	again, done, err := c.Step(ctx, loop)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, woken := e.loops[loop]; woken || done {
		return err
	}
	if again <= time.Second && err == nil {
		again = 0 // a drain: this clock does not run by itself
	} else if err != nil {
		again = time.Second
	}
	e.loops[loop] = e.now + again
	return err
}

// work does what is due until nothing is, or for so many calls.
func (e *engine) work(t testing.TB, random *rand.Rand, c workflows.Core, most int, crash func(error)) {
	t.Helper()
	for range most {
		call := e.due(random)
		if call == nil {
			return
		}
		if err := call(t.Context(), c); err != nil {
			crash(err)
		}
	}
}
