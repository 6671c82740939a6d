package rig

import (
	"context"
	"errors"
	"time"

	"datapusher/faults/check"
	"datapusher/internal/database"
)

// waiting counts the deliveries of events that were accepted up to a time and are
// not settled, but for those of destinations that are lost.
func (r *Rig) waiting(ctx context.Context, until time.Time) (n int, err error) {
	lost := []string{}
	for _, d := range r.Destinations {
		if d.Lost {
			lost = append(lost, d.ID)
		}
	}
	err = r.DB.Read.QueryRowContext(ctx, `
SELECT count(*) FROM deliveries
WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING', 'PARKED') AND created_at <= $1 AND NOT destination_id = ANY($2)`,
		until, database.Array(lost)).Scan(&n)
	return n, err
}

// UnderWay waits until so many deliveries of one event have succeeded and not all.
func (r *Rig) UnderWay(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, restoring)
	defer cancel()
	for {
		var is bool
		err := r.DB.Read.QueryRowContext(ctx, `
SELECT count(*) FILTER (WHERE status = 'SUCCEEDED') >= $1 AND count(*) FILTER (WHERE status = 'PENDING') >= $1
FROM deliveries WHERE event_id = (SELECT max(id) FROM events)`, n).Scan(&is)
		if err == nil && is {
			return nil
		}
		if !pause(ctx, look/10) {
			return errors.Join(errors.New("no event is under way"), err, ctx.Err())
		}
	}
}

// stored reads the database's ledger.
func (r *Rig) stored(ctx context.Context) (events []check.Event, deliveries []check.Delivery, err error) {
	events, err = read(ctx, r.DB, `
SELECT id, account_id, coalesce(idempotency_key, ''), encode(sha256(payload), 'hex'), replay_of IS NOT NULL FROM events ORDER BY id`,
		func(e *check.Event) []any { return []any{&e.ID, &e.Account, &e.Key, &e.Hash, &e.Replay} })
	if err != nil {
		return nil, nil, err
	}
	deliveries, err = read(ctx, r.DB, `
SELECT id, event_id, destination_id, status, attempt_count, coalesce(settled_at, '0001-01-01T00:00:00Z') FROM deliveries ORDER BY id`,
		func(d *check.Delivery) []any {
			return []any{&d.ID, &d.Event, &d.Destination, &d.Status, &d.Attempts, &d.Settled}
		})
	return events, deliveries, err
}

func read[T any](ctx context.Context, db *database.DB, query string, fields func(*T) []any) ([]T, error) {
	rows, err := db.Read.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
