package database

import (
	"context"
	"database/sql"
)

// Kept is one statement on a connection of its own, where it is prepared once:
// the statements of the hot path are large, and reading and planning one costs
// Postgres as much as a small batch. A lost statement is not repeated behind its
// caller's back on another connection, as database/sql would: whether it took
// effect has to be found out first. It is for one goroutine.
type Kept struct {
	db   *sql.DB
	text string
	conn *sql.Conn
	stmt *sql.Stmt
}

// planned has Postgres plan a kept statement once. Left to itself it would plan
// each batch anew, for the number of its rows, which costs more than a small
// batch does. A plan that is kept must not depend on how small a table was when
// it was made: rows are found through indexes.
const planned = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off`

// Keep makes a statement whose []byte arguments go to the server as they are,
// not as text. Postgres alone knows such.
func (db *DB) Keep(text string) *Kept { return &Kept{db: db.batch, text: text} }

// Query runs the statement. Its error has to be given to [Kept.Failed], and that
// of reading the rows too.
func (k *Kept) Query(ctx context.Context, args ...any) (*sql.Rows, error) {
	if k.conn == nil {
		var err error
		if k.conn, err = k.db.Conn(ctx); err != nil {
			return nil, err
		}
		if _, err = k.conn.ExecContext(ctx, planned); err == nil {
			k.stmt, err = k.conn.PrepareContext(ctx, k.text)
		}
		if err != nil {
			k.Close()
			return nil, err
		}
	}
	return k.stmt.QueryContext(ctx, args...)
}

// Failed has the next statement begin on a fresh connection where this one may
// be broken. It returns err.
func (k *Kept) Failed(err error) error {
	if f := Classify(err); f == Lost || f == Down {
		k.Close()
	}
	return err
}

// Close gives the connection back.
func (k *Kept) Close() {
	if k.stmt != nil {
		_ = k.stmt.Close() // or a connection that is well keeps it in the pool
	}
	if k.conn != nil {
		_ = k.conn.Close()
	}
	k.conn, k.stmt = nil, nil
}
