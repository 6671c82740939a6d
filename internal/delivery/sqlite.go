package delivery

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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

func (s *sqlite) close() {}

func (s *sqlite) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// list makes ids a parameter for json_each.
func list(ids []string) string { return jsonText(ids) }

const selectSQLite = `
SELECT d.id, d.account_id, d.event_id, d.destination_id, d.run, d.status, coalesce(d.reason, ''), d.attempt_count,
  d.schedule_step, coalesce(d.steered, ''), d.created_at, d.parked_at, d.parked_us, d.next_attempt_at, d.lease_until, `

func (s *sqlite) load(ctx context.Context, deliveryID string) (*row, error) {
	return first(s.scan(s.db.Read.QueryContext(ctx, selectSQLite+withContent+`WHERE d.id = ?`, deliveryID)))
}

func (s *sqlite) loadAll(ctx context.Context, ids []string) ([]row, error) {
	return s.scan(s.db.Read.QueryContext(ctx, selectSQLite+withContent+
		`WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id`, list(ids)))
}

func (s *sqlite) loadRun(ctx context.Context, run string, limit int) ([]row, error) {
	return s.scan(s.db.Read.QueryContext(ctx, selectSQLite+withoutContent+
		`WHERE d.run = ? AND d.status IN ('PENDING', 'DELIVERING', 'RETRYING') ORDER BY d.id LIMIT ?`, run, limit))
}

func (s *sqlite) contents(ctx context.Context, events []string) (map[owned]content, error) {
	return scanContents(s.db.Read.QueryContext(ctx, selectContents+`id IN (SELECT value FROM json_each(?))`, list(events)))
}

func (s *sqlite) scan(rows *sql.Rows, err error) ([]row, error) {
	now := s.clock()
	return scan(rows, err, func(rows *sql.Rows, r *row) error {
		var (
			created            time.Time
			parked, due, lease sql.NullTime
			parkedUs           int64
		)
		err := rows.Scan(&r.id, &r.account, &r.event, &r.destination, &r.run, &r.status, &r.reason, &r.attempts,
			&r.step, &r.steered, &created, &parked, &parkedUs, &due, &lease, &r.payload, &r.headers, &r.replay)
		until := now
		if parked.Valid {
			until = parked.Time
		}
		r.age = until.Sub(created) - time.Duration(parkedUs)*time.Microsecond
		if due.Valid {
			r.due = due.Time.Sub(now)
		}
		if lease.Valid {
			r.lease = lease.Time.Sub(now)
		}
		return err
	})
}

// A delivery that was canceled meanwhile, and what is parked: see recordPostgres.
// Both are rare, so they have a way of their own.
const (
	usualSQLite = `
UPDATE deliveries SET status = ?1, reason = nullif(?2, ''), attempt_count = ?3, schedule_step = ?4, steered = NULL,
  next_attempt_at = ?5, lease_until = ?5, settled_at = ?6
WHERE id = ?7 AND account_id = ?8 AND run = ?9 AND attempt_count = ?10 - 1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`
	standsSQLite = `
SELECT status, parked_at FROM deliveries
WHERE id = ? AND account_id = ? AND run = ? AND attempt_count = ? - 1 AND status NOT IN ('SUCCEEDED', 'FAILED')`
	writeSQLite = `
UPDATE deliveries SET status = ?2, reason = nullif(?3, ''), attempt_count = ?4, schedule_step = ?5, steered = NULL,
  next_attempt_at = ?6, lease_until = ?6, settled_at = ?7, parked_at = ?8, parked_us = parked_us + ?9, run = ?10
WHERE id = ?1 AND account_id = ?11`
	writeCanceledSQLite = `UPDATE deliveries SET attempt_count = ?2 WHERE id = ?1 AND account_id = ?3`
	attemptSQLite       = `
INSERT INTO attempts (id, account_id, delivery_id, number, status, error_class, started_at, duration_us,
  response_body, response_truncated, asked_by, dns_us, connect_us, tls_us, first_byte_us, request_headers, response_headers)
VALUES (?, ?, ?, ?, nullif(?, 0), nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func (s *sqlite) record(ctx context.Context, batch []*record) (map[string]delivery.Status, error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	usual, err := tx.PrepareContext(ctx, usualSQLite)
	if err != nil {
		return nil, err
	}
	defer usual.Close()
	attempt, err := tx.PrepareContext(ctx, attemptSQLite)
	if err != nil {
		return nil, err
	}
	defer attempt.Close()
	now, written := s.clock(), make(map[string]delivery.Status, len(batch))
	for _, r := range batch {
		status, err := writeUsual(ctx, usual, r, now)
		if err == nil && status == "" {
			status, err = writeOther(ctx, tx, r, now)
		}
		if err != nil {
			return nil, err
		}
		if status == "" {
			continue
		}
		written[r.row.id] = status
		if r.noTry {
			continue
		}
		if _, err := attempt.ExecContext(ctx, id.AttemptOf(r.row.id, r.number), r.row.account, r.row.id, r.number,
			r.result.Status, string(r.result.Class), r.result.Started.UTC().Truncate(time.Microsecond),
			r.result.Total.Microseconds(), r.result.Body, r.result.BodyTruncated, string(r.asker),
			r.result.DNS.Microseconds(), r.result.Connect.Microseconds(), r.result.TLS.Microseconds(),
			r.result.FirstByte.Microseconds(), r.requestHeaders, r.responseHeaders); err != nil {
			return nil, err
		}
	}
	return written, tx.Commit()
}

// writeUsual changes the delivery of a record that was not parked and is not now;
// "" when it is another, or the owner's no more.
func writeUsual(ctx context.Context, usual *sql.Stmt, r *record, now time.Time) (delivery.Status, error) {
	next, settled, count := sql.NullTime{}, sql.NullTime{Time: now, Valid: true}, r.number
	switch r.decision.Status {
	case delivery.StatusParked:
		return "", nil
	case delivery.StatusRetrying:
		next, settled = sql.NullTime{Time: now.Add(r.decision.After), Valid: true}, sql.NullTime{}
	}
	if r.noTry {
		count--
	}
	res, err := usual.ExecContext(ctx, string(r.decision.Status), r.decision.Reason, count, r.decision.Step, next, settled,
		r.row.id, r.row.account, r.row.run, r.number)
	if err != nil {
		return "", err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return "", err
	}
	return r.decision.Status, nil
}

// writeOther changes the delivery of any record; "" when it is not the owner's any more.
func writeOther(ctx context.Context, tx *sql.Tx, r *record, now time.Time) (status delivery.Status, err error) {
	var parked sql.NullTime
	err = tx.QueryRowContext(ctx, standsSQLite, r.row.id, r.row.account, r.row.run, r.number).Scan(&status, &parked)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	count, to := r.number, r.decision.Status
	if r.noTry {
		count--
	}
	if status == delivery.StatusCanceled && to != delivery.StatusSucceeded {
		_, err = tx.ExecContext(ctx, writeCanceledSQLite, r.row.id, count, r.row.account)
		return status, err
	}
	var (
		next, settled, parkedAt sql.NullTime
		parkedUs                int64
		run                     = r.row.run
	)
	switch to {
	case delivery.StatusRetrying:
		next = sql.NullTime{Time: now.Add(r.decision.After), Valid: true}
	case delivery.StatusParked:
		if parkedAt, run = parked, ""; !parked.Valid {
			parkedAt = sql.NullTime{Time: now, Valid: true}
		}
	default:
		settled = sql.NullTime{Time: now, Valid: true}
	}
	if parked.Valid && to != delivery.StatusParked {
		parkedUs = now.Sub(parked.Time).Microseconds()
	}
	_, err = tx.ExecContext(ctx, writeSQLite, r.row.id, string(to), r.decision.Reason, count, r.decision.Step,
		next, settled, parkedAt, parkedUs, run, r.row.account)
	return to, err
}

func (s *sqlite) settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error {
	at := sql.NullTime{Time: s.clock(), Valid: true}
	settled, parkedAt, to := at, sql.NullTime{}, run
	if status == delivery.StatusParked {
		settled, parkedAt, to = sql.NullTime{}, at, ""
	}
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = ?3, reason = ?4, next_attempt_at = NULL, lease_until = NULL, steered = NULL,
  settled_at = ?5, parked_at = ?6, run = ?7
WHERE id IN (SELECT value FROM json_each(?2)) AND run = ?1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`,
		run, list(ids), string(status), reason, settled, parkedAt, to)
	return err
}

func (s *sqlite) lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error {
	_, err := s.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = ?4, lease_until = ?3
WHERE id IN (SELECT value FROM json_each(?2)) AND run = ?1 AND status IN ('PENDING', 'DELIVERING')`,
		run, list(ids), s.clock().Add(until), string(status))
	return err
}

func (s *sqlite) take(ctx context.Context, run string, ids, without []string, limit int) (taken []row, err error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	all, err := s.unsettledOf(ctx, tx, run, ids)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if len(taken) < limit && one.attempts == 0 && one.due <= early && !one.leased() && !slices.Contains(without, one.account) {
			taken = append(taken, one)
		}
	}
	if err := s.holdTaken(ctx, tx, taken); err != nil {
		return nil, err
	}
	return taken, tx.Commit()
}

// unsettledOf reads unsettled deliveries of a run: those with the ids, or all where ids
// is nil.
func (s *sqlite) unsettledOf(ctx context.Context, tx *sql.Tx, run string, ids []string) ([]row, error) {
	only := sql.NullString{String: list(ids), Valid: ids != nil}
	return s.scan(tx.QueryContext(ctx, selectSQLite+withoutContent+`
WHERE d.run = ?1 AND d.status IN ('PENDING', 'DELIVERING', 'RETRYING')
  AND (?2 IS NULL OR d.id IN (SELECT value FROM json_each(?2))) ORDER BY d.id`, run, only))
}

// holdTaken leases rows, each for as long as its destination may take.
func (s *sqlite) holdTaken(ctx context.Context, tx *sql.Tx, taken []row) error {
	destinations := make([]string, len(taken))
	for i, one := range taken {
		destinations[i] = one.destination
	}
	settings, err := scanSettings(tx.QueryContext(ctx, selectSettings+`id IN (SELECT value FROM json_each(?))`, list(destinations)))
	if err != nil {
		return err
	}
	leases := make(map[string]time.Duration, len(settings))
	for _, d := range settings {
		leases[d.id] = d.timeout + recordTime
	}
	by := map[time.Duration][]string{}
	for i, one := range taken {
		lease := max(Lease, leases[one.destination]) + lookTwice
		taken[i].due, taken[i].lease = 0, lease
		taken[i].status = delivery.StatusPending
		by[lease] = append(by[lease], one.id)
	}
	now := s.clock()
	for lease, ids := range by {
		if _, err := tx.ExecContext(ctx, `
UPDATE deliveries SET next_attempt_at = ?2, lease_until = ?3, status = 'PENDING'
WHERE id IN (SELECT value FROM json_each(?1))`, list(ids), now, now.Add(lease)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlite) destinations(ctx context.Context, ids []string) ([]settings, error) {
	return scanSettings(s.db.Read.QueryContext(ctx, selectSettings+`id IN (SELECT value FROM json_each(?))`, list(ids)))
}
