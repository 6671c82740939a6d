package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
)

// sqlite is the store on SQLite. There is one process, so its clock will do.
type sqlite struct {
	db  *database.DB
	now func() time.Time
}

func (s *sqlite) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// list makes ids a parameter for json_each.
func list(ids []string) string {
	b, _ := json.Marshal(ids) // strings cannot fail
	return string(b)
}

const selectSQLite = `
SELECT d.id, d.account_id, d.event_id, d.destination_id, d.run, d.status, coalesce(d.reason, ''), d.attempt_count,
  d.next_attempt_at, d.lease_until, `

func (s *sqlite) load(ctx context.Context, deliveryID string) (*row, error) {
	return first(s.scan(s.db.Read.QueryContext(ctx, selectSQLite+`e.payload
FROM deliveries d LEFT JOIN events e ON e.id = d.event_id AND e.account_id = d.account_id WHERE d.id = ?`, deliveryID)))
}

func (s *sqlite) loadRun(ctx context.Context, run string, limit int) ([]row, error) {
	return s.scan(s.db.Read.QueryContext(ctx, selectSQLite+`NULL
FROM deliveries d WHERE d.run = ? AND d.status IN ('PENDING', 'DELIVERING', 'RETRYING') ORDER BY d.id LIMIT ?`, run, limit))
}

func (s *sqlite) payloads(ctx context.Context, events []string) (map[string][]byte, error) {
	return scanPayloads(s.db.Read.QueryContext(ctx,
		`SELECT id, payload FROM events WHERE id IN (SELECT value FROM json_each(?))`, list(events)))
}

func (s *sqlite) scan(rows *sql.Rows, err error) ([]row, error) {
	now := s.clock()
	return scan(rows, err, func(rows *sql.Rows, r *row) error {
		var due, lease sql.NullTime
		err := rows.Scan(&r.id, &r.account, &r.event, &r.destination, &r.run, &r.status, &r.reason, &r.attempts,
			&due, &lease, &r.payload)
		if due.Valid {
			r.due = due.Time.Sub(now)
		}
		if lease.Valid {
			r.lease = lease.Time.Sub(now)
		}
		return err
	})
}

const (
	writeSQLite = `
UPDATE deliveries SET status = ?1, reason = nullif(?2, ''), attempt_count = ?3, next_attempt_at = ?4, lease_until = ?4,
  settled_at = ?5
WHERE id = ?6 AND account_id = ?7 AND run = ?8 AND attempt_count = ?9 - 1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`
	attemptSQLite = `
INSERT INTO attempts (id, account_id, delivery_id, number, status, error_class, started_at, duration_us,
  response_body, response_truncated)
VALUES (?, ?, ?, ?, nullif(?, 0), nullif(?, ''), ?, ?, ?, ?)`
)

func (s *sqlite) record(ctx context.Context, batch []*record) (map[string]bool, error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	write, err := tx.PrepareContext(ctx, writeSQLite)
	if err != nil {
		return nil, err
	}
	defer write.Close()
	attempt, err := tx.PrepareContext(ctx, attemptSQLite)
	if err != nil {
		return nil, err
	}
	defer attempt.Close()
	now, written := s.clock(), make(map[string]bool, len(batch))
	for _, r := range batch {
		next, settled, count := sql.NullTime{}, sql.NullTime{Time: now, Valid: true}, r.number
		if r.decision.Status == delivery.StatusRetrying {
			next, settled = sql.NullTime{Time: now.Add(r.decision.After), Valid: true}, sql.NullTime{}
		}
		if r.noTry {
			count--
		}
		res, err := write.ExecContext(ctx, string(r.decision.Status), r.decision.Reason, count, next, settled,
			r.row.id, r.row.account, r.row.run, r.number)
		if err != nil {
			return nil, err
		}
		if n, _ := res.RowsAffected(); n == 0 {
			continue
		}
		written[r.row.id] = true
		if r.noTry {
			continue
		}
		if _, err := attempt.ExecContext(ctx, id.AttemptOf(r.row.id, r.number), r.row.account, r.row.id, r.number,
			r.result.Status, string(r.result.Class), r.result.Started.UTC().Truncate(time.Microsecond),
			r.result.Total.Microseconds(), r.result.Body, r.result.BodyTruncated); err != nil {
			return nil, err
		}
	}
	return written, tx.Commit()
}

func (s *sqlite) settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error {
	settled := sql.NullTime{Time: s.clock(), Valid: status != delivery.StatusParked}
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = ?3, reason = ?4, next_attempt_at = NULL, lease_until = NULL, settled_at = ?5
WHERE id IN (SELECT value FROM json_each(?2)) AND run = ?1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`,
		run, list(ids), string(status), reason, settled)
	return err
}

func (s *sqlite) lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error {
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = ?4, lease_until = ?3
WHERE id IN (SELECT value FROM json_each(?2)) AND run = ?1 AND status IN ('PENDING', 'DELIVERING')`,
		run, list(ids), s.clock().Add(until), string(status))
	return err
}

func (s *sqlite) destinations(ctx context.Context, ids []string) ([]settings, error) {
	return scanSettings(s.db.Read.QueryContext(ctx, selectSettings+`id IN (SELECT value FROM json_each(?))`, list(ids)))
}
