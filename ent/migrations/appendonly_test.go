package migrations_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// TestTheAuditLogIsOnlyAddedTo, whatever the program says: the database refuses it
// to everybody, the owner of the table included. A migration that makes the table
// anew, as those of SQLite do, loses its triggers; here that is seen.
func TestTheAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	const insert = `(id, subject_id, kind, actor, created_at) VALUES ('act_1', 'dst_1', 'PAUSE', 'admin', '2030-01-31 12:00:00+00:00')`
	refused := map[string]string{
		"update":        `UPDATE actions SET actor = 'nobody'`,
		"update of one": `UPDATE actions SET reason = NULL WHERE id = 'act_1'`,
		"of its id":     `UPDATE actions SET id = 'act_2'`,
		"delete":        `DELETE FROM actions`,
		"upsert":        `INSERT INTO actions ` + insert + ` ON CONFLICT (id) DO UPDATE SET actor = 'nobody'`,
	}
	dialects := map[string]map[string]string{
		"sqlite":   {"replace": `REPLACE INTO actions ` + insert},
		"postgres": {"truncate": `TRUNCATE actions`, "truncate with others": `TRUNCATE actions, attempts CASCADE`},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		_, err := db.Write.ExecContext(t.Context(), `INSERT INTO actions `+insert)
		require.NoError(t, err)
		name := "sqlite"
		if db.Postgres() {
			name = "postgres"
		}
		for _, statements := range []map[string]string{refused, dialects[name]} {
			for what, statement := range statements {
				_, err := db.Write.ExecContext(t.Context(), statement)
				require.ErrorContains(t, err, "the audit log is only added to", what)
			}
		}
		var actor string
		require.NoError(t, db.Read.QueryRowContext(t.Context(), `SELECT actor FROM actions`).Scan(&actor))
		require.Equal(t, "admin", actor)
	})
}
