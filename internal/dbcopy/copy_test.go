package dbcopy_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/migrate"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/dbcopy"
	"datapusher/internal/testutil/dbtest"
)

const rows = 40

// TestEveryTableIsCopied, and every column with a value and without: also those that
// somebody adds to the schema, or beside it.
func TestEveryTableIsCopied(t *testing.T) {
	t.Parallel()
	from, _ := source(t, rows)
	to := dbtest.Postgres(t)
	done, err := dbcopy.Copy(t.Context(), from, to, nil)
	require.NoError(t, err)

	var copied, schema []string
	for _, one := range done {
		copied = append(copied, one.Name)
		require.Equal(t, dbcopy.Table{Name: one.Name, Rows: rows, Copied: rows, Source: one.Source, Target: one.Source}, one)
		require.Len(t, one.Source, 64)
	}
	for _, table := range migrate.Tables {
		schema = append(schema, table.Name)
		for _, c := range table.Columns {
			var filled, empty int
			query := `SELECT count("` + c.Name + `"), count(*) - count("` + c.Name + `") FROM "` + table.Name + `"`
			require.NoError(t, to.Read.QueryRowContext(t.Context(), query).Scan(&filled, &empty))
			require.Positive(t, filled, "%s.%s was never there", table.Name, c.Name)
			require.Equal(t, c.Nullable, empty > 0, "%s.%s", table.Name, c.Name)
		}
	}
	require.ElementsMatch(t, schema, copied)
	require.ElementsMatch(t, schema, names(t, from, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`))
	require.ElementsMatch(t, schema, names(t, to, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`),
		"the marker is gone, and nothing else is there")
	require.NoError(t, dbcopy.CheckEnded(t.Context(), to))
}

func names(t *testing.T, db *database.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Read.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		all = append(all, name)
	}
	require.NoError(t, rows.Err())
	return all
}

// TestTheProgramReadsTheSame on both sides, through the code that knows nothing of copies.
func TestTheProgramReadsTheSame(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLiteURL(t)
	edit(t, url, func(db *database.DB) { fill(t, db, 0, rows) })
	read := func(db *database.DB) string {
		ctx := auth.AsSystem(t.Context())
		var all []any
		for _, query := range []func() (any, error){
			func() (any, error) { return db.Ent.Token.Query().All(ctx) },
			func() (any, error) { return db.Ent.Event.Query().All(ctx) },
			func() (any, error) { return db.Ent.Delivery.Query().All(ctx) },
			func() (any, error) { return db.Ent.Attempt.Query().All(ctx) },
			func() (any, error) { return db.Ent.Action.Query().All(ctx) },
			func() (any, error) { return db.Ent.Replay.Query().All(ctx) },
			func() (any, error) { return db.Ent.Session.Query().All(ctx) },
			func() (any, error) { return db.Ent.KeyCheck.Query().All(ctx) },
			func() (any, error) { return db.Ent.IdempotencyKey.Query().All(ctx) },
		} {
			found, err := query()
			require.NoError(t, err)
			all = append(all, found)
		}
		text, err := json.MarshalIndent(all, "", " ")
		require.NoError(t, err)
		return string(text)
	}
	from, to := alone(t, url), dbtest.Postgres(t)
	_, err := dbcopy.Copy(t.Context(), from, to, nil)
	require.NoError(t, err)
	want := read(from)
	require.Greater(t, len(want), 100_000)
	require.Equal(t, want, read(to))
}

// TestACopyThatIsInterruptedGoesOn wherever it was: it ends after each batch and each
// word of progress once, and begins again.
func TestACopyThatIsInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	from, _ := source(t, rows)
	to := dbtest.Postgres(t)
	stop := errors.New("the process is gone")
	copied, calls := map[string]int{}, 0
	for step := 1; ; step++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		done, err := dbcopy.CopyInBatches(ctx, from, to, 7, func(p dbcopy.Progress) {
			if p.Stage == dbcopy.Copying && copied[p.Table] < p.Done {
				copied[p.Table] = p.Done
				cancel(stop)
			}
		})
		calls++
		if err == nil {
			cancel(nil)
			for _, one := range done {
				require.Zero(t, one.Copied, "the last call had nothing to copy")
				require.Equal(t, one.Source, one.Target)
			}
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, context.Cause(ctx), stop)
		require.ErrorIs(t, dbcopy.CheckEnded(t.Context(), to), dbcopy.ErrUnfinished)
		require.Less(t, step, 1000)
	}
	t.Logf("%d calls", calls)
	require.Equal(t, len(migrate.Tables)*6+1, calls, "one call for each batch, and the last")
	require.NoError(t, dbcopy.CheckEnded(t.Context(), to))
}

func TestOnlyAnEmptyTargetIsFilled(t *testing.T) {
	t.Parallel()
	from, _ := source(t, 3)
	to := dbtest.Postgres(t)
	_, err := to.Write.ExecContext(t.Context(), `INSERT INTO key_checks (id, sealed, created_at) VALUES ('1', '', now())`)
	require.NoError(t, err)
	_, err = dbcopy.Copy(t.Context(), from, to, nil)
	require.ErrorIs(t, err, dbcopy.ErrNotEmpty)
	require.ErrorContains(t, err, "key_checks")
	require.NoError(t, dbcopy.CheckEnded(t.Context(), to), "it is not marked")
	for _, table := range migrate.Tables {
		if table.Name != "key_checks" {
			require.Equal(t, []string{"0"}, names(t, to, `SELECT count(*)::text FROM "`+table.Name+`"`))
		}
	}

	t.Run("by one copy at a time", func(t *testing.T) {
		to := dbtest.Postgres(t)
		tried := false
		_, err := dbcopy.Copy(t.Context(), from, to, func(dbcopy.Progress) {
			if !tried {
				tried = true
				_, err := dbcopy.Copy(t.Context(), from, to, nil)
				require.ErrorIs(t, err, dbcopy.ErrBusy)
			}
		})
		require.NoError(t, err)
		require.True(t, tried)
		_, err = dbcopy.Copy(t.Context(), from, to, nil)
		require.ErrorIs(t, err, dbcopy.ErrNotEmpty, "what has ended is not done again")
	})
	t.Run("and no SQLite", func(t *testing.T) {
		_, err := dbcopy.Copy(t.Context(), from, from, nil)
		require.ErrorContains(t, err, "from SQLite to Postgres")
	})
}

// TestASourceThatWentOnIsNoticed: somebody has started the old program again between
// two calls.
func TestASourceThatWentOnIsNoticed(t *testing.T) {
	t.Parallel()
	from, url := source(t, rows)
	to := dbtest.Postgres(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := dbcopy.CopyInBatches(ctx, from, to, 10, func(p dbcopy.Progress) {
		if p.Table == "deliveries" {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, from.Close())
	edit(t, url, func(db *database.DB) {
		for _, change := range []string{
			`UPDATE deliveries SET status = 'SUCCEEDED', attempt_count = 77 WHERE id = '` + idOf("deliveries", 1) + `'`,
			`DELETE FROM deliveries WHERE id = '` + idOf("deliveries", 2) + `'`,
			`UPDATE deliveries SET id = 'a' WHERE id = '` + idOf("deliveries", 3) + `'`,
		} {
			_, err := db.Write.ExecContext(t.Context(), change)
			require.NoError(t, err)
		}
	})
	done, err := dbcopy.Copy(t.Context(), alone(t, url), to, nil)
	require.ErrorContains(t, err, "deliveries is not the same on both sides: missing in the target: 1 (a); there alone: 2 ("+
		idOf("deliveries", 2)+", "+idOf("deliveries", 3)+"); different: 1 ("+idOf("deliveries", 1)+")")
	require.ErrorContains(t, err, "begin again with an empty one")
	last := done[len(done)-1]
	require.Equal(t, "deliveries", last.Name)
	require.NotEqual(t, last.Source, last.Target)
	require.ErrorIs(t, dbcopy.CheckEnded(t.Context(), to), dbcopy.ErrUnfinished, "no process may start on it")
}

// TestMemoryIsBounded: a batch ends with the row that makes it full.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const events, size = 20, 1 << 20
	url := dbtest.SQLiteURL(t)
	edit(t, url, func(db *database.DB) {
		for n := range events {
			_, err := db.Write.ExecContext(t.Context(), `INSERT INTO events (id, account_id, payload, created_at) VALUES (?, 'acc', ?, ?)`,
				idOf("events", n), make([]byte, size), time.Now().UTC())
			require.NoError(t, err)
		}
	})
	before, most := 0, 0
	_, err := dbcopy.Copy(t.Context(), alone(t, url), dbtest.Postgres(t), func(p dbcopy.Progress) {
		if p.Table == "events" && p.Stage == dbcopy.Copying {
			before, most = p.Done, max(most, p.Done-before)
		}
	})
	require.NoError(t, err)
	require.LessOrEqual(t, most, dbcopy.BatchBytes/size, "events of 1 MiB at once")
	require.Positive(t, most)
}

// TestTimesAreRoundedAsPostgresKeepsThem: the program writes none that are finer, but
// who knows what has been in the file.
func TestTimesAreRoundedAsPostgresKeepsThem(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLiteURL(t)
	edit(t, url, func(db *database.DB) {
		east := time.FixedZone("", 2*3600)
		for id, at := range map[string]time.Time{
			"1": time.Date(2026, 1, 31, 12, 0, 0, 123456499, time.UTC),
			"2": time.Date(2026, 1, 31, 14, 0, 0, 123456500, east),
			"3": time.Date(2026, 1, 31, 12, 0, 0, 999999999, time.UTC),
		} {
			_, err := db.Write.ExecContext(t.Context(), `INSERT INTO key_checks (id, sealed, created_at) VALUES (?, ?, ?)`, id, []byte("x"), at)
			require.NoError(t, err)
		}
	})
	to := dbtest.Postgres(t)
	_, err := dbcopy.Copy(t.Context(), alone(t, url), to, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"12:00:00.123456", "12:00:00.123457", "12:00:01"}, names(t, to, `SELECT created_at::time::text FROM key_checks ORDER BY id`))
}

// TestWhatPostgresDoesNotKeepIsNamed.
func TestWhatPostgresDoesNotKeepIsNamed(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLiteURL(t)
	edit(t, url, func(db *database.DB) {
		_, err := db.Write.ExecContext(t.Context(), `INSERT INTO events (id, account_id, event_type, payload, created_at) VALUES ('evt_1', 'acc', ?, ?, ?)`,
			"a\x00b", []byte("{}"), time.Now().UTC())
		require.NoError(t, err)
	})
	_, err := dbcopy.Copy(t.Context(), alone(t, url), dbtest.Postgres(t), nil)
	require.ErrorContains(t, err, `the row "evt_1": event_type: the text has bytes that Postgres does not keep`)
}
