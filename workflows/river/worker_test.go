package river_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/workflows"
	"datapusher/workflows/river"
)

// core is the core of these tests.
type core struct {
	first   func(ctx context.Context, run string) ([]workflows.Outcome, error)
	attempt func(ctx context.Context, run, id string) (workflows.Outcome, error)
	stepped chan string
	step    func(ctx context.Context) // in place of stepped
}

func (c *core) First(ctx context.Context, run string) ([]workflows.Outcome, error) {
	return c.first(ctx, run)
}

func (c *core) Attempt(ctx context.Context, run, id string) (workflows.Outcome, error) {
	return c.attempt(ctx, run, id)
}

func (c *core) Step(ctx context.Context, loop string) (time.Duration, bool, error) {
	if c.step != nil {
		c.step(ctx)
		return 0, true, nil
	}
	c.stepped <- loop
	return 0, true, nil
}

// work runs an engine until the test ends, or is told to.
func work(t *testing.T, engine *river.Engine) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestAnEngineNeedsACore(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, engineOn(t, dial(t, pgtest.URL(t)), nil).Run(t.Context()), "without a core")
}

func TestRunSaysThatTablesAreMissing(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, engineOn(t, dial(t, pgtest.URL(t)), &core{}).Run(t.Context()), "migrate up --engine=river")
}

// TestWhatADeadWorkerWasAtIsTakenUp: a row that says "running" and has had no beat
// is what a process leaves behind that was killed.
func TestWhatADeadWorkerWasAtIsTakenUp(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	require.NoError(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	_, err := db.ExecContext(t.Context(), `UPDATE river.river_job SET state = 'running', attempt = 1,
		attempted_at = now() - interval '1 minute', attempted_by = '{killed}'`)
	require.NoError(t, err)
	began := time.Now()
	first := make(chan string, 1)
	work(t, engineOn(t, db, &core{first: func(_ context.Context, run string) ([]workflows.Outcome, error) {
		first <- run
		return nil, nil
	}}))
	select {
	case run := <-first:
		require.Equal(t, "event/1", run)
		t.Logf("taken up %s after the start", time.Since(began).Round(time.Millisecond))
	case <-time.After(90 * time.Second):
		require.Fail(t, "nobody has taken it up")
	}
}

// TestWhoWasAwayTakesNobodyForDead: while the database was away nobody's beats came
// through, so that whoever is the first to get there again would take the jobs of
// all others.
func TestWhoWasAwayTakesNobodyForDead(t *testing.T) {
	t.Parallel()
	var p river.Pulse
	at := time.Now()
	beat := func(after time.Duration) bool { at = at.Add(after); return p.Beat(at) }
	require.False(t, beat(0), "it has just begun")
	require.False(t, beat(5*time.Second))
	require.False(t, beat(5*time.Second))
	require.True(t, beat(5*time.Second), "three in order")
	require.True(t, beat(10*time.Second), "one was slow")
	require.False(t, beat(11*time.Second), "it stood still, or waited for an answer")
	require.False(t, beat(5*time.Second))
	require.False(t, beat(5*time.Second))
	require.True(t, beat(5*time.Second))
	p.Miss()
	require.False(t, beat(time.Second))
	require.False(t, beat(14*time.Second-5*time.Second))
	require.True(t, beat(6*time.Second))
}

// TestAWorkerThatLivesIsLeftAlone: what takes long is neither cut off nor given to
// another.
func TestAWorkerThatLivesIsLeftAlone(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	begun, release := make(chan struct{}, 9), make(chan struct{})
	var ended error
	c := &core{first: func(ctx context.Context, _ string) ([]workflows.Outcome, error) {
		begun <- struct{}{}
		<-release
		ended = ctx.Err()
		return nil, nil
	}}
	stop := work(t, engineOn(t, db, c))
	require.NoError(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	<-begun
	age := func() (seconds float64) {
		require.NoError(t, db.QueryRowContext(t.Context(),
			"SELECT extract(epoch FROM now() - attempted_at) FROM river.river_job").Scan(&seconds))
		return seconds
	}
	// As if it had begun earlier; the next beat makes it young again.
	_, err := db.ExecContext(t.Context(), "UPDATE river.river_job SET attempted_at = now() - interval '12 seconds'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return age() < 6 }, 30*time.Second, 100*time.Millisecond, "no beat")
	close(release)
	require.NoError(t, stop())
	require.Empty(t, begun, "it was begun again")
	require.NoError(t, ended)
}

// TestADrainEnds: what goes on for too long is cut off, and is done again later.
func TestADrainEnds(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	begun := make(chan struct{})
	c := &core{first: func(ctx context.Context, _ string) ([]workflows.Outcome, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	engine, err := river.New(river.Options{DB: db, Core: c, DrainTimeout: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	stop := work(t, engine)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	<-begun
	require.NoError(t, stop())
	require.False(t, closed(t, engine, "event/1"))
	state(t, db, "event/1", "scheduled", "available")

	again := make(chan struct{})
	work(t, engineOn(t, db, &core{first: func(context.Context, string) ([]workflows.Outcome, error) {
		close(again)
		return nil, nil
	}}))
	<-again
}

// TestAPersonWhoCancelsAJobClosesTheRun: what is open of it needs a run of a new
// id, as after any other end.
func TestAPersonWhoCancelsAJobClosesTheRun(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	engine := engineOn(t, db, nil)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	_, err := db.ExecContext(t.Context(), "UPDATE river.river_job SET state = 'cancelled', finalized_at = now()")
	require.NoError(t, err)
	require.True(t, closed(t, engine, "event/1"))
}

// TestRiverIsToldNoErrors: their texts may name hosts, rows and queries.
func TestRiverIsToldNoErrors(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	failed := make(chan struct{}, 9)
	stop := work(t, engineOn(t, db, &core{first: func(context.Context, string) ([]workflows.Outcome, error) {
		failed <- struct{}{}
		return nil, errors.New("secret-text")
	}}))
	require.NoError(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "event/1", Summary: "2 deliveries"}))
	<-failed
	require.NoError(t, stop())
	var row string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT j::text FROM river.river_job j").Scan(&row))
	require.Contains(t, row, "2 deliveries")
	require.Contains(t, row, `failures`)
	require.NotContains(t, row, "secret-text")
}

func closed(t *testing.T, engine *river.Engine, run string) bool {
	t.Helper()
	err := engine.Dispatch(t.Context(), workflows.Run{ID: run})
	if !errors.Is(err, workflows.ErrRunClosed) {
		require.NoError(t, err)
	}
	return err != nil
}

func state(t *testing.T, db *sql.DB, run string, oneOf ...string) {
	t.Helper()
	var is string
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT state FROM river.river_job WHERE args->>'run' = $1", run).Scan(&is))
	require.Contains(t, oneOf, is)
}
