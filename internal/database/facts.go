package database

import (
	"context"
	"time"
)

// Clock is how the database's clock stands beside ours.
type Clock struct {
	// Ahead is by how much it is ahead, give or take half of RoundTrip; 0 with
	// SQLite, which has none of its own.
	Ahead     time.Duration
	RoundTrip time.Duration
}

// Clock asks the database for the time. now is our clock.
func (db *DB) Clock(ctx context.Context, now func() time.Time) (Clock, error) {
	conn, err := db.Read.Conn(ctx) // so that nothing waits for a connection between the two looks
	if err != nil {
		return Clock{}, err
	}
	defer func() { _ = conn.Close() }()
	began := now()
	if !db.Postgres() {
		_, err := conn.ExecContext(ctx, "SELECT 1")
		return Clock{RoundTrip: now().Sub(began)}, err
	}
	var there time.Time
	if err := conn.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&there); err != nil {
		return Clock{}, err
	}
	trip := now().Sub(began)
	return Clock{Ahead: there.Sub(began.Add(trip / 2)), RoundTrip: trip}, nil
}

// Size is how many bytes the database takes on disk, indexes included.
func (db *DB) Size(ctx context.Context) (int64, error) {
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if db.Postgres() {
		query = "SELECT pg_database_size(current_database())"
	}
	var size int64
	err := db.Read.QueryRowContext(ctx, query).Scan(&size)
	return size, err
}
