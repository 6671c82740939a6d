package graph_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/graph"
	"datapusher/internal/testutil/dbtest"
)

// stuck is a database that answers nothing until it is told that nobody waits any
// more.
type stuck struct {
	dialect.Driver
	released chan struct{}
}

func (s stuck) Query(ctx context.Context, _ string, _, _ any) error {
	<-ctx.Done()
	close(s.released)
	return ctx.Err()
}

// An operation that takes too long ends, with its statement.
func TestOperationsEndInTime(t *testing.T) {
	t.Parallel()
	db := *dbtest.SQLite(t)
	s := stuck{db.Driver(), make(chan struct{})}
	db.Ent = ent.NewClient(ent.Driver(s))
	w := newWorld(t, &db, func(o *graph.Options) { o.MaxTime = 30 * time.Millisecond })
	a := w.do(w.admin, t, `{ accounts { totalCount } }`, nil)
	require.Equal(t, "unavailable", a.code(), a.Text)
	require.Equal(t, "the-request", a.Errors[0].Extensions.RequestID)
	require.Contains(t, a.Errors[0].Message, "took too long")
	<-s.released

	// It ends as well when the client goes away.
	s = stuck{db.Driver(), make(chan struct{})}
	db.Ent = ent.NewClient(ent.Driver(s))
	w = newWorld(t, &db)
	ctx, leave := context.WithCancel(w.admin)
	time.AfterFunc(10*time.Millisecond, leave)
	w.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/graphql?query="+url.QueryEscape(`{ accounts { totalCount } }`), nil))
	<-s.released
}

// Postgres is told to give up: nothing goes on there for an answer that nobody
// waits for.
func TestPostgresEndsTheStatementInTime(t *testing.T) {
	t.Parallel()
	db := dbtest.Postgres(t)
	w := newWorld(t, db, func(o *graph.Options) { o.MaxTime = 200 * time.Millisecond })
	ctx := t.Context()
	tx, err := db.Write.BeginTx(ctx, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.ExecContext(ctx, "LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	began := time.Now()
	a := w.do(w.admin, t, `{ accounts { totalCount } }`, nil)
	require.Equal(t, "unavailable", a.code(), a.Text)
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	require.Eventually(t, func() bool { // it has been told, and gives up when it hears of it
		var waiting int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&waiting)
		require.NoError(t, err)
		return waiting == 0
	}, patience, time.Millisecond)
	require.Less(t, time.Since(began), patience)
}
