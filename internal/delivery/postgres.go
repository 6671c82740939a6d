package delivery

import (
	"context"
	"database/sql"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
)

// postgres is the store on Postgres. Times are the server's: processes whose
// clocks differ agree on when something is due.
type postgres struct{ db *database.DB }

const selectPostgres = `
SELECT d.id, d.account_id, d.event_id, d.destination_id, d.run, d.status, coalesce(d.reason, ''), d.attempt_count,
  coalesce(extract(epoch FROM d.next_attempt_at - now()), 0), coalesce(extract(epoch FROM d.lease_until - now()), 0), `

func (p *postgres) load(ctx context.Context, deliveryID string) (*row, error) {
	return first(scanPostgres(p.db.Read.QueryContext(ctx, selectPostgres+`e.payload
FROM deliveries d LEFT JOIN events e ON e.id = d.event_id AND e.account_id = d.account_id WHERE d.id = $1`, deliveryID)))
}

func (p *postgres) loadRun(ctx context.Context, run string, limit int) ([]row, error) {
	return scanPostgres(p.db.Read.QueryContext(ctx, selectPostgres+`NULL::bytea
FROM deliveries d WHERE d.run = $1 AND d.status IN ('PENDING', 'DELIVERING', 'RETRYING') ORDER BY d.id LIMIT $2`, run, limit))
}

func (p *postgres) payloads(ctx context.Context, events []string) (map[string][]byte, error) {
	return scanPayloads(p.db.Read.QueryContext(ctx, `SELECT id, payload FROM events WHERE id = ANY($1)`, database.Array(events)))
}

func scanPayloads(rows *sql.Rows, err error) (map[string][]byte, error) {
	type event struct {
		id      string
		payload []byte
	}
	all, err := scan(rows, err, func(rows *sql.Rows, e *event) error { return rows.Scan(&e.id, &e.payload) })
	found := make(map[string][]byte, len(all))
	for _, e := range all {
		found[e.id] = e.payload
	}
	return found, err
}

func scanPostgres(rows *sql.Rows, err error) ([]row, error) {
	return scan(rows, err, func(rows *sql.Rows, r *row) error {
		var due, lease float64
		err := rows.Scan(&r.id, &r.account, &r.event, &r.destination, &r.run, &r.status, &r.reason, &r.attempts,
			&due, &lease, &r.payload)
		r.due, r.lease = seconds(due), seconds(lease)
		return err
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// scan reads all rows with one function for each.
func scan[T any](rows *sql.Rows, err error, one func(*sql.Rows, *T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := one(rows, &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func first[T any](all []T, err error) (*T, error) {
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// text reads rows of one text column.
func text(rows *sql.Rows, err error) ([]string, error) {
	return scan(rows, err, func(rows *sql.Rows, s *string) error { return rows.Scan(s) })
}

// The states are named by what they are not: by what they are, the planner might
// take them for the condition of a partial index and read all that is unsettled,
// however few results there are.
const recordPostgres = `
WITH input AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::float8[],
    $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::bytea[], $13::bool[], $14::text[], $15::bool[])
  AS i (delivery_id, account_id, run, number, status, reason, after, http_status, error_class, started_us, duration_us,
    body, truncated, attempt_id, sent)
), written AS (
  UPDATE deliveries d SET status = i.status, reason = nullif(i.reason, ''),
    attempt_count = CASE WHEN i.sent THEN i.number ELSE d.attempt_count END,
    next_attempt_at = CASE WHEN i.status = 'RETRYING' THEN now() + i.after * interval '1 second' END,
    lease_until = CASE WHEN i.status = 'RETRYING' THEN now() + i.after * interval '1 second' END,
    settled_at = CASE WHEN i.status <> 'RETRYING' THEN now() END
  FROM input i
  WHERE d.id = i.delivery_id AND d.account_id = i.account_id AND d.run = i.run AND d.attempt_count = i.number - 1
    AND d.status NOT IN ('PARKED', 'SUCCEEDED', 'FAILED', 'CANCELED')
  RETURNING d.id
), attempted AS (
  INSERT INTO attempts (id, account_id, delivery_id, number, status, error_class, started_at, duration_us,
    response_body, response_truncated)
  SELECT i.attempt_id, i.account_id, i.delivery_id, i.number, nullif(i.http_status, 0), nullif(i.error_class, ''),
    to_timestamp(i.started_us / 1e6), i.duration_us, i.body, i.truncated
  FROM input i JOIN written w ON w.id = i.delivery_id WHERE i.sent
)
SELECT id FROM written`

func (p *postgres) record(ctx context.Context, batch []*record) (map[string]bool, error) {
	n := len(batch)
	var (
		deliveries, accounts, runs     = make([]string, n), make([]string, n), make([]string, n)
		statuses, reasons, classes     = make([]string, n), make([]string, n), make([]string, n)
		attempts                       = make([]string, n)
		numbers, codes, started, taken = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		after                          = make([]float64, n)
		bodies                         = make([][]byte, n)
		cut, sent                      = make([]bool, n), make([]bool, n)
	)
	for i, r := range batch {
		deliveries[i], accounts[i], runs[i] = r.row.id, r.row.account, r.row.run
		numbers[i], attempts[i] = int64(r.number), id.AttemptOf(r.row.id, r.number)
		statuses[i], reasons[i], after[i] = string(r.decision.Status), r.decision.Reason, r.decision.After.Seconds()
		codes[i], classes[i] = int64(r.result.Status), string(r.result.Class)
		started[i], taken[i] = r.result.Started.UnixMicro(), r.result.Total.Microseconds()
		bodies[i], cut[i], sent[i] = r.result.Body, r.result.BodyTruncated, !r.noTry
	}
	ids, err := text(p.db.Write.QueryContext(ctx, recordPostgres,
		database.Array(deliveries), database.Array(accounts), database.Array(runs), database.Array(numbers),
		database.Array(statuses), database.Array(reasons), database.Array(after),
		database.Array(codes), database.Array(classes), database.Array(started), database.Array(taken),
		database.Array(bodies), database.Array(cut), database.Array(attempts), database.Array(sent)))
	return set(ids), err
}

func set(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

func (p *postgres) settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = $3, reason = $4, next_attempt_at = NULL, lease_until = NULL,
  settled_at = CASE WHEN $5 THEN now() END
WHERE id = ANY($2) AND run = $1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`,
		run, database.Array(ids), string(status), reason, status != delivery.StatusParked)
	return err
}

func (p *postgres) lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = $4, lease_until = now() + $3 * interval '1 second'
WHERE id = ANY($2) AND run = $1 AND status IN ('PENDING', 'DELIVERING')`, run, database.Array(ids), until.Seconds(), string(status))
	return err
}

func (p *postgres) destinations(ctx context.Context, ids []string) ([]settings, error) {
	return scanSettings(p.db.Read.QueryContext(ctx, selectSettings+`id = ANY($1)`, database.Array(ids)))
}

const selectSettings = `
SELECT id, account_id, coalesce(name, ''), http_method, url, state, coalesce(reason, ''), deleted_at IS NOT NULL,
  headers, signing_secrets
FROM destinations WHERE `

func scanSettings(rows *sql.Rows, err error) ([]settings, error) {
	return scan(rows, err, func(rows *sql.Rows, s *settings) error {
		return rows.Scan(&s.id, &s.account, &s.name, &s.method, &s.url, &s.state, &s.reason, &s.deleted, &s.headers, &s.secrets)
	})
}
