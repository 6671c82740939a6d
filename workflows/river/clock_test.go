package river_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/river"
)

// TestTheClockOfAProcessMayBeWrong: what is due comes in its time all the same, whether
// the job waits by itself or to be moved by the leader, and turns no more than it has to.
func TestTheClockOfAProcessMayBeWrong(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dial(t, migrated(t))
			due := map[string]time.Duration{"dlv_1": 2 * time.Second, "dlv_2": 9 * time.Second}
			attempted := make(chan string, 9)
			engine := engineOn(t, db, &core{
				first: func(context.Context, string) ([]workflows.Outcome, error) {
					return []workflows.Outcome{again("dlv_1", due["dlv_1"]), again("dlv_2", due["dlv_2"])}, nil
				},
				attempt: func(_ context.Context, _, id string) (workflows.Outcome, error) {
					attempted <- id
					return workflows.Outcome{DeliveryID: id, State: workflows.Settled}, nil
				},
			})
			engine.ClockShows(time.Now().Add(wrong))
			work(t, engine)
			began := time.Now()
			require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}))
			for range due {
				select {
				case id := <-attempted:
					took := time.Since(began)
					require.GreaterOrEqual(t, took, due[id]-50*time.Millisecond)
					require.Less(t, took, due[id]+4*time.Second)
				case <-time.After(30 * time.Second):
					require.FailNow(t, "no attempt")
				}
			}
			require.Eventually(t, func() bool { return closed(t, engine, "batch/1") }, time.Minute, 50*time.Millisecond)
			var slept int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT metadata->>'snoozes' FROM river.river_job").Scan(&slept))
			require.LessOrEqual(t, slept, 2+1, "it turns in circles")
		})
	}
}

// TestTheClockIsPostgress: for as long as what is known may be right it stays.
func TestTheClockIsPostgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock, right := river.NewClock(time.Now()), time.Now().Add(time.Hour)
		began := time.Now()
		ask := func(there, back time.Duration) {
			asked := time.Now()
			time.Sleep(there)
			at := right.Add(time.Since(began))
			time.Sleep(back)
			clock.Learn(at, asked, time.Now())
		}
		wrong := func() time.Duration { return clock.Now().Sub(right.Add(time.Since(began))) }
		require.Equal(t, -time.Hour, wrong())
		ask(0, 10*time.Millisecond)
		require.Equal(t, -10*time.Millisecond, wrong(), "no more than the answer took")
		ask(time.Second, time.Second)
		require.Equal(t, -10*time.Millisecond, wrong())
		ask(time.Millisecond, time.Millisecond)
		require.Equal(t, -time.Millisecond, wrong())
		ask(0, 0)
		require.Zero(t, wrong())
		time.Sleep(time.Hour)
		require.Zero(t, wrong(), "time passes")
	})
}

// TestARunThatSleepsTooLongIsWoken: whoever put it to sleep was wrong about the time.
// Who hands it over again has it ask about all that it keeps.
func TestARunThatSleepsTooLongIsWoken(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	asked := make(chan string, 9)
	engine := engineOn(t, db, &core{
		first: func(context.Context, string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{again("dlv_1", time.Hour), again("dlv_2", 2*time.Hour)}, nil
		},
		attempt: func(_ context.Context, _, id string) (workflows.Outcome, error) {
			asked <- id
			return again(id, time.Hour), nil
		},
	})
	work(t, engine)
	sleeps := func() bool {
		var is bool
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT state = 'scheduled' AND scheduled_at > now() + interval '50 minutes'
			AND (metadata #>> '{output,overdue}') IS NULL FROM river.river_job`).Scan(&is))
		return is
	}
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}))
	for range 2 {
		require.Eventually(t, sleeps, time.Minute, 20*time.Millisecond)
		require.Empty(t, asked)
		require.NoError(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "batch/1", Overdue: true}))
		both := make([]string, 2)
		for i := range both {
			select {
			case both[i] = <-asked:
			case <-time.After(10 * time.Second):
				require.FailNow(t, "it sleeps on")
			}
		}
		require.ElementsMatch(t, []string{"dlv_1", "dlv_2"}, both)
	}
	require.Eventually(t, sleeps, time.Minute, 20*time.Millisecond, "the core has said when it is due")
}
