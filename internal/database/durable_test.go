package database_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/pgtest"
)

func TestSQLiteIsDurableByItsOwnSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, dbtest.SQLite(t).CheckDurable(t.Context()))
}

func TestAPostgresThatForgetsIsFoundOut(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"})
	check := func(want ...string) {
		t.Helper()
		db, err := database.Open(t.Context(), s.URL()) // what is set for a role or a database holds for new connections
		require.NoError(t, err)
		defer db.Close()
		err = db.CheckDurable(t.Context())
		if len(want) == 0 {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, database.ErrNotDurable)
		for _, w := range want {
			require.ErrorContains(t, err, w)
		}
	}
	set := func(statement string) {
		t.Helper()
		db, err := database.Open(t.Context(), s.URL())
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Write.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	check()
	for _, weaker := range []string{"local", "remote_write", "remote_apply"} {
		set("ALTER DATABASE postgres SET synchronous_commit = " + weaker)
		check() // this server's own disk has it all the same
	}
	set("ALTER DATABASE postgres SET synchronous_commit = off")
	check("synchronous_commit=off")
	set("ALTER DATABASE postgres RESET synchronous_commit")
	check()
	set("ALTER SYSTEM SET fsync = off")
	set("SELECT pg_reload_conf()")
	require.Eventually(t, func() bool {
		db, err := database.Open(t.Context(), s.URL())
		require.NoError(t, err)
		defer db.Close()
		return db.CheckDurable(t.Context()) != nil
	}, time.Minute, 20*time.Millisecond, "while it runs as well")
	check("fsync=off")
}
