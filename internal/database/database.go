// Package database opens the two kinds of store, Postgres and SQLite, gives the
// ent client on them, and runs the migrations. No other package knows a driver.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"

	"datapusher/ent"
	_ "datapusher/ent/runtime" // without it the privacy rules are silently off
)

// DB is an open database.
type DB struct {
	// Dialect is dialect.Postgres or dialect.SQLite.
	Dialect string
	// Ent reads and writes through the privacy rules.
	Ent *ent.Client
	// Write takes raw statements that change something. On SQLite it is one
	// connection whose transactions take the write lock as they begin.
	Write *sql.DB
	// Read takes raw queries. On Postgres it is the same pool as Write.
	Read *sql.DB

	batch  *sql.DB // for kept statements; nil on SQLite
	dsn    string  // of Postgres
	driver dialect.Driver
}

// Open opens a database: "postgres://…" or "sqlite:<file>". It does not migrate.
func Open(ctx context.Context, url string) (*DB, error) {
	var (
		db  *DB
		err error
	)
	switch {
	case IsPostgres(url):
		db, err = openPostgres(url)
	case strings.HasPrefix(url, "sqlite:"):
		db, err = openSQLite(strings.TrimPrefix(url, "sqlite:"))
	default:
		return nil, errors.New("the database URL has to begin with postgres:// or sqlite:")
	}
	if err != nil {
		return nil, err
	}
	if err := db.Write.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("the database does not answer: %w", err)
	}
	db.Ent = ent.NewClient(ent.Driver(db.driver))
	return db, nil
}

// IsPostgres reports whether a database URL is one of Postgres.
func IsPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Driver is ent's view of the database, for the schema tools.
func (db *DB) Driver() dialect.Driver { return db.driver }

// Postgres reports whether the database is Postgres.
func (db *DB) Postgres() bool { return db.Dialect == dialect.Postgres }

// Check says whether the database answers now.
func (db *DB) Check(ctx context.Context) error {
	_, err := db.Read.ExecContext(ctx, "SELECT 1")
	return err
}

// Version is what the database says of itself, such as "PostgreSQL 15.18".
func (db *DB) Version(ctx context.Context) (string, error) {
	query, prefix := "SELECT sqlite_version()", "SQLite "
	if db.Postgres() {
		query, prefix = "SHOW server_version", "PostgreSQL "
	}
	var v string
	err := db.Read.QueryRowContext(ctx, query).Scan(&v)
	return prefix + v, err
}

// Close closes all connections.
func (db *DB) Close() error {
	err := db.Write.Close()
	if db.Read != db.Write {
		err = errors.Join(err, db.Read.Close())
	}
	if db.batch != nil {
		err = errors.Join(err, db.batch.Close())
	}
	return err
}
