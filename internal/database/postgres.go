package database

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"
)

const (
	// maxConnections of one process. The reconciler, the lanes and the queries of
	// GraphQL share them; a bigger pool only moves the queue into the server.
	maxConnections = 20
	// maxKept are those on top for kept statements: of the committers and the
	// recorder, and as many for statements that begin anew.
	maxKept = 8
)

func openPostgres(raw string) (*DB, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the database URL cannot be read: write it as postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	q := u.Query()
	setDefault(q, "sslmode", "require")
	setDefault(q, "connect_timeout", "5")
	setDefault(q, "application_name", "datapusher")
	setDefault(q, "timezone", "UTC")
	setDefault(q, "jit", "off") // compiling takes longer than any of these queries
	db, err := pool(u, q, maxConnections)
	if err != nil {
		return nil, err
	}
	dsn := u.String()
	// As text a byte takes two, and reading arrays of them was a tenth of what a
	// commit cost the server. Not for everybody: a jsonb argument has to be text.
	q.Set("binary_parameters", "yes")
	batch, err := pool(u, q, maxKept)
	if err != nil {
		return nil, err
	}
	return &DB{
		Dialect: dialect.Postgres, Write: db, Read: db, batch: batch, dsn: dsn,
		driver: entsql.OpenDB(dialect.Postgres, db),
	}, nil
}

func pool(u *url.URL, q url.Values, connections int) (*sql.DB, error) {
	u.RawQuery = q.Encode()
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("the database URL: %w", err)
	}
	connector.Dialer(newDialer())
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

func setDefault(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}
