package database

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// OpenForeignSQLite opens another program's SQLite file for reading alone.
func OpenForeignSQLite(ctx context.Context, file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=ro&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s cannot be read as an SQLite database: %w", file, err)
	}
	return db, nil
}
