package database_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/pgtest"
)

func TestOpenSaysHowAURLHasToLook(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                                "has to begin with postgres:// or sqlite:",
		"mysql://jane:hush@host/x":        "has to begin with postgres:// or sqlite:",
		"postgres://jane:hush@host:1%/x":  "write it as postgres://",
		"postgres://jane:hush@host:port/": "write it as postgres://",
		"postgres://jane:hush@127.0.0.1/x?sslmode=never":       "sslmode",
		"postgres://jane:hush@127.0.0.1/x?connect_timeout=abc": "connect_timeout",
		"sqlite:/no/such/folder/x.db":                          "the database does not answer",
	} {
		_, err := database.Open(t.Context(), url)
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestASQLiteFileMayHaveAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"plain.db", "with space.db", "what?.db", "a#b.db", "100%.db", "%41.db", "a+b&c=d.db", "ü€.db", "a;b'\".db", "a:b.db", "file:x?mode=ro",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(dir, name))
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Migrate(t.Context())
			require.NoError(t, err)
			require.NoError(t, db.CheckMigrated(t.Context()), "reader and writer open the same file")
			head := make([]byte, 15)
			f, err := os.Open(filepath.Join(dir, name))
			require.NoError(t, err)
			defer f.Close()
			_, err = f.Read(head)
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(head, []byte("SQLite format 3")))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, e := range entries {
				require.True(t, strings.HasPrefix(e.Name(), name), "another file: %s", e.Name())
			}
		})
	}
}

func TestARelativeFileNameWorksToo(t *testing.T) {
	t.Chdir(t.TempDir())
	db, err := database.Open(t.Context(), "sqlite:a?b.db")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Check(t.Context()))
	require.FileExists(t, "a?b.db")
}

func TestAMemoryDatabaseIsOneConnection(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), "sqlite::memory:")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	require.Zero(t, db.Ent.Account.Query().CountX(auth.AsSystem(t.Context())))
}

func TestSQLiteIsDurableAndChecksItsKeys(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000",
	} {
		var got string
		require.NoError(t, db.Write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
	_, err := db.Read.ExecContext(t.Context(), "DELETE FROM accounts")
	require.ErrorContains(t, err, "readonly")
}

// While a transaction holds the writer, queries go on beside it, outside of it,
// and statements that write wait for it.
func TestOnSQLiteQueriesDoNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	ctx := auth.AsSystem(t.Context())
	tx, err := db.Ent.Tx(ctx)
	require.NoError(t, err)
	tx.Account.Create().SetName("Jane").SetEmail("jane@example.com").ExecX(ctx)
	require.Equal(t, 1, tx.Account.Query().CountX(ctx), "a transaction sees what it wrote")

	soon, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	require.Zero(t, db.Ent.Account.Query().CountX(soon))
	exists, err := db.Ent.Account.Query().Exist(soon)
	require.NoError(t, err)
	require.False(t, exists)

	brief, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	require.Error(t, db.Ent.Account.Create().SetName("Joe").SetEmail("joe@example.com").Exec(brief))
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, db.Ent.Account.Query().CountX(ctx))
	db.Ent.Account.Create().SetName("Joe").SetEmail("joe@example.com").ExecX(ctx)
	require.Equal(t, 2, db.Ent.Account.Query().CountX(ctx), "a query sees what was written before it")
}

// An INSERT … RETURNING is a query to the driver; the readers must not get it.
func TestStatementsThatReturnSomethingGoToTheWriter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := auth.AsSystem(t.Context())
		a := db.Ent.Account.Create().SetName("Jane").SetEmail("jane@example.com").SaveX(ctx)
		a = db.Ent.Account.UpdateOne(a).SetName("Joe").SaveX(ctx)
		require.Equal(t, "Joe", db.Ent.Account.GetX(ctx, a.ID).Name)
		var rows entsql.Rows
		require.NoError(t, db.Driver().Query(ctx, "UPDATE accounts SET name = 'Jim' RETURNING name", []any{}, &rows))
		name, err := entsql.ScanString(rows)
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		require.Equal(t, "Jim", name)
		require.NoError(t, db.Check(ctx))
		version, err := db.Version(ctx)
		require.NoError(t, err)
		require.Regexp(t, `^(SQLite 3\.|PostgreSQL \d+)`, version)
	})
}

func TestMigrateTwiceIsMigrateOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"postgres": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(t.Context(), url())
			require.NoError(t, err)
			defer db.Close()
			err = db.CheckMigrated(t.Context())
			require.ErrorContains(t, err, "of ")
			require.ErrorContains(t, err, "migrations are pending: run `datapusher migrate up`, or start with --migrate")
			before, err := db.Migrations(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, before)
			for _, m := range before {
				require.Zero(t, m.Applied)
			}
			done, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.Len(t, done, len(before))
			require.NoError(t, db.CheckMigrated(t.Context()))
			done, err = db.Migrate(t.Context())
			require.NoError(t, err)
			require.Empty(t, done)
			after, err := db.Migrations(t.Context())
			require.NoError(t, err)
			for i, m := range after {
				require.Equal(t, before[i].Version, m.Version)
				require.Equal(t, before[i].File, m.File)
				require.WithinRange(t, m.Applied, time.Now().Add(-time.Minute), time.Now().Add(time.Minute))
			}
		})
	}
}

// Several processes of a release start at the same moment.
func TestPostgresIsMigratedByOneOfSeveral(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	var (
		start   = make(chan struct{})
		wg      sync.WaitGroup
		applied [6]int
		failed  [6]error
	)
	for i := range applied {
		db, err := database.Open(t.Context(), url)
		require.NoError(t, err)
		defer db.Close()
		wg.Go(func() {
			<-start
			var done []database.Migration
			done, failed[i] = db.Migrate(t.Context())
			applied[i] = len(done)
		})
	}
	close(start)
	wg.Wait()
	sum := 0
	for i, n := range applied {
		require.NoError(t, failed[i])
		sum += n
	}
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	defer db.Close()
	all, err := db.Migrations(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(all), sum)
}
