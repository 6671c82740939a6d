package enginetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
)

const (
	// patience is how long something may take that has to happen.
	patience = 90 * time.Second
	// slack is how late anything may be that has a time, on a machine that is
	// busy with other things too.
	slack = 20 * time.Second
	// punctual is how late the best of several may be.
	punctual = time.Second
	// never is a delay that no test sees the end of.
	never = time.Hour
)

// stage is what one case plays on: a store of the engine and the ledger.
type stage struct {
	*testing.T
	*ledger
	store Store
}

func newStage(t *testing.T, store Store) *stage {
	s := &stage{T: t, ledger: newLedger(), store: store}
	t.Cleanup(func() {
		s.update(func() {
			for _, what := range s.broken {
				t.Error(what)
			}
		})
		if t.Failed() {
			t.Logf("the engine's calls:\n%s", s.ledger)
		}
	})
	return s
}

// process is an engine that works.
type process struct {
	workflows.Engine
	stop   func()
	killed bool
}

// make returns an engine that does not work, as a process without a worker has.
func (s *stage) make(name string) workflows.Engine {
	return s.store.Make(&player{ledger: s.ledger, process: name})
}

// start returns an engine that works until it is stopped, or the case ends.
func (s *stage) start(name string) *process {
	engine := s.make(name)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	p := &process{Engine: engine}
	p.stop = sync.OnceFunc(func() {
		cancel()
		if p.killed {
			return // nobody waits for the dead
		}
		select {
		case err := <-done:
			require.NoError(s, err, "Run of %s", name)
		case <-time.After(patience):
			require.Fail(s, "Run does not end", name)
		}
	})
	s.Cleanup(p.stop)
	return p
}

// kill has a process die.
func (s *stage) kill(p *process) {
	s.store.Kill(p.Engine)
	p.killed = true
	p.stop()
}

func (s *stage) dispatch(engine workflows.Engine, id string) {
	s.Helper()
	require.NoError(s, engine.Dispatch(s.Context(), aRun(id)))
}

func aRun(id string) workflows.Run {
	return workflows.Run{ID: id, Summary: "2 deliveries", Details: "dlv_1\ndlv_2"}
}

// until waits for the ledger to be in some state.
func (s *stage) until(what string, reached func() bool) {
	s.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		yes, changed := reached(), s.changed
		s.mu.Unlock()
		if yes {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			require.Fail(s, "not reached: "+what)
		}
	}
}

// untilCalls waits until there were so many calls of a kind, begun at least.
func (s *stage) untilCalls(n int, kind, run, delivery string) {
	s.Helper()
	s.until(kind+" "+run+" "+delivery, func() bool { return s.count(kind, run, delivery) >= n })
}

// untilClosed waits until the engine has carried a run to its end: from then on
// it calls nothing more for it.
func (s *stage) untilClosed(engine workflows.Engine, id string) {
	s.Helper()
	require.Eventually(s, func() bool {
		return errors.Is(engine.Dispatch(s.Context(), aRun(id)), workflows.ErrRunClosed)
	}, patience, 50*time.Millisecond, "%s does not end", id)
}

// requireCalls compares how often something was called.
func (s *stage) requireCalls(n int, kind, run, delivery string) {
	s.Helper()
	require.Len(s, s.made(kind, run, delivery), n, "%s %s %s", kind, run, delivery)
}

// requireOnTime checks that nothing began before it was due, nor long after;
// and, of several, that the engine can be punctual to the second.
func (s *stage) requireOnTime(calls ...call) {
	s.Helper()
	best := slack
	for _, c := range calls {
		late := c.begun.Sub(c.due)
		require.GreaterOrEqual(s, late, time.Duration(0), "%s %s %s is early", c.kind, c.run, c.delivery)
		require.Less(s, late, slack, "%s %s %s is late", c.kind, c.run, c.delivery)
		best = min(best, late)
	}
	if len(calls) > 1 {
		require.Less(s, best, punctual)
	}
}
