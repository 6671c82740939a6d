package river_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/river"
)

// takeOver has another worker be at what is running, as after a stall of the one that
// was: that has had no beat, and its jobs are taken over and begun.
func takeOver(t *testing.T, db *sql.DB) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE river.river_job SET attempted_at = now() - interval '1 minute' WHERE state = 'running'",
		strings.ReplaceAll(river.TakeOver, "$1", "20"),
		"UPDATE river.river_job SET state = 'running', attempt = attempt + 1, attempted_at = now() + interval '1 hour'",
	} {
		_, err := tx.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
}

// TestAWorkerThatComesBackEndsNothing: another has taken over what it was at. However
// its turn ends, the other's goes on, and what that keeps stays.
func TestAWorkerThatComesBackEndsNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string][]workflows.Outcome{
		"it has ended":    nil,
		"it is to sleep":  {again("dlv_1", time.Hour)},
		"it is due again": {again("dlv_1", 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dial(t, migrated(t))
			begun, release := make(chan struct{}), make(chan struct{})
			engine := engineOn(t, db, &core{
				first: func(context.Context, string) ([]workflows.Outcome, error) {
					close(begun)
					<-release
					return answer, nil
				},
				attempt: func(_ context.Context, _, id string) (workflows.Outcome, error) {
					return workflows.Outcome{DeliveryID: id, State: workflows.Settled}, nil
				},
			})
			stop := work(t, engine)
			require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
			<-begun
			takeOver(t, db)
			close(release)
			require.NoError(t, stop(), "what it has to say is written when it ends")
			state(t, db, "event/1", "running")
			var kept string
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT metadata::text FROM river.river_job").Scan(&kept))
			require.NotContains(t, kept, "begun", "it has written over what the other keeps")
			require.Equal(t, 1, jobs(t, db))
		})
	}
}

// TestAWorkerThatComesBackBeginsNothing: the core is told when another has taken over
// what it is at, whatever it was called for.
func TestAWorkerThatComesBackBeginsNothing(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"first", "attempt", "step"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			db := dial(t, migrated(t))
			begun := make(chan context.Context)
			ended := make(chan struct{})
			end := sync.OnceFunc(func() { close(ended) })
			defer end()
			here := func(ctx context.Context, now string) {
				if now == call {
					begun <- ctx
					<-ended
				}
			}
			engine := engineOn(t, db, &core{
				first: func(ctx context.Context, _ string) ([]workflows.Outcome, error) {
					here(ctx, "first")
					return []workflows.Outcome{again("dlv_1", 0)}, nil
				},
				attempt: func(ctx context.Context, _, id string) (workflows.Outcome, error) {
					here(ctx, "attempt")
					return workflows.Outcome{DeliveryID: id, State: workflows.Settled}, nil
				},
				step: func(ctx context.Context) { here(ctx, "step") },
			})
			stop := work(t, engine)
			if call == "step" {
				require.NoError(t, engine.Wake(t.Context(), "destination/1"))
			} else {
				require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
			}
			ctx := <-begun
			require.True(t, workflows.Ours(ctx))
			takeOver(t, db)
			require.Eventually(t, func() bool { return !workflows.Ours(ctx) }, time.Minute, 20*time.Millisecond, "it asks every 5 s")
			end()
			require.NoError(t, stop())
		})
	}
}

// TestALoopThatIsTakenOverGoesOn: likewise.
func TestALoopThatIsTakenOverGoesOn(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	stepped := make(chan string) // a step ends when somebody has read from it
	engine := engineOn(t, db, &core{stepped: stepped})
	stop := work(t, engine)
	require.NoError(t, engine.Wake(t.Context(), "destination/1"))
	require.Eventually(t, func() bool {
		var running int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM river.river_job WHERE state = 'running'").Scan(&running))
		return running == 1
	}, time.Minute, 20*time.Millisecond)
	takeOver(t, db)
	<-stepped
	require.NoError(t, stop())
	var is string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT state FROM river.river_job").Scan(&is))
	require.Equal(t, "running", is)
}

// TestWhoHasNotAskedForLongBeginsNothing: by its own clock, without the database.
func TestWhoHasNotAskedForLongBeginsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		job := river.NewHeld()
		require.True(t, job.Ours())
		time.Sleep(19 * time.Second)
		require.True(t, job.Ours())
		asked := time.Now()
		time.Sleep(time.Second)
		require.False(t, job.Ours(), "another may have it by now")
		job.Hear(asked, true)
		require.True(t, job.Ours(), "but has not")
		time.Sleep(19 * time.Second)
		require.False(t, job.Ours(), "from the question on")

		require.True(t, river.FetchedAgo(19*time.Second).Ours())
		require.False(t, river.FetchedAgo(20*time.Second).Ours(), "it stood still before it began")

		job.Hear(time.Now(), false)
		job.Hear(time.Now(), true)
		require.False(t, job.Ours(), "what is lost does not come back")
	})
}
