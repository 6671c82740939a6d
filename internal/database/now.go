package database

import (
	"context"
	"time"
)

// Now is the database's clock, by which leases end. SQLite has none but this
// machine's.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	if !db.Postgres() {
		return time.Now(), nil
	}
	var now time.Time
	err := db.Read.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, err
}
