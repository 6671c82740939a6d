package dbtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 2 {
		dbtest.Each(t, func(t *testing.T, db *database.DB) {
			require.NoError(t, db.CheckMigrated(t.Context()))
			var n int
			require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM accounts").Scan(&n))
			require.Zero(t, n, "another test's rows are seen")
			_, err := db.Write.ExecContext(t.Context(),
				"INSERT INTO accounts (id, created_at, updated_at, name, email) VALUES ('acc_1', $1, $1, 'a', 'a@example.com')", "2030-01-01 00:00:00+00:00")
			require.NoError(t, err)
		})
	}
}
