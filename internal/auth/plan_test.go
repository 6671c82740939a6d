package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/testutil/dbtest"
)

// plan is a node of what EXPLAIN (ANALYZE, FORMAT JSON) says.
type plan struct {
	Node    string  `json:"Node Type"`
	Rows    float64 `json:"Actual Rows"`
	Removed float64 `json:"Rows Removed by Filter"`
	Loops   float64 `json:"Actual Loops"`
	Plans   []plan
}

// read is how many rows were looked at, and by the way found not to be wanted.
func (p plan) read() float64 {
	n := (p.Rows + p.Removed) * max(p.Loops, 1)
	for _, part := range p.Plans {
		n += part.read()
	}
	return n
}

// A token is found by its prefix and then its account by its id, in a database that
// Postgres has not counted yet, too: as its rows come in, it has not.
func TestATokenIsFoundWithoutWalkingAllAccounts(t *testing.T) {
	t.Parallel()
	db, statements := dbtest.Listen(dbtest.Postgres(t))
	for _, table := range []string{"accounts", "tokens"} {
		_, err := db.Write.Exec("ALTER TABLE " + table + " SET (autovacuum_enabled = off)")
		require.NoError(t, err)
	}
	w := newWorld(t, db)
	secret := auth.NewSecretToken()
	w.token(secret).ExecX(w.ctx)
	_, err := db.Write.Exec(`WITH made AS (
		INSERT INTO accounts (id, name, email, created_at, updated_at)
		SELECT 'acc_' || n, 'n', n || '@example.com', now(), now() FROM generate_series(1, 3000) n RETURNING id
	) INSERT INTO tokens (id, account_id, name, scopes, hash, prefix, created_at)
	SELECT 'tok_' || id, id, 't', '["READ"]', sha256(id::bytea), id, now() FROM made`)
	require.NoError(t, err)

	made := statements.During(func() {
		_, err := w.auth.Authenticate(t.Context(), secret)
		require.NoError(t, err)
	})
	require.Len(t, made, 1)
	_, statement, ok := strings.Cut(made[0], "query=")
	require.True(t, ok, made[0])
	query, arguments, ok := strings.Cut(statement, " args=")
	require.True(t, ok, made[0])
	require.Equal(t, fmt.Sprintf("[%s]", auth.PrefixOf(secret)), arguments)
	var text []byte
	require.NoError(t, db.Read.QueryRow("EXPLAIN (ANALYZE, FORMAT JSON) "+query, auth.PrefixOf(secret)).Scan(&text))
	var explained []struct{ Plan plan }
	require.NoError(t, json.Unmarshal(text, &explained))
	require.LessOrEqual(t, explained[0].Plan.read(), 10.0, "%s", text)
}
