package temporal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

// The Standard Webhooks schedule: ten attempts within 75 h 35 min 5 s.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// receiver plays a core with one delivery that fails until the end of the schedule.
type receiver struct {
	mu       sync.Mutex
	now      func() time.Time
	attempts []time.Time
	early    int
	last     workflows.Outcome
}

func (r *receiver) First(ctx context.Context, run string) ([]workflows.Outcome, error) {
	o, err := r.Attempt(ctx, run, "dlv_1")
	return []workflows.Outcome{o}, err
}

func (r *receiver) Attempt(_ context.Context, _, id string) (workflows.Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := len(r.attempts)
	if made > 0 {
		if rest := r.attempts[made-1].Add(schedule[made-1]).Sub(r.now()); rest > 0 {
			r.early++
			r.last.After = rest
			return r.last, nil
		}
	}
	r.attempts = append(r.attempts, r.now())
	if made == len(schedule) {
		r.last = succeeded(id, made+1)
	} else {
		r.last = retrying(id, made+1, schedule[made])
	}
	return r.last, nil
}

func (r *receiver) Step(context.Context, string) (time.Duration, bool, error) { panic("no loop") }

func TestRunKeepsTheWholeSchedule(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	env := environment(t, r)
	r.now = env.Now
	start := env.Now()
	env.ExecuteWorkflow("Run", "event/1")
	require.Equal(t, []temporal.Delivery{{
		ID: "dlv_1", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 10, Millis: 12,
	}}, result(t, env).Deliveries)

	require.Len(t, r.attempts, 10)
	due := start
	for i, at := range r.attempts {
		if i > 0 {
			due = due.Add(schedule[i-1])
		}
		require.WithinDuration(t, due, at, time.Second, "attempt %d", i+1)
	}
	require.Equal(t, 75*time.Hour+35*time.Minute+5*time.Second, r.attempts[9].Sub(r.attempts[0]).Round(time.Second))
	require.Equal(t, 1, r.early, "the one that makes the activity visible")
}

func TestRunEndsWithFirstAttempts(t *testing.T) {
	t.Parallel()
	env := environment(t, core{first: func(run string) ([]workflows.Outcome, error) {
		require.Equal(t, "batch/1", run)
		failed := succeeded("dlv_2", 1)
		failed.Status, failed.Result = "failed", "410"
		return []workflows.Outcome{succeeded("dlv_1", 1), failed}, nil
	}})
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		t.Errorf("activity %s", info.ActivityType.Name)
	})
	env.ExecuteWorkflow("Run", "batch/1")
	require.Equal(t, temporal.Result{Deliveries: []temporal.Delivery{
		{ID: "dlv_1", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 1, Millis: 12},
		{ID: "dlv_2", Outcome: temporal.Settled, Status: "failed", Result: "410", Attempts: 1, Millis: 12},
	}}, result(t, env))
}

func TestAPlainRunHasNoLocalActivity(t *testing.T) {
	t.Parallel()
	env := environment(t, core{first: func(string) ([]workflows.Outcome, error) {
		return []workflows.Outcome{succeeded("dlv_1", 1)}, nil
	}})
	env.SetOnLocalActivityStartedListener(func(info *activity.Info, _ context.Context, _ []any) {
		t.Errorf("local activity %s", info.ActivityType.Name)
	})
	env.ExecuteWorkflow("PlainRun", "event/1")
	require.Len(t, result(t, env).Deliveries, 1)
}

// First comes back as a regular activity, for as long as our side fails.
func TestRunOutlivesFailuresOfFirst(t *testing.T) {
	t.Parallel()
	var local, regular int
	env := environment(t, core{first: func(string) ([]workflows.Outcome, error) {
		if local+regular < 5 {
			return nil, errors.New("the database is away")
		}
		return []workflows.Outcome{succeeded("dlv_1", 1)}, nil
	}})
	env.SetOnLocalActivityStartedListener(func(*activity.Info, context.Context, []any) { local++ })
	env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) { regular++ })
	start := env.Now()
	env.ExecuteWorkflow("Run", "event/1")
	require.Len(t, result(t, env).Deliveries, 1)
	require.Equal(t, 1, local)
	require.Equal(t, 4, regular)
	require.Equal(t, (1+2+4)*time.Second, env.Now().Sub(start).Round(time.Second))
}

func TestRunDropsDeliveries(t *testing.T) {
	t.Parallel()
	env := environment(t, core{
		first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{
				retrying("dlv_1", 1, 24*time.Hour), retrying("dlv_2", 1, time.Hour), retrying("dlv_3", 1, time.Minute),
			}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			if id == "dlv_3" {
				return workflows.Outcome{}, workflows.ErrNotOwner
			}
			return retrying(id, 1, 24*time.Hour), nil
		},
	})
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow("drop", "dlv_unknown")
		env.SignalWorkflow("drop", "dlv_1")
		env.SignalWorkflow("drop", "dlv_1")
	}, time.Minute)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("drop", "dlv_2") }, 2*time.Minute)
	start := env.Now()
	env.ExecuteWorkflow("Run", "batch/1")
	require.Equal(t, []temporal.Delivery{
		{ID: "dlv_3", Outcome: temporal.Moved},
		{ID: "dlv_1", Outcome: temporal.Dropped},
		{ID: "dlv_2", Outcome: temporal.Dropped},
	}, result(t, env).Deliveries)
	require.Equal(t, 2*time.Minute, env.Now().Sub(start).Round(time.Second), "it has waited for nothing else")
}

func TestRunDropsBeforeItSchedules(t *testing.T) {
	t.Parallel()
	c := core{attempt: func(string, string) (workflows.Outcome, error) { panic("nothing is left to attempt") }}
	env := environment(t, &c)
	c.first = func(string) ([]workflows.Outcome, error) {
		env.SignalWorkflow("drop", "dlv_1")
		return []workflows.Outcome{retrying("dlv_1", 1, time.Hour), succeeded("dlv_2", 1)}, nil
	}
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		t.Errorf("activity %s", info.ActivityType.Name)
	})
	env.ExecuteWorkflow("Run", "batch/1")
	require.Equal(t, []temporal.Delivery{
		{ID: "dlv_2", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 1, Millis: 12},
		{ID: "dlv_1", Outcome: temporal.Dropped},
	}, result(t, env).Deliveries)
}

// A worker asked to carry more than 500 keeps the others back.
func TestRunKeepsAWindow(t *testing.T) {
	t.Parallel()
	const deliveries = 620
	var mu sync.Mutex
	made := map[string]int{}
	env := environment(t, core{
		first: func(string) ([]workflows.Outcome, error) {
			var outcomes []workflows.Outcome
			for i := range deliveries {
				outcomes = append(outcomes, retrying(deliveryID(i), 1, time.Second))
			}
			return append(outcomes, outcomes[0]), nil // and one of them twice, which must not matter
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			made[id]++
			if made[id] == 1 {
				return retrying(id, 1, time.Second), nil
			}
			return succeeded(id, 2), nil
		},
	})
	var pending, most int
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.Attempt == 1 {
			pending++
			most = max(most, pending)
		}
	})
	env.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) { pending-- })
	env.ExecuteWorkflow("Run", "batch/1")
	require.Len(t, result(t, env).Deliveries, deliveries)
	require.Equal(t, 500, most)
}

func TestRunDropsWhatWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	env := environment(t, core{
		first: func(string) ([]workflows.Outcome, error) {
			var outcomes []workflows.Outcome
			for i := range 501 {
				outcomes = append(outcomes, retrying(deliveryID(i), 1, time.Hour))
			}
			return outcomes, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			require.NotEqual(t, deliveryID(500), id)
			return succeeded(id, 2), nil
		},
	})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("drop", deliveryID(500)) }, 0)
	env.ExecuteWorkflow("Run", "batch/1")
	left := result(t, env).Deliveries
	require.Len(t, left, 501)
	require.Contains(t, left, temporal.Delivery{ID: deliveryID(500), Outcome: temporal.Dropped})
}

func TestRunListsNoMoreThanFits(t *testing.T) {
	t.Parallel()
	env := environment(t, core{first: func(string) ([]workflows.Outcome, error) {
		var outcomes []workflows.Outcome
		for i := range 2600 {
			o := succeeded(deliveryID(i), 1)
			if i >= 2500 {
				o.Status = "failed"
			}
			outcomes = append(outcomes, o)
		}
		return outcomes, nil
	}})
	env.ExecuteWorkflow("Run", "batch/1")
	got := result(t, env)
	require.Len(t, got.Deliveries, 2000)
	require.Equal(t, map[string]int{"succeeded": 500, "failed": 100}, got.More)
}

// Somebody who cancels a workflow in the UI ends it; the reconciler, which finds
// it closed, moves what is left to a new run.
func TestRunCanBeCanceled(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{0, time.Minute} {
		env := environment(t, core{
			first: func(string) ([]workflows.Outcome, error) {
				return []workflows.Outcome{succeeded("dlv_1", 1), retrying("dlv_2", 1, time.Hour)}, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Hour), nil },
		})
		env.RegisterDelayedCallback(env.CancelWorkflow, at)
		env.ExecuteWorkflow("Run", "event/1")
		require.True(t, env.IsWorkflowCompleted())
		require.True(t, sdk.IsCanceledError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
	}
}

func TestRunIgnoresWhatItCannotRead(t *testing.T) {
	t.Parallel()
	env := environment(t, core{
		first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{{State: workflows.Again}, retrying("dlv_1", 1, time.Hour)}, nil // the first has no id
		},
		attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Hour), nil },
	})
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow("drop", []int{1})
		env.SignalWorkflow("drop", "dlv_1")
	}, time.Minute)
	env.ExecuteWorkflow("Run", "event/1")
	require.Equal(t, []temporal.Delivery{{ID: "dlv_1", Outcome: temporal.Dropped}}, result(t, env).Deliveries)
}

// An activity that was ended by hand, or for any other reason, does not take
// the rest of its run along.
func TestRunOutlivesALostActivity(t *testing.T) {
	t.Parallel()
	env := environment(t, core{
		first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{retrying("dlv_1", 1, time.Second), retrying("dlv_2", 1, time.Hour)}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			if id == "dlv_1" {
				return workflows.Outcome{}, errors.New("the environment gives up after ten")
			}
			return succeeded(id, 2), nil
		},
	})
	env.ExecuteWorkflow("Run", "batch/1")
	require.ElementsMatch(t, []temporal.Delivery{
		{ID: "dlv_1", Outcome: temporal.Abandoned},
		{ID: "dlv_2", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 2, Millis: 12},
	}, result(t, env).Deliveries)
}
