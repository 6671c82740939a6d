package embedded

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.temporal.io/server/common/config"
	plugin "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
)

// Connections per database and service. All four services connect to both
// databases, so the sum stays well below Postgres's default of 100.
const (
	mainConnections       = 12
	visibilityConnections = 4
)

// longestName is how many bytes of a name Postgres keeps. It drops the rest in
// silence, which could make one database of two.
const longestName = 63

// postgresStore is two databases of one Postgres server.
type postgresStore struct{ mainDB, visibilityDB config.SQL }

func openPostgres(ctx context.Context, where string, logger logger) (postgresStore, error) {
	at, err := url.Parse(where)
	if err != nil {
		// Not err itself: it repeats the URL, password included.
		return postgresStore{}, errors.New("the postgres URL cannot be parsed")
	}
	name := strings.TrimPrefix(at.Path, "/")
	if name == "" {
		return postgresStore{}, errors.New("the postgres URL names no database")
	}
	if len(name) > longestName {
		return postgresStore{}, fmt.Errorf("the name of the database has more than %d bytes", longestName)
	}
	// An explicit mode: the driver's default differs from that of other clients.
	if query := at.Query(); !query.Has("sslmode") {
		query.Set("sslmode", "prefer")
		at.RawQuery = query.Encode()
	}
	s := postgresStore{
		mainDB:       postgresConfig(*at, name, mainConnections),
		visibilityDB: postgresConfig(*at, visibilityName(name), visibilityConnections),
	}
	for _, part := range []struct {
		sql     *config.SQL
		schema  string
		version string
	}{
		{&s.mainDB, mainSchema, mainSchemaVersion},
		{&s.visibilityDB, visibilitySchema, visibilitySchemaVersion},
	} {
		if err := ensureDatabase(ctx, *at, part.sql.DatabaseName); err != nil {
			return postgresStore{}, fmt.Errorf("database %s: %w", part.sql.DatabaseName, err)
		}
		if err := ensureSchema(ctx, part.sql, part.schema, part.version, logger); err != nil {
			return postgresStore{}, fmt.Errorf("schema of database %s: %w", part.sql.DatabaseName, err)
		}
	}
	return s, nil
}

// visibilityName names the second database: <name>_visibility, or, where that is
// too long, the beginning of the name with a digest of the whole.
func visibilityName(name string) string {
	const suffix = "_visibility"
	if len(name)+len(suffix) > longestName {
		digest := fmt.Sprintf("_%.4x", sha256.Sum256([]byte(name)))
		name = strings.ToValidUTF8(name[:longestName-len(suffix)-len(digest)], "") + digest
	}
	return name + suffix
}

// postgresConfig connects by a function, for the URL that the server would
// build of its parts loses some of what a URL can say.
func postgresConfig(at url.URL, database string, connections int) config.SQL {
	at.Path, at.RawPath = "/"+database, ""
	dsn := at.String()
	return config.SQL{
		PluginName:   plugin.PluginName,
		DatabaseName: database,
		ConnectAddr:  at.Host,
		Connect: func(*config.SQL) (*sqlx.DB, error) {
			db, err := sqlx.Connect("postgres", dsn)
			if err != nil {
				return nil, err
			}
			db.SetMaxOpenConns(connections)
			db.SetMaxIdleConns(connections)
			db.SetConnMaxLifetime(time.Hour)
			db.MapperFunc(strcase.ToSnake) // how the server's rows name their columns
			return db, nil
		},
	}
}

// ensureDatabase creates a database unless it exists.
func ensureDatabase(ctx context.Context, at url.URL, name string) error {
	err := onDatabase(ctx, at, name, func(db *sql.DB) error { return db.PingContext(ctx) })
	if !isPostgres(err, "invalid_catalog_name") {
		return err
	}
	return onDatabase(ctx, at, "postgres", func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name))
		if isPostgres(err, "duplicate_database") || isPostgres(err, "unique_violation") {
			return nil // somebody else was faster
		}
		return err
	})
}

func onDatabase(ctx context.Context, at url.URL, name string, do func(*sql.DB) error) error {
	at.Path, at.RawPath = "/"+name, ""
	db, err := sql.Open("postgres", at.String())
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

func isPostgres(err error, condition string) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code.Name() == condition
}

func (s postgresStore) name() string            { return "postgres" }
func (s postgresStore) main() *config.SQL       { return &s.mainDB }
func (s postgresStore) visibility() *config.SQL { return &s.visibilityDB }

// shards: each writes on its own; a few keep the cores of one machine busy.
func (s postgresStore) shards() int32 { return 4 }

func (s postgresStore) close() error { return nil }
