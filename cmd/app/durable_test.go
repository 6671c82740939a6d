package app

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// The scratch Postgres of tests is one that forgets.
func TestADatabaseThatForgetsIsRefused(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	c := defaults(t)
	c.DatabaseURL = dbtest.PostgresURL(t)
	_, err := openConfigured(t.Context(), c, logger)
	require.ErrorIs(t, err, database.ErrNotDurable)
	require.ErrorContains(t, err, "fsync=off")
	require.ErrorContains(t, err, "--allow-unsafe-database starts all the same")

	c.AllowUnsafe = true
	require.Empty(t, log.String())
	db, err := openConfigured(t.Context(), c, logger)
	require.NoError(t, err)
	defer db.Close()
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "fsync=off")
	require.NoError(t, c.durable(db)(t.Context()))
	c.AllowUnsafe = false
	require.ErrorIs(t, c.durable(db)(t.Context()), database.ErrNotDurable, "readiness hears of it when it is switched off later")
}

func TestSQLiteIsTaken(t *testing.T) {
	t.Parallel()
	c := defaults(t)
	c.DatabaseURL = dbtest.SQLiteURL(t)
	db, err := openConfigured(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, c.durable(db)(t.Context()))
}
