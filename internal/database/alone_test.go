package database_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// A process that has the file open keeps a copy out, and the copy keeps it out.
func TestASQLiteFileIsOpenedAlone(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLiteURL(t)
	other, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	_, err = other.Write.ExecContext(t.Context(), `INSERT INTO key_checks (id, sealed, created_at) VALUES ('1', 'x', '2030-01-31 12:00:00+00:00')`)
	require.NoError(t, err)
	_, err = database.OpenAlone(t.Context(), url)
	require.ErrorIs(t, err, database.ErrInUse, "it has a connection, and does nothing")
	require.NoError(t, other.Close())

	alone, err := database.OpenAlone(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, alone.CheckMigrated(t.Context()))
	var id string
	require.NoError(t, alone.Read.QueryRowContext(t.Context(), `SELECT id FROM key_checks`).Scan(&id))
	require.Equal(t, "1", id)
	_, err = alone.Write.ExecContext(t.Context(), `DELETE FROM key_checks`)
	require.ErrorContains(t, err, "readonly", "it only reads")
	_, err = database.OpenAlone(t.Context(), url)
	require.ErrorIs(t, err, database.ErrInUse)
	require.NoError(t, alone.Close())

	again, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestWhatIsNoSQLiteFileIsNotOpenedAlone(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.db")
	_, err := database.OpenAlone(t.Context(), "sqlite:"+missing)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, missing)

	garbage := filepath.Join(t.TempDir(), "garbage.db")
	require.NoError(t, os.WriteFile(garbage, []byte("this is not a database, and long enough to see that it is none"), 0o600))
	_, err = database.OpenAlone(t.Context(), "sqlite:"+garbage)
	require.ErrorContains(t, err, garbage+" cannot be read as an SQLite database")

	_, err = database.OpenAlone(t.Context(), "postgres://127.0.0.1/x")
	require.ErrorContains(t, err, "sqlite:")
}
