// Package dbcopy moves an installation from SQLite to Postgres: every row of every
// table of the schema as it is, and proves at the end that both sides are the same.
//
// Rows go in the order of their ids, a batch of them in a transaction. So the largest
// id of a table says how far it is, and a copy that was killed goes on from there. The
// table unfinished_copy stands in the target until everything is proven; no process
// works on a database that has it.
package dbcopy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"datapusher/internal/database"
)

// full is when a batch is: with so many rows or bytes, whichever comes first.
type full struct{ rows, bytes int }

// usual bounds what is in memory, and what has to be copied again after a kill.
var usual = full{rows: 1000, bytes: 4 << 20}

// Progress is how far a table is.
type Progress struct {
	Table string
	Stage Stage
	Done  int // rows, those of a call before included
	Total int // rows of the table in the source
}

// Stage is what is being done with a table.
type Stage string

// The stages, in their order.
const (
	Copying  Stage = "copying"
	Checking Stage = "checking"
)

// Table is what became of one table.
type Table struct {
	Name   string `json:"table"`
	Rows   int    `json:"rows"`   // in the source
	Copied int    `json:"copied"` // by this call; the others were there from one that was interrupted
	// The SHA-256 of all values, in the order of the ids, in hexadecimal.
	Source string `json:"source_sha256"`
	Target string `json:"target_sha256"`
}

// Copy brings what an SQLite database holds to a Postgres database, both of the
// current schema, and compares them. Nobody else may change the source meanwhile
// ([database.OpenAlone]). The target has to be empty, or filled by a call that was
// interrupted, which this one goes on with. tell is told after each batch, and may be
// nil. The tables are returned also with an error, as far as they are compared.
//
// When it has succeeded the target is in use by nobody yet, and processes may start.
func Copy(ctx context.Context, from, to *database.DB, tell func(Progress)) ([]Table, error) {
	return copyBatches(ctx, from, to, usual, tell)
}

func copyBatches(ctx context.Context, from, to *database.DB, batch full, tell func(Progress)) ([]Table, error) {
	if from.Postgres() || !to.Postgres() {
		return nil, errors.New("a copy goes from SQLite to Postgres")
	}
	all, err := tables()
	if err != nil {
		return nil, err
	}
	if tell == nil {
		tell = func(Progress) {}
	}
	c := &copying{from: from.Read, to: to.Write, tables: all, batch: batch, tell: tell}
	unlock, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return c.run(ctx)
}

// copying is one call of [Copy].
type copying struct {
	from, to *sql.DB
	tables   []table
	batch    full
	tell     func(Progress)
}

func (c *copying) run(ctx context.Context) ([]Table, error) {
	done := make([]Table, len(c.tables))
	for i, t := range c.tables {
		var err error
		if done[i], err = c.copyTable(ctx, t); err != nil {
			return nil, err
		}
	}
	for i, t := range c.tables {
		if err := c.compare(ctx, t, &done[i]); err != nil {
			return done[:i+1], err
		}
	}
	return done, c.end(ctx)
}

// copyTable copies what the target has not.
func (c *copying) copyTable(ctx context.Context, t table) (Table, error) {
	done := Table{Name: t.name}
	if err := c.from.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted(t.name)).Scan(&done.Rows); err != nil {
		return done, fmt.Errorf("count %s: %w", t.name, err)
	}
	var (
		there int
		last  string
	)
	if err := c.to.QueryRowContext(ctx, "SELECT count(*), coalesce(max(id), '') FROM "+quoted(t.name)).Scan(&there, &last); err != nil {
		return done, fmt.Errorf("look how far %s is: %w", t.name, err)
	}
	var (
		batch []row
		size  int
	)
	flush := func() error {
		if err := c.insert(ctx, t, batch); err != nil {
			return fmt.Errorf("copy %s, %q to %q: %w", t.name, batch[0].id, batch[len(batch)-1].id, err)
		}
		done.Copied += len(batch)
		clear(batch)
		batch, size = batch[:0], 0
		c.tell(Progress{Table: t.name, Stage: Copying, Done: there + done.Copied, Total: done.Rows})
		return ctx.Err()
	}
	for r, err := range t.rows(ctx, c.from, last) {
		if err != nil {
			return done, err
		}
		batch, size = append(batch, r), size+r.size
		if len(batch) >= c.batch.rows || size >= c.batch.bytes {
			if err := flush(); err != nil {
				return done, err
			}
		}
	}
	if len(batch) > 0 {
		return done, flush()
	}
	return done, nil
}

// insert writes a batch in one transaction: it is there as a whole or not at all.
func (c *copying) insert(ctx context.Context, t table, batch []row) error {
	tx, err := c.to.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	// COPY is many times faster than INSERT, whose rows are checked and planned for
	// one by one.
	stream, err := tx.PrepareContext(ctx, "COPY "+quoted(t.name)+" ("+t.names()+") FROM STDIN")
	if err != nil {
		return err
	}
	defer stream.Close()
	for _, r := range batch {
		if _, err := stream.ExecContext(ctx, r.values...); err != nil {
			return err
		}
	}
	if _, err := stream.ExecContext(ctx); err != nil { // its end
		return err
	}
	return tx.Commit()
}
