package migrations_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/stretchr/testify/require"

	"datapusher/ent/migrations"
	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
)

// TestTheFilesLeadToTheSchema replays the migrations on an empty database and
// asks for the next one: there must be none.
func TestTheFilesLeadToTheSchema(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		dialect.SQLite:   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "empty.db") },
		dialect.Postgres: pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := copyOf(t, name)
			dir, err := sqltool.NewGooseDir(folder)
			require.NoError(t, err)
			require.NoError(t, migrate.Validate(dir), "atlas.sum does not fit the files")
			db, err := database.Open(t.Context(), url(t))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			m, err := schema.NewMigrate(db.Driver(),
				schema.WithDir(dir), schema.WithFormatter(sqltool.GooseFormatter),
				schema.WithMigrationMode(schema.ModeReplay),
				schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithErrNoPlan(true))
			require.NoError(t, err)
			err = m.NamedDiff(t.Context(), "missing", migrations.Tables(name)...)
			if err == nil {
				missing, _ := filepath.Glob(filepath.Join(folder, "*_missing.sql"))
				text, _ := os.ReadFile(missing[0])
				t.Fatalf("the schema is ahead of the migrations:\n%s", text)
			}
			require.ErrorIs(t, err, migrate.ErrNoPlan)
		})
	}
}

// TestMigrateTwice is what every start of the program does.
func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		dialect.SQLite:   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "empty.db") },
		dialect.Postgres: pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(t.Context(), url(t))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			require.ErrorContains(t, db.CheckMigrated(t.Context()), "pending")
			first, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, first)
			require.NoError(t, db.CheckMigrated(t.Context()))
			second, err := db.Migrate(t.Context())
			require.NoError(t, err)
			require.Empty(t, second)
		})
	}
}

// copyOf writes a dialect's files into a folder of the test: a diff that finds
// something writes a file.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	files, err := migrations.FS(name)
	require.NoError(t, err)
	folder := t.TempDir()
	names, err := fs.Glob(files, "*")
	require.NoError(t, err)
	for _, n := range names {
		content, err := fs.ReadFile(files, n)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, n), content, 0o600))
	}
	return folder
}
