package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"datapusher/ent"
)

// ErrInUse says that another process has the file open.
var ErrInUse = errors.New("another process has the database open")

// OpenAlone opens an SQLite database for reading that no other process has open, and
// keeps others out until it is closed. It fails with [ErrInUse]. What a process has
// left in the write-ahead log that was killed is read as well.
//
// A process that works with the file holds a lock on it for as long as it has a
// connection, even if that does nothing; this takes the lock for itself.
func OpenAlone(ctx context.Context, raw string) (*DB, error) {
	file, found := strings.CutPrefix(raw, "sqlite:")
	if !found {
		return nil, errors.New("the database URL has to begin with sqlite:")
	}
	if _, err := os.Stat(file); err != nil { // SQLite would make it
		return nil, err
	}
	q := url.Values{
		"_time_format": {"sqlite"},
		// The file is in WAL mode. To ask for that would look at it before the driver,
		// which sorts these, has asked for the lock.
		"_pragma": {"busy_timeout(1000)", "locking_mode(EXCLUSIVE)", "query_only(1)"},
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1) // the lock is the connection's
	pool.SetMaxIdleConns(1)
	var tables int
	err = pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables)
	if err != nil {
		_ = pool.Close()
		if Classify(err) == Repeat {
			return nil, fmt.Errorf("%s: %w", file, ErrInUse)
		}
		return nil, fmt.Errorf("%s cannot be read as an SQLite database: %w", file, err)
	}
	db := &DB{Dialect: dialect.SQLite, Write: pool, Read: pool, driver: entsql.OpenDB(dialect.SQLite, pool)}
	db.Ent = ent.NewClient(ent.Driver(db.driver))
	return db, nil
}
