package database_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
)

func TestAKeptStatementIsPlannedOnceOnAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	k := db.Keep(`SELECT pg_backend_pid(), current_setting('plan_cache_mode'), $1::bytea`)
	t.Cleanup(k.Close)
	bytes := []byte{0, '\\', 0xff, '\'', '{', 'x'}
	ask := func() (backend int, err error) {
		rows, err := k.Query(t.Context(), bytes)
		if err != nil {
			return 0, k.Failed(err)
		}
		defer rows.Close()
		for rows.Next() {
			var (
				mode string
				got  []byte
			)
			require.NoError(t, rows.Scan(&backend, &mode, &got))
			require.Equal(t, "force_generic_plan", mode)
			require.Equal(t, bytes, got)
		}
		return backend, k.Failed(rows.Err())
	}
	first, err := ask()
	require.NoError(t, err)
	again, err := ask()
	require.NoError(t, err)
	require.Equal(t, first, again)

	_, err = db.Write.ExecContext(t.Context(), "SELECT pg_terminate_backend($1)", first)
	require.NoError(t, err)
	_, err = ask()
	require.Equal(t, database.Lost, database.Classify(err), "nobody runs it again behind our back")
	fresh, err := ask()
	require.NoError(t, err)
	require.NotEqual(t, first, fresh)
}
