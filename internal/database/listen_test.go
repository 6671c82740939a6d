package database_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/dbtest"
)

func TestHear(t *testing.T) {
	t.Parallel()
	db := dbtest.Postgres(t)
	heard := make(chan [2]string, 1000)
	stop := db.Hear(func(channel, payload string) { heard <- [2]string{channel, payload} }, "one", "Two.b")
	defer stop()
	say := func(channel, payload string) {
		_, err := db.Write.ExecContext(t.Context(), "SELECT pg_notify($1, $2)", channel, payload)
		require.NoError(t, err)
	}
	hears := func(channel string) {
		t.Helper()
		require.Eventually(t, func() bool {
			say(channel, "x") // what is said before it listens is not heard
			select {
			case got := <-heard:
				return got == [2]string{channel, "x"}
			case <-time.After(20 * time.Millisecond):
				return false
			}
		}, time.Minute, time.Millisecond)
	}
	hears("one")
	hears("Two.b")

	_, err := db.Write.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
	require.NoError(t, err)
	for len(heard) > 0 {
		<-heard
	}
	hears("one") // on a new connection
}

func TestSQLiteIsNotHeard(t *testing.T) {
	t.Parallel()
	dbtest.SQLite(t).Hear(func(string, string) { t.Error("heard") }, "one")()
}
