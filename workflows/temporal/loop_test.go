package temporal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

type turn struct {
	again time.Duration
	done  bool
	err   error
}

// turns plays a loop, and remembers when each turn was taken.
func turns(script ...turn) (*core, *[]time.Time, func(func() time.Time)) {
	var taken []time.Time
	var now func() time.Time
	c := &core{step: func(string) (time.Duration, bool, error) {
		next := turn{}
		if len(taken) < len(script) {
			next = script[len(taken)]
		}
		taken = append(taken, now())
		return next.again, next.done, next.err
	}}
	return c, &taken, func(clock func() time.Time) { now = clock }
}

func TestLoopSleepsBetweenTurns(t *testing.T) {
	t.Parallel()
	c, taken, clock := turns(turn{again: 90 * time.Minute}, turn{}, turn{again: 100 * time.Microsecond}, turn{done: true})
	env := environment(t, c)
	clock(env.Now)
	env.ExecuteWorkflow("Loop", "destination/dst_1")
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, *taken, 4)
	require.Equal(t, 90*time.Minute, (*taken)[1].Sub((*taken)[0]).Round(time.Second))
	require.Less(t, (*taken)[2].Sub((*taken)[1]), time.Second)
	require.GreaterOrEqual(t, (*taken)[3].Sub((*taken)[2]), time.Millisecond, "a short sleep is rounded up")
}

func TestLoopIsWoken(t *testing.T) {
	t.Parallel()
	c, taken, clock := turns(turn{again: 24 * time.Hour}, turn{again: 24 * time.Hour}, turn{done: true})
	env := environment(t, c)
	clock(env.Now)
	// The first wake is the one that has started it, and means the first turn.
	for _, at := range []time.Duration{0, time.Hour, 3 * time.Hour} {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow("wake", nil) }, at)
	}
	start := env.Now()
	env.ExecuteWorkflow("Loop", "destination/dst_1")
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, *taken, 3)
	require.Equal(t, time.Hour, (*taken)[1].Sub(start).Round(time.Second))
	require.Equal(t, 3*time.Hour, (*taken)[2].Sub(start).Round(time.Second))
}

// A wake that comes while the last turn is taken makes for another.
func TestLoopIsWokenDuringItsLastTurn(t *testing.T) {
	t.Parallel()
	count := 0
	c := &core{}
	env := environment(t, c)
	c.step = func(string) (time.Duration, bool, error) {
		if count++; count == 1 {
			env.SignalWorkflow("wake", nil)
			env.SignalWorkflow("wake", nil)
		}
		return 0, true, nil
	}
	env.ExecuteWorkflow("Loop", "destination/dst_1")
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 2, count)
}

func TestLoopOutlivesFailures(t *testing.T) {
	t.Parallel()
	broken := turn{err: errors.New("the database is away")}
	c, taken, clock := turns(broken, broken, turn{done: true})
	env := environment(t, c)
	clock(env.Now)
	env.ExecuteWorkflow("Loop", "destination/dst_1")
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, *taken, 3)
}

// A long loop goes on in a new execution, whose history is empty. That one
// begins with a turn, so that the wakes of the old one are answered.
func TestLoopContinuesAsNew(t *testing.T) {
	t.Parallel()
	t.Run("after a hundred turns", func(t *testing.T) {
		t.Parallel()
		c, taken, clock := turns() // each: again, at once
		env := environment(t, c)
		clock(env.Now)
		env.ExecuteWorkflow("Loop", "destination/dst_1")
		requireContinued(t, env.GetWorkflowError())
		require.Len(t, *taken, 100)
	})
	t.Run("when Temporal suggests it", func(t *testing.T) {
		t.Parallel()
		c, taken, clock := turns()
		env := environment(t, c)
		clock(env.Now)
		env.SetContinueAsNewSuggested(true)
		env.ExecuteWorkflow("Loop", "destination/dst_1")
		requireContinued(t, env.GetWorkflowError())
		require.Len(t, *taken, 1, "never without having taken one")
	})
	t.Run("not before the sleep is over", func(t *testing.T) {
		t.Parallel()
		c, _, clock := turns(turn{again: time.Hour})
		env := environment(t, c)
		clock(env.Now)
		env.SetContinueAsNewSuggested(true)
		start := env.Now()
		env.ExecuteWorkflow("Loop", "destination/dst_1")
		requireContinued(t, env.GetWorkflowError())
		require.GreaterOrEqual(t, env.Now().Sub(start), time.Hour)
	})
}

func requireContinued(t *testing.T, err error) {
	t.Helper()
	_, continued := errors.AsType[*workflow.ContinueAsNewError](err)
	require.True(t, continued, "%v", err)
}
