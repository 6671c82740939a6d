package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Failure says what a failed statement means for whoever wants to go on.
type Failure string

// The kinds of failure.
const (
	// None: no failure.
	None Failure = ""
	// Repeat: rolled back because of somebody else's transaction; the same again may succeed.
	Repeat Failure = "repeat"
	// Lost: the answer did not arrive; the statement may have been committed.
	Lost Failure = "lost"
	// Duplicate: a unique key is taken.
	Duplicate Failure = "duplicate"
	// Row: one of the rows was refused.
	Row Failure = "row"
	// Down: nothing was executed; the database cannot be used now.
	Down Failure = "down"
)

// Classify tells what an error of a statement means.
func Classify(err error) Failure {
	if err == nil {
		return None
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return classifyPostgres(string(e.Code))
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(e.Code())
	}
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial", errors.Is(err, sql.ErrConnDone):
		return Down
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), op != nil:
		return Lost
	}
	return Down
}

// classifyPostgres reads the SQLSTATE: appendix A of the PostgreSQL manual.
func classifyPostgres(code string) Failure {
	switch {
	case code == "40001", code == "40P01": // serialization failure, deadlock
		return Repeat
	case code == "23505":
		return Duplicate
	case code == "57014", code == "57P01", code == "57P02", code[:2] == "08": // canceled, shut down, connection
		return Lost
	case code[:2] == "22", code[:2] == "23", code == "54000": // data, constraint, too big
		return Row
	}
	return Down
}

func classifySQLite(code int) Failure {
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return Repeat
	case sqlite3.SQLITE_CONSTRAINT:
		if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return Duplicate
		}
		return Row
	case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return Row
	case sqlite3.SQLITE_INTERRUPT:
		return Lost
	}
	return Down
}

// Array makes a slice a Postgres array parameter.
func Array(v any) any { return pq.Array(v) }
