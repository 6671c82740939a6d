package delivery_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/workflows"
)

// TestWhatWaitsIsMoved: each with its time, and nothing that somebody may be at, or
// that is there already.
func TestWhatWaitsIsMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.Postgres(t))
	commit := func(status string, due time.Duration) (run, id string) {
		t.Helper()
		run, d := w.one(t, "https://example.com/hook", 0)
		at := time.Now().UTC().Add(due)
		w.exec(t, "UPDATE deliveries SET status = $1, next_attempt_at = $2, lease_until = $2 WHERE id = $3", status, at, d.ID)
		return run, d.ID
	}
	waits, first := commit("RETRYING", time.Hour)
	postponed, second := commit("PENDING", 2*time.Hour)
	there, third := commit("RETRYING", time.Hour)
	begun, _ := commit("DELIVERING", time.Hour)
	due, _ := commit("RETRYING", -time.Second)
	_, over := commit("SUCCEEDED", time.Hour)
	var asked []string
	mover := delivery.Mover{DB: w.db, To: w.engine, Elsewhere: func(_ context.Context, runs []string) ([]string, error) {
		asked = append(asked, runs...)
		return slices.DeleteFunc(runs, func(run string) bool { return run == there }), nil
	}}
	done, err := mover.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Moved{Deliveries: 2, Runs: 1, Left: 2}, done)
	require.ElementsMatch(t, []string{waits, postponed, there, begun, due}, asked)

	runs, _ := w.engine.taken()
	require.Len(t, runs, 1)
	require.Equal(t, "2 delivery(ies)", runs[0].Summary)
	for id, after := range map[string]time.Duration{first: time.Hour, second: 2 * time.Hour} {
		row := w.row(t, id)
		require.Equal(t, runs[0].ID, row.Run)
		near(t, after, time.Until(row.Due.Time))
		near(t, after, time.Until(row.Lease.Time))
	}
	require.Equal(t, there, w.row(t, third).Run)
	require.NotEqual(t, runs[0].ID, w.row(t, over).Run)

	// The old engine finds that they are another's; the new one when each is due.
	_, err = w.Attempt(t.Context(), waits, first)
	require.ErrorIs(t, err, workflows.ErrNotOwner)
	outcomes, err := w.First(t.Context(), runs[0].ID)
	require.NoError(t, err)
	require.Len(t, outcomes, 2)
	for _, o := range outcomes {
		require.Equal(t, workflows.Again, o.State)
		require.Greater(t, o.After, 50*time.Minute)
	}

	done, err = mover.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Moved{Deliveries: 2, Runs: 1, Left: 2}, done, "whoever carries it is asked, and said: not here")

	mover.Idle = true
	done, err = mover.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Moved{Deliveries: 3, Runs: 1, Left: 1}, done, "and what is due")
}

// TestLanesAreWokenByAMove: all of them, in the new engine, for theirs are elsewhere.
func TestLanesAreWokenByAMove(t *testing.T) {
	t.Parallel()
	const many = 130 // more than one look of the reconciler wakes
	w := newWorld(t, dbtest.Postgres(t))
	account := w.account(t)
	lanes := make([]string, many)
	for i := range lanes {
		lanes[i] = workflows.Lane(w.destination(t, account, "https://example.com/"))
	}
	w.exec(t, "UPDATE destinations SET draining = true")
	mover := delivery.Mover{DB: w.db, To: w.engine}
	done, err := mover.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, delivery.Moved{Loops: many}, done)
	_, woken := w.engine.taken()
	require.ElementsMatch(t, lanes, woken)
}

func TestSQLiteHasNothingToMove(t *testing.T) {
	t.Parallel()
	_, err := (&delivery.Mover{DB: dbtest.SQLite(t)}).Move(t.Context())
	require.ErrorContains(t, err, "only Postgres")
}
