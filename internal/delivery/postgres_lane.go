package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"datapusher/internal/database"
)

// These are the statements of lanes: what parks, and what is taken out of the park.

// inFlight is how near its time a waiting delivery counts as being attempted.
const inFlight = time.Second

func (p *postgres) oldestParked(ctx context.Context, destination, after string, limit int) ([]parked, error) {
	rows, err := p.db.Read.QueryContext(ctx, `
SELECT id, coalesce(extract(epoch FROM lease_until - now()), 0) FROM deliveries
WHERE destination_id = $1 AND status = 'PARKED' AND id > $2 ORDER BY id LIMIT $3`, destination, after, limit)
	return scan(rows, err, func(rows *sql.Rows, d *parked) error {
		var lease float64
		err := rows.Scan(&d.id, &lease)
		d.lease = seconds(lease)
		return err
	})
}

// isParked says so without the words of the partial index, as recordPostgres does:
// the rows are named by their ids.
const isParked = `status NOT IN ('PENDING', 'DELIVERING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELED')`

func (p *postgres) claim(ctx context.Context, run string, ids []string, lease time.Duration) ([]string, error) {
	return sorted(text(p.db.Write.QueryContext(ctx, `
UPDATE deliveries SET run = $1, lease_until = now() + $3 * interval '1 second'
WHERE id = ANY($2) AND `+isParked+` AND (lease_until IS NULL OR lease_until <= now())
RETURNING id`, run, database.Array(ids), lease.Seconds())))
}

func (p *postgres) release(ctx context.Context, run string, ids []string) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET run = '', lease_until = NULL WHERE id = ANY($2) AND `+isParked+` AND run = $1`,
		run, database.Array(ids))
	return err
}

// What is chosen stands in a part of the statement that is executed once: as a
// subquery the planner may execute it for each row, with a new answer each time.
func (p *postgres) parkWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error) {
	return text(p.db.Write.QueryContext(ctx, `
WITH waiting AS MATERIALIZED (
  SELECT id FROM deliveries
  WHERE destination_id = $1 AND status = 'RETRYING' AND steered IS NULL AND next_attempt_at > now() + $4 * interval '1 second'
  ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET status = 'PARKED', reason = $2, run = '', parked_at = now(), next_attempt_at = NULL, lease_until = NULL
FROM waiting w WHERE d.id = w.id
RETURNING d.id`, destination, reason, limit, inFlight.Seconds()))
}

func (p *postgres) cancelWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error) {
	return text(p.db.Write.QueryContext(ctx, `
WITH waiting AS MATERIALIZED (
  (SELECT id FROM deliveries WHERE destination_id = $1 AND status = 'PARKED' LIMIT $3)
  UNION ALL
  (SELECT id FROM deliveries
   WHERE destination_id = $1 AND status = 'RETRYING' AND next_attempt_at > now() + $4 * interval '1 second' LIMIT $3)
)
UPDATE deliveries d SET status = 'CANCELED', reason = $2, steered = NULL, next_attempt_at = NULL, lease_until = NULL,
  parked_at = NULL, settled_at = now()
FROM waiting w WHERE d.id = w.id AND d.status NOT IN ('PENDING', 'DELIVERING', 'SUCCEEDED', 'FAILED', 'CANCELED')
RETURNING d.id`, destination, reason, limit, inFlight.Seconds()))
}

// selectWaking finds what a lost wake would leave lying, by chance where it is
// more than one look wakes. Below is the time as the
// dialect has it, the grace before it, and the moment until which a waiting
// delivery may be in flight.
const selectWaking = `
SELECT s.id FROM destinations s
WHERE CASE
  WHEN s.deleted_at IS NOT NULL THEN
    EXISTS (SELECT 1 FROM deliveries d WHERE d.destination_id = s.id AND d.status = 'PARKED')
    OR EXISTS (SELECT 1 FROM deliveries d WHERE d.destination_id = s.id AND d.status = 'RETRYING' AND d.next_attempt_at > %[3]s)
  WHEN s.state = 'SENDING' THEN
    s.draining OR EXISTS (SELECT 1 FROM deliveries d WHERE d.destination_id = s.id AND d.status = 'PARKED')
  ELSE
    s.state = 'OPEN' AND s.probe_at < %[2]s OR s.state = 'PAUSED' AND s.paused_until < %[1]s
    OR EXISTS (SELECT 1 FROM deliveries d WHERE d.destination_id = s.id AND d.status = 'RETRYING' AND d.steered IS NULL
      AND d.next_attempt_at > %[3]s)
  END
ORDER BY random()`

var wakingPostgres = fmt.Sprintf(selectWaking, `now()`, `now() - $2 * interval '1 second'`, `now() + $3 * interval '1 second'`) + ` LIMIT $1`

func (p *postgres) waking(ctx context.Context, grace time.Duration, limit int) ([]string, error) {
	return text(p.db.Read.QueryContext(ctx, wakingPostgres, limit, grace.Seconds(), inFlight.Seconds()))
}

func (p *postgres) wakingReplays(ctx context.Context, grace time.Duration, limit int) ([]string, error) {
	return text(p.db.Read.QueryContext(ctx, `
SELECT id FROM replays WHERE status = 'RUNNING' AND updated_at < now() - $1 * interval '1 second'
ORDER BY updated_at LIMIT $2`, grace.Seconds(), limit))
}

func sorted(ids []string, err error) ([]string, error) {
	slices.Sort(ids)
	return ids, err
}
