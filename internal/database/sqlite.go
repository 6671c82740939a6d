package database

import (
	"context"
	"database/sql"
	"net/url"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	_ "modernc.org/sqlite" // the driver "sqlite", without cgo
)

// readers is how many queries may run beside the one writer.
const readers = 4

// openSQLite opens a file, or ":memory:" on one connection.
//
// One writer connection that takes the lock when a transaction begins means
// that a write never fails half way because somebody else came first. WAL lets
// readers go on meanwhile; synchronous=FULL makes a commit durable.
func openSQLite(file string) (*DB, error) {
	write, err := sql.Open("sqlite", sqliteDSN(file, "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read := write
	if file != ":memory:" {
		if read, err = sql.Open("sqlite", sqliteDSN(file, "query_only(1)")); err != nil {
			_ = write.Close()
			return nil, err
		}
		read.SetMaxOpenConns(readers)
		read.SetMaxIdleConns(readers)
	}
	return &DB{
		Dialect: dialect.SQLite, Write: write, Read: read,
		driver: &splitDriver{Driver: entsql.OpenDB(dialect.SQLite, write), read: entsql.OpenDB(dialect.SQLite, read)},
	}, nil
}

func sqliteDSN(file, pragma string) string {
	q := url.Values{
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_pragma": {
			"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "temp_store(MEMORY)",
			"cache_size(-16000)", pragma,
		},
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

// splitDriver sends queries to the readers and everything else to the writer.
type splitDriver struct {
	*entsql.Driver
	read *entsql.Driver
}

// Query implements dialect.Driver. An INSERT … RETURNING is a query as well, so
// the statement decides.
func (d *splitDriver) Query(ctx context.Context, query string, args, v any) error {
	if strings.HasPrefix(query, "SELECT") {
		return d.read.Query(ctx, query, args, v)
	}
	return d.Driver.Query(ctx, query, args, v)
}
