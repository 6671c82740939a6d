package embedded

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.temporal.io/server/common/config"
	plugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema"
	_ "modernc.org/sqlite" // the driver "sqlite", which the plugin uses too
)

// sqliteSchemas are the server's own, for an empty database.
var sqliteSchemas = []string{"sqlite/v3/temporal/schema.sql", "sqlite/v3/visibility/schema.sql"}

// sqlitePragmas must be named: the plugin sets none. FULL because what the
// server acknowledges has to outlive a power cut.
var sqlitePragmas = map[string]string{
	"busy_timeout": "10000", // milliseconds
	"journal_mode": "wal",
	"synchronous":  "full",
}

// sqliteStore is a SQLite file, or a database in memory.
type sqliteStore struct{ sql config.SQL }

// newMemory is a database of its own in this process's memory. The plugin
// makes its schema, and keeps it for as long as the process lives.
func newMemory() sqliteStore {
	return sqliteStore{config.SQL{
		PluginName:        plugin.PluginName,
		DatabaseName:      "temporal-" + rand.Text(),
		ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
	}}
}

func openSQLite(ctx context.Context, path string) (sqliteStore, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return sqliteStore{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return sqliteStore{}, err
	}
	// Made here so that nobody else can read it; SQLite gives its companions the same mode.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the operator names the data directory
	if err != nil {
		return sqliteStore{}, err
	}
	if err := file.Close(); err != nil {
		return sqliteStore{}, err
	}

	// The plugin puts the name into a URI as it is.
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	attributes := map[string]string{"mode": "rw"}
	pragmas := url.Values{}
	for pragma, value := range sqlitePragmas {
		attributes[pragma] = value
		pragmas.Add("_pragma", pragma+"="+value)
	}
	if err := createSQLiteSchema(ctx, "file:"+name+"?"+pragmas.Encode()); err != nil {
		return sqliteStore{}, fmt.Errorf("%s: %w", path, err)
	}
	return sqliteStore{config.SQL{PluginName: plugin.PluginName, DatabaseName: name, ConnectAttributes: attributes}}, nil
}

// createSQLiteSchema makes the tables of an empty file, all or none: the plugin
// can do so too, but takes a file that a crash left half made for a finished one.
func createSQLiteSchema(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit

	var tables int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return nil
	}
	for _, name := range sqliteSchemas {
		statements, err := fs.ReadFile(schema.Assets(), name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return tx.Commit()
}

func (s sqliteStore) name() string            { return "sqlite" }
func (s sqliteStore) main() *config.SQL       { return &s.sql }
func (s sqliteStore) visibility() *config.SQL { return &s.sql }

// shards: SQLite has one writer, so more of them would wait for each other.
func (s sqliteStore) shards() int32 { return 1 }

// close moves the write-ahead log into the file, so that the file alone is the
// whole state. The plugin itself never closes its connection.
func (s sqliteStore) close() error {
	if s.sql.ConnectAttributes["mode"] == "memory" {
		return nil
	}
	db, err := sql.Open("sqlite", "file:"+s.sql.DatabaseName+"?_pragma=busy_timeout=1000")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)") // the end is not to be cut short
	return errors.Join(err, db.Close())
}
