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

// maxConnections of one process. Two committers, the recorder, the reconciler
// and the queries of GraphQL share them; a bigger pool only moves the queue into
// the server.
const maxConnections = 20

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
	u.RawQuery = q.Encode()
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("the database URL: %w", err)
	}
	connector.Dialer(newDialer())
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{
		Dialect: dialect.Postgres, Write: db, Read: db,
		driver: entsql.OpenDB(dialect.Postgres, db),
	}, nil
}

func setDefault(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}
