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
		enginetest.Run(t, func(t *testing.T) enginetest.Store {
			url := migrated(t)
			made := map[workflows.Engine]*database.DB{}
			return enginetest.Store{
				Make: func(core workflows.Core) workflows.Engine {
					db := open(t, url)
					engine, err := river.New(river.Options{DB: db.Write, Core: core, Listen: db.Hear, Logger: slog.New(slog.DiscardHandler)})
					require.NoError(t, err)
					made[engine] = db
					return engine
				},
				Kill: func(engine workflows.Engine) { _ = made[engine].Close() },
				Wipe: func(t *testing.T) {
					_, err := dial(t, url).ExecContext(t.Context(), "TRUNCATE river.river_job, river.river_leader, river.river_queue")
					require.NoError(t, err)
				},
			}
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

// open opens a database, as one more process would.
func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func dial(t *testing.T, url string) *sql.DB {
	t.Helper()
	return open(t, url).Write
}

func engineOn(t *testing.T, db *sql.DB, core workflows.Core) *river.Engine {
	t.Helper()
	engine, err := river.New(river.Options{DB: db, Core: core, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return engine
}
