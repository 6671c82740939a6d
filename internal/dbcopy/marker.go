package dbcopy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"datapusher/internal/database"
)

const (
	// marker is the table that stands in a target until its copy is proven. It is no
	// part of the schema: whoever copies makes it, and drops it.
	marker = "unfinished_copy"
	// lock is the advisory lock of the one copy that may go on.
	lock = 0x64706370 // "dpcp"
	// unlockTimeout is how long giving it back may take.
	unlockTimeout = 5 * time.Second
)

// querier asks for one row: a pool, a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Why a copy is refused.
var (
	// ErrUnfinished says that a copy into the database has not come to its end.
	ErrUnfinished = errors.New("a copy into this database has not ended: run `datapusher copy` again, it goes on where it was; " +
		"to do without it, drop the database and make it anew")
	// ErrNotEmpty says that the target has rows of its own.
	ErrNotEmpty = errors.New("the target has rows already")
	// ErrBusy says that another copy is going on.
	ErrBusy = errors.New("another copy into this database is going on")
)

// CheckEnded fails with [ErrUnfinished] where a copy has left a part of the rows
// only: whoever worked with those would send what was sent, and lose what is missing.
func CheckEnded(ctx context.Context, db *database.DB) error {
	if !db.Postgres() {
		return nil
	}
	there, err := unfinished(ctx, db.Read)
	if err == nil && there {
		err = ErrUnfinished
	}
	return err
}

func unfinished(ctx context.Context, db querier) (there bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", marker).Scan(&there)
	return there, err
}

// begin makes sure that this is the only copy, and that the target is empty or was
// begun by one. The lock ends with unlock, or with the process.
func (c *copying) begin(ctx context.Context) (unlock func(), err error) {
	conn, err := c.to.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	var alone bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lock).Scan(&alone); err != nil {
		return nil, err
	}
	if !alone {
		return nil, ErrBusy
	}
	unlock = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lock)
		_ = conn.Close()
	}
	if err := c.mark(ctx, conn); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// mark marks an empty target. A process that starts in the same moment writes the
// check of its keys, and looks for the marker then: either it is seen here, or it
// sees the marker.
func (c *copying) mark(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	resumed, err := unfinished(ctx, tx)
	if err != nil || resumed {
		return err
	}
	if _, err := tx.ExecContext(ctx, "LOCK TABLE key_checks IN EXCLUSIVE MODE"); err != nil {
		return ownerNeeded(err)
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE "+marker+" (since timestamptz NOT NULL DEFAULT now())"); err != nil {
		return ownerNeeded(err)
	}
	var filled []string
	for _, t := range c.tables {
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+quoted(t.name)+")").Scan(&there); err != nil {
			return err
		}
		if there {
			filled = append(filled, t.name)
		}
	}
	if len(filled) > 0 {
		return fmt.Errorf("%w, in %s: copy into a new database, migrated and not used by any process yet. "+
			"Where a copy has ended there before, there is nothing left to do", ErrNotEmpty, strings.Join(filled, ", "))
	}
	return tx.Commit()
}

func ownerNeeded(err error) error {
	return fmt.Errorf("mark the target: %w (copy as the role that migrates: it owns the tables)", err)
}

// end has the planner know the new rows, and lets processes in.
func (c *copying) end(ctx context.Context) error {
	for _, t := range c.tables {
		if _, err := c.to.ExecContext(ctx, "ANALYZE "+quoted(t.name)); err != nil {
			return fmt.Errorf("analyze %s: %w", t.name, err)
		}
	}
	_, err := c.to.ExecContext(ctx, "DROP TABLE "+marker)
	return err
}
