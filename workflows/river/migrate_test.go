package river_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
	"datapusher/workflows"
	"datapusher/workflows/river"
)

func TestMigrations(t *testing.T) {
	t.Parallel()
	db := dial(t, pgtest.URL(t))
	engine := engineOn(t, db, nil)
	require.ErrorContains(t, river.CheckMigrated(t.Context(), db), "datapusher migrate up --engine=river")
	require.ErrorContains(t, engine.Check(t.Context()), "are pending")
	all, err := river.Migrations(t.Context(), db)
	require.NoError(t, err)
	for _, m := range all {
		require.False(t, m.Applied)
	}

	done, err := river.Migrate(t.Context(), db)
	require.NoError(t, err)
	require.Len(t, done, len(all))
	require.NotEmpty(t, done)
	require.NoError(t, river.CheckMigrated(t.Context(), db))
	require.NoError(t, engine.Check(t.Context()))

	done, err = river.Migrate(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, done, "a second time")

	var elsewhere int
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT count(*) FROM pg_tables WHERE tablename LIKE 'river%' AND schemaname <> 'river'").Scan(&elsewhere))
	require.Zero(t, elsewhere, "River's tables are among ours")
}

func TestSeveralMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	at := pgtest.URL(t)
	db := dial(t, at)
	holder, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = holder.Close() }()
	_, err = holder.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", river.MigrationLock)
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		one := dial(t, at)
		all.Go(func() { _, errs[i] = river.Migrate(t.Context(), one) })
	}
	// Of another one that migrates they all wait for the end.
	require.Eventually(t, func() bool {
		var waiting int
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks
			WHERE locktype = 'advisory' AND NOT granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting))
		return waiting == len(errs)
	}, 30*time.Second, 20*time.Millisecond, "they do not wait")
	_, err = holder.ExecContext(t.Context(), "SELECT pg_advisory_unlock($1)", river.MigrationLock)
	require.NoError(t, err)
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.NoError(t, river.CheckMigrated(t.Context(), db))
}

// TestTheRoleThatServesOwnsNothing: what is granted suffices for all that an
// engine does, the maintenance of River included.
func TestTheRoleThatServesOwnsNothing(t *testing.T) {
	t.Parallel()
	at := migrated(t)
	owner, err := database.Open(t.Context(), at)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close() })
	role := "app_" + strings.ToLower(rand.Text()[:10])
	_, err = owner.Write.ExecContext(t.Context(), "CREATE ROLE "+role+" LOGIN")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := owner.Write.ExecContext(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role)
		require.NoError(t, err)
	})
	u, err := url.Parse(at)
	require.NoError(t, err)
	u.User = url.User(role)
	db := dial(t, u.String())
	require.Error(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "event/0"}), "nothing is granted yet")

	require.NoError(t, owner.GrantSchema(t.Context(), role, river.Schema))
	require.NoError(t, engineOn(t, db, nil).Dispatch(t.Context(), workflows.Run{ID: "event/old"}))
	_, err = db.ExecContext(t.Context(), "UPDATE river.river_job SET state = 'completed', finalized_at = now() - interval '61 minutes'")
	require.NoError(t, err)
	c := &core{stepped: make(chan string, 1)}
	work(t, engineOn(t, db, c))
	require.NoError(t, engineOn(t, db, nil).Wake(t.Context(), "destination/dst_1"))
	require.Equal(t, "destination/dst_1", <-c.stepped)
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM river.river_job WHERE args->>'run' = 'event/old'").Scan(&n))
		return n == 0
	}, time.Minute, 100*time.Millisecond, "what has ended is not deleted")
	_, err = db.ExecContext(t.Context(), "DROP TABLE river.river_job")
	require.Error(t, err)
}
