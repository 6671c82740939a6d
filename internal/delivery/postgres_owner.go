package delivery

import (
	"context"
	"database/sql"
	"time"

	"datapusher/internal/database"
)

// These are the statements that change or check who owns deliveries.

func (p *postgres) overdueRuns(ctx context.Context, grace time.Duration, limit int) ([]overdue, error) {
	return scanOverdue(p.db.Read.QueryContext(ctx, `
SELECT run, count(*) FROM (
  SELECT run FROM deliveries
  WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING') AND lease_until < now() - $1 * interval '1 second'
  ORDER BY lease_until LIMIT $2
) late GROUP BY run ORDER BY run`, grace.Seconds(), limit))
}

func scanOverdue(rows *sql.Rows, err error) ([]overdue, error) {
	return scan(rows, err, func(rows *sql.Rows, o *overdue) error { return rows.Scan(&o.run, &o.deliveries) })
}

func (p *postgres) renew(ctx context.Context, run string, lease time.Duration) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET lease_until = now() + $2 * interval '1 second',
  status = CASE WHEN status = 'DELIVERING' THEN 'PENDING' ELSE status END
WHERE run = $1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING') AND lease_until < now()`, run, lease.Seconds())
	return err
}

func (p *postgres) move(ctx context.Context, from, to string, ids []string) ([]string, error) {
	return text(p.db.Write.QueryContext(ctx, `
UPDATE deliveries SET run = $2, lease_until = greatest(next_attempt_at, now())
WHERE run = $1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')
  AND (id = ANY($3) AND NOT (next_attempt_at <= now() + $4 * interval '1 second' AND `+leasedPostgres+`) OR $3::text[] IS NULL AND (status = 'RETRYING' OR lease_until <= now()))
RETURNING id`, from, to, database.Array(ids), early.Seconds(), maxLease.Seconds()))
}

func (p *postgres) backlog(ctx context.Context) (b Backlog, err error) {
	var oldest sql.NullFloat64
	err = p.db.Read.QueryRowContext(ctx, `
SELECT count(*) FILTER (WHERE status IN ('PENDING', 'DELIVERING')), count(*) FILTER (WHERE status = 'RETRYING'),
  count(*) FILTER (WHERE status = 'PARKED'),
  extract(epoch FROM now() - min(created_at) FILTER (WHERE status IN ('PENDING', 'DELIVERING')))
FROM deliveries WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING') OR status = 'PARKED'`).
		Scan(&b.Pending, &b.Retrying, &b.Parked, &oldest)
	b.OldestPending = seconds(oldest.Float64)
	return b, err
}
