package database_test

import (
	"context"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"datapusher/ent/migrations"
	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
)

// TestAMigrationGivesWay: somebody reads a table for long, and the migration would
// change it. Those who come after the migration must not wait for the reader.
func TestAMigrationGivesWay(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	defer db.Close()
	files, err := migrations.FS(dialect.Postgres)
	require.NoError(t, err)
	before, err := goose.NewProvider(goose.DialectPostgres, db.Write, files, goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 20261124193027) // the next one adds a column to accounts
	require.NoError(t, err)

	long, err := db.Read.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = long.Rollback() }()
	_, err = long.ExecContext(t.Context(), `SELECT count(*) FROM accounts`)
	require.NoError(t, err)

	migrated := make(chan error, 1)
	go func() {
		_, err := db.Migrate(t.Context())
		migrated <- err
	}()
	require.Eventually(t, func() bool {
		var waits bool
		err := db.Read.QueryRowContext(t.Context(),
			`SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'accounts'::regclass AND NOT granted)`).Scan(&waits)
		return err == nil && waits
	}, time.Minute, 10*time.Millisecond, "the migration waits for the table")

	patient, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	_, err = db.Read.ExecContext(patient, `SELECT count(*) FROM accounts`)
	require.NoError(t, err, "the reader has not ended, and yet others get through")
	t.Logf("a query behind the migration took %s", time.Since(began).Round(time.Millisecond))
	select {
	case err := <-migrated:
		require.Fail(t, "the migration does not try again", "%v", err)
	default:
	}

	require.NoError(t, long.Rollback())
	require.NoError(t, <-migrated)
	require.NoError(t, db.CheckMigrated(t.Context()))
	var timeout string
	require.NoError(t, db.Write.QueryRowContext(t.Context(), `SHOW lock_timeout`).Scan(&timeout))
	require.Equal(t, "0", timeout, "nothing of it stays with the connection")
}
