// Package dbtest gives each test a migrated database of its own, on both
// dialects: SQLite in a temporary folder and a real Postgres (see pgtest).
// The migrations run once per process and dialect; tests get copies.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
)

// Each runs a test on both dialects, as parallel subtests "sqlite" and "postgres".
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// SQLite is a migrated SQLite database, closed and removed when the test ends.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	return open(t, SQLiteURL(t))
}

// SQLiteURL is the URL of a migrated SQLite database that nobody has opened yet.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("prepare the SQLite template: %v", err)
	}
	file := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

// Postgres is a migrated Postgres database, closed and dropped when the test ends.
func Postgres(t testing.TB) *database.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

// PostgresURL is the URL of a migrated Postgres database that nobody has opened yet.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.Template(t, "migrated", migrate)
}

func open(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// migrate brings an empty database to the current schema and closes it.
func migrate(url string) (err error) {
	ctx := context.Background()
	db, err := database.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	_, err = db.Migrate(ctx)
	return err
}

// sqliteTemplate is the file of a migrated database: closing the last connection
// has put everything of the write-ahead log into it.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "datapusher-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + file); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return os.ReadFile(file)
})
