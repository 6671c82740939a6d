package river_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/river"
)

func again(id string, after time.Duration) workflows.Outcome {
	return workflows.Outcome{DeliveryID: id, State: workflows.Again, After: after, Attempts: 1, Result: "503"}
}

// TestOneAttemptDoesNotHoldUpAnother: while one of a run's deliveries is attempted, what
// comes due of the others is attempted too, and what is dropped is not.
func TestOneAttemptDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	hangs, release := make(chan struct{}), make(chan struct{})
	attempted := make(chan string, 9)
	engine := engineOn(t, db, &core{
		first: func(context.Context, string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{again("dlv_1", 0), again("dlv_2", 2*time.Second), again("dlv_3", 2*time.Second)}, nil
		},
		attempt: func(_ context.Context, _, id string) (workflows.Outcome, error) {
			if id == "dlv_1" {
				close(hangs)
				<-release
			}
			attempted <- id
			return workflows.Outcome{DeliveryID: id, State: workflows.Settled}, nil
		},
	})
	stop := work(t, engine)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}))
	<-hangs
	require.NoError(t, engine.Drop(t.Context(), "batch/1", "dlv_3"))
	require.Equal(t, "dlv_2", <-attempted)
	close(release)
	require.Equal(t, "dlv_1", <-attempted)
	require.Eventually(t, func() bool { return closed(t, engine, "batch/1") }, time.Minute, 50*time.Millisecond)
	require.NoError(t, stop())
	require.Empty(t, attempted)
}

// TestARunThatHasNoTurnIsAskedAgain: a little later, and nothing has failed.
func TestARunThatHasNoTurnIsAskedAgain(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	var asked atomic.Int32
	var log bytes.Buffer
	engine, err := river.New(river.Options{DB: db, Logger: slog.New(slog.NewTextHandler(&log, nil)), Core: &core{
		first: func(context.Context, string) ([]workflows.Outcome, error) {
			if asked.Add(1) < 3 {
				return nil, workflows.ErrNoTurn
			}
			return nil, nil
		},
	}})
	require.NoError(t, err)
	stop := work(t, engine)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	require.Eventually(t, func() bool { return closed(t, engine, "event/1") }, time.Minute, 50*time.Millisecond)
	require.NoError(t, stop())
	require.EqualValues(t, 3, asked.Load())
	require.NotContains(t, log.String(), "failed on our side")
}

// TestARunOfAnotherOwnerEnds: there is nothing in it for this engine.
func TestARunOfAnotherOwnerEnds(t *testing.T) {
	t.Parallel()
	engine := engineOn(t, dial(t, migrated(t)), &core{first: func(context.Context, string) ([]workflows.Outcome, error) {
		return nil, workflows.ErrNotOwner
	}})
	work(t, engine)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	require.Eventually(t, func() bool { return closed(t, engine, "event/1") }, time.Minute, 50*time.Millisecond)
}
