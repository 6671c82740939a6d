package river_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/river"
)

// executor is a database or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// commit runs the engine's part of a statement that commits deliveries.
func commit(t *testing.T, engine *river.Engine, in executor, condition string, run workflows.Run, after time.Duration) {
	t.Helper()
	args := append([]any{"first"}, engine.TxArguments(run, after)...)
	_, err := in.ExecContext(t.Context(), "WITH handed AS ("+engine.TxInsert(2, condition)+") SELECT $1::text", args...)
	require.NoError(t, err)
}

func jobs(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM river.river_job").Scan(&n))
	return n
}

// TestARunIsHandedOverByATransaction: it is there when the transaction is, it is the
// one that Dispatch knows, and there is one.
func TestARunIsHandedOverByATransaction(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	firsts := make(chan string, 9)
	engine := engineOn(t, db, &core{first: func(_ context.Context, run string) ([]workflows.Outcome, error) {
		firsts <- run
		return nil, nil
	}})
	run := workflows.Run{ID: "event/1", Summary: "1 event(s)"}
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	commit(t, engine, tx, "true", run, 0)
	require.NoError(t, tx.Rollback())
	commit(t, engine, db, "1 = 2", run, 0)
	commit(t, engine, db, "true", workflows.Run{}, 0)
	require.Zero(t, jobs(t, db))

	commit(t, engine, db, "true", run, 0)
	commit(t, engine, db, "true", run, 0)
	require.NoError(t, engine.Dispatch(t.Context(), run))
	require.Equal(t, 1, jobs(t, db))
	var row string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT j::text FROM river.river_job j").Scan(&row))
	require.Contains(t, row, "1 event(s)")

	work(t, engine)
	require.Equal(t, "event/1", <-firsts)
	require.Eventually(t, func() bool { return closed(t, engine, "event/1") }, time.Minute, 50*time.Millisecond)
	commit(t, engine, db, "true", run, 0)
	require.True(t, closed(t, engine, "event/1"), "what has ended does not begin again")
	require.Empty(t, firsts)
}

// TestARunThatWaitsForCommits begins by itself, or when it is told to.
func TestARunThatWaitsForCommits(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	begun := make(chan string, 9)
	engine := engineOn(t, db, &core{first: func(_ context.Context, run string) ([]workflows.Outcome, error) {
		begun <- run
		return nil, nil
	}})
	work(t, engine)
	now := time.Now()
	commit(t, engine, db, "true", workflows.Run{ID: "batch/1"}, time.Second)
	require.Equal(t, "batch/1", <-begun)
	require.GreaterOrEqual(t, time.Since(now), time.Second)
	t.Logf("to begin after 1 s: begun after %s", time.Since(now).Round(time.Millisecond))

	commit(t, engine, db, "true", workflows.Run{ID: "batch/2"}, time.Hour)
	now = time.Now()
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/2"}))
	require.Equal(t, "batch/2", <-begun)
	t.Logf("told to begin: begun after %s", time.Since(now).Round(time.Millisecond))

	// One that is to begin later, for a reason of its own, is left alone.
	later := workflows.Run{ID: "batch/3", NotBefore: time.Now().Add(time.Hour)}
	require.NoError(t, engine.Dispatch(t.Context(), later))
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/3"}))
	state(t, db, "batch/3", "scheduled")
}

// TestOtherProcessesBeginAtOnce: what one that does not work has handed over, or has
// woken, is heard of by those that do.
func TestOtherProcessesBeginAtOnce(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := open(t, url)
	begun := make(chan string, 9)
	stepped := make(chan string, 9)
	engine, err := river.New(river.Options{DB: db.Write, Listen: db.Hear, Core: &core{
		stepped: stepped,
		first: func(_ context.Context, run string) ([]workflows.Outcome, error) {
			begun <- run
			return nil, nil
		},
	}})
	require.NoError(t, err)
	work(t, engine)
	elsewhere := dial(t, url)
	serves := engineOn(t, elsewhere, nil)
	fastest := map[string]time.Duration{}
	measure := func(what string, do func(), done func()) {
		t.Helper()
		for range 3 { // on a busy machine one of them will do
			began := time.Now()
			do()
			done()
			if took := time.Since(began); fastest[what] == 0 || took < fastest[what] {
				fastest[what] = took
			}
		}
	}
	n := 0
	next := func() workflows.Run {
		n++
		return workflows.Run{ID: "event/" + string(rune('a'+n))}
	}
	first := func() { <-begun }
	measure("dispatch", func() { require.NoError(t, serves.Dispatch(t.Context(), next())) }, first)
	measure("commit", func() { commit(t, serves, elsewhere, "true", next(), 0) }, first)
	measure("wake", func() { require.NoError(t, serves.Wake(t.Context(), "destination/1")) }, func() { <-stepped })
	t.Logf("the fastest of three: %v", fastest)
	for what, took := range fastest {
		require.Less(t, took, time.Second, what) // the time between two looks
	}
}
