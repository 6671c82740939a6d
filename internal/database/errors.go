package database

import (
	"errors"
	"net"
	"strings"

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
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Down
	}
	// Everything else may have come after the commit: a broken connection, the end
	// of the context, and sql.ErrConnDone too, which a sql.Conn answers when its
	// connection broke under the statement.
	return Lost
}

// classifyPostgres reads the SQLSTATE: appendix A of the PostgreSQL manual.
func classifyPostgres(code string) Failure {
	class := code[:min(2, len(code))]
	switch {
	case code == "40001", code == "40P01": // serialization failure, deadlock
		return Repeat
	case code == "23505":
		return Duplicate
	case code == "57P03": // it is starting or stopping, and did not let us in
		return Down
	case code == "57014", strings.HasPrefix(code, "57P"), class == "08": // canceled, shut down, connection
		return Lost
	case class == "22", class == "23", code == "54000", code == "P0001": // data, constraint, too big, a trigger's refusal
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
	case sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR:
		return Lost
	}
	return Down
}

// lockTimedOut reports whether Postgres gave up waiting for a lock.
func lockTimedOut(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "55P03" // lock_not_available
}

// Array makes a slice a Postgres array parameter.
func Array(v any) any { return pq.Array(v) }
