package delivery

import (
	"context"
	"database/sql"
	"time"

	"datapusher/ent/delivery"
)

// These are the statements that change or check who owns deliveries.

func (s *sqlite) overdueRuns(ctx context.Context, grace time.Duration, limit int) ([]overdue, error) {
	return scanOverdue(s.db.Read.QueryContext(ctx, `
SELECT run, count(*) FROM (
  SELECT run FROM deliveries
  WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING') AND lease_until < ?
  ORDER BY lease_until LIMIT ?
) GROUP BY run ORDER BY run`, s.clock().Add(-grace), limit))
}

func (s *sqlite) renew(ctx context.Context, run string, lease time.Duration) error {
	now := s.clock()
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET lease_until = ?2,
  status = CASE WHEN status = 'DELIVERING' THEN 'PENDING' ELSE status END
WHERE run = ?1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING') AND lease_until < ?3`, run, now.Add(lease), now)
	return err
}

func (s *sqlite) move(ctx context.Context, from, to string, ids []string) ([]string, error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	all, err := s.unsettledOf(ctx, tx, from, ids)
	if err != nil {
		return nil, err
	}
	var free []string
	for _, one := range all {
		busy := one.due <= early && one.leased()
		if ids == nil {
			busy = one.status != delivery.StatusRetrying && one.lease > 0
		}
		if !busy {
			free = append(free, one.id)
		}
	}
	moved, err := text(tx.QueryContext(ctx, `
UPDATE deliveries SET run = ?2, lease_until = max(coalesce(next_attempt_at, ''), ?4)
WHERE run = ?1 AND id IN (SELECT value FROM json_each(?3)) RETURNING id`, from, to, list(free), s.clock()))
	if err != nil {
		return nil, err
	}
	return moved, tx.Commit()
}

// The indexes are named because the planner would read the whole history.
func (s *sqlite) backlog(ctx context.Context) (b Backlog, err error) {
	var oldest sql.NullString
	if err = s.db.Read.QueryRowContext(ctx, `
SELECT count(*) FILTER (WHERE status IN ('PENDING', 'DELIVERING')), count(*) FILTER (WHERE status = 'RETRYING'),
  count(*) FILTER (WHERE status = 'PARKED'), min(created_at) FILTER (WHERE status IN ('PENDING', 'DELIVERING'))
FROM (
  SELECT status, created_at FROM deliveries INDEXED BY delivery_lease_unsettled
  WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING')
  UNION ALL
  SELECT status, NULL FROM deliveries INDEXED BY delivery_parked WHERE status = 'PARKED'
)`).
		Scan(&b.Pending, &b.Retrying, &b.Parked, &oldest); err != nil || !oldest.Valid {
		return b, err
	}
	// An aggregate has no column type, so the driver gives the stored text.
	at, err := time.Parse("2006-01-02 15:04:05.999999999-07:00", oldest.String)
	b.OldestPending = s.clock().Sub(at)
	return b, err
}
