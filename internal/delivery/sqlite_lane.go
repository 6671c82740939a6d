package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

func (s *sqlite) oldestParked(ctx context.Context, destination, after string, limit int) ([]parked, error) {
	now := s.clock()
	rows, err := s.db.Read.QueryContext(ctx, `
SELECT id, lease_until FROM deliveries
WHERE destination_id = ? AND status = 'PARKED' AND id > ? ORDER BY id LIMIT ?`, destination, after, limit)
	return scan(rows, err, func(rows *sql.Rows, d *parked) error {
		var lease sql.NullTime
		err := rows.Scan(&d.id, &lease)
		if lease.Valid {
			d.lease = lease.Time.Sub(now)
		}
		return err
	})
}

func (s *sqlite) claim(ctx context.Context, run string, ids []string, lease time.Duration) ([]string, error) {
	now := s.clock()
	return sorted(text(s.db.Write.QueryContext(ctx, `
UPDATE deliveries SET run = ?1, lease_until = ?3
WHERE id IN (SELECT value FROM json_each(?2)) AND status = 'PARKED' AND (lease_until IS NULL OR lease_until <= ?4)
RETURNING id`, run, list(ids), now.Add(lease), now)))
}

func (s *sqlite) release(ctx context.Context, run string, ids []string) error {
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET run = '', lease_until = NULL
WHERE id IN (SELECT value FROM json_each(?2)) AND status = 'PARKED' AND run = ?1`, run, list(ids))
	return err
}

func (s *sqlite) parkWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error) {
	now := s.clock()
	return text(s.db.Write.QueryContext(ctx, `
UPDATE deliveries SET status = 'PARKED', reason = ?2, run = '', parked_at = ?4, next_attempt_at = NULL, lease_until = NULL
WHERE id IN (
  SELECT id FROM deliveries
  WHERE destination_id = ?1 AND status = 'RETRYING' AND steered IS NULL AND next_attempt_at > ?5 ORDER BY id LIMIT ?3
)
RETURNING id`, destination, reason, limit, now, now.Add(inFlight)))
}

func (s *sqlite) cancelWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error) {
	now := s.clock()
	return text(s.db.Write.QueryContext(ctx, `
UPDATE deliveries SET status = 'CANCELED', reason = ?2, steered = NULL, next_attempt_at = NULL, lease_until = NULL,
  parked_at = NULL, settled_at = ?4
WHERE id IN (
  SELECT id FROM (SELECT id FROM deliveries WHERE destination_id = ?1 AND status = 'PARKED' LIMIT ?3)
  UNION ALL
  SELECT id FROM (SELECT id FROM deliveries WHERE destination_id = ?1 AND status = 'RETRYING' AND next_attempt_at > ?5 LIMIT ?3)
)
RETURNING id`, destination, reason, limit, now, now.Add(inFlight)))
}

var wakingSQLite = fmt.Sprintf(selectWaking, `?2`, `?3`, `?4`) + ` LIMIT ?1`

func (s *sqlite) waking(ctx context.Context, grace time.Duration, limit int) ([]string, error) {
	now := s.clock()
	return text(s.db.Read.QueryContext(ctx, wakingSQLite, limit, now, now.Add(-grace), now.Add(inFlight)))
}

func (s *sqlite) wakingReplays(ctx context.Context, grace time.Duration, limit int) ([]string, error) {
	return text(s.db.Read.QueryContext(ctx, `
SELECT id FROM replays WHERE status = 'RUNNING' AND updated_at < ? ORDER BY updated_at LIMIT ?`,
		s.clock().Add(-grace), limit))
}
