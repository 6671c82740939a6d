package river_test

import (
	"database/sql"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
	"datapusher/workflows"
	"datapusher/workflows/enginetest"
	"datapusher/workflows/river"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	t.Run("river-postgres", func(t *testing.T) {
		enginetest.Run(t, func(t *testing.T) enginetest.Make {
			url := migrated(t)
			return func(core workflows.Core) workflows.Engine { return engineOn(t, dial(t, url), core) }
		})
	})
}

// migrated is the URL of a database with River's tables.
func migrated(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	_, err := river.Migrate(t.Context(), dial(t, url))
	require.NoError(t, err)
	return url
}

// dial opens a pool, as one more process would.
func dial(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db.Write
}

func engineOn(t *testing.T, db *sql.DB, core workflows.Core) *river.Engine {
	t.Helper()
	engine, err := river.New(river.Options{DB: db, Core: core, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return engine
}
