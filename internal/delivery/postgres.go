package delivery

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
)

// postgres is the store on Postgres. Times are the server's: processes whose
// clocks differ agree on when something is due.
type postgres struct {
	db      *database.DB
	results *database.Kept // for the recorder alone
}

func (p *postgres) close() { p.results.Close() }

const selectPostgres = `
SELECT d.id, d.account_id, d.event_id, d.destination_id, d.run, d.status, coalesce(d.reason, ''), d.attempt_count,
  d.schedule_step, coalesce(d.steered, ''),
  extract(epoch FROM coalesce(d.parked_at, now()) - d.created_at) - d.parked_us / 1e6,
  coalesce(extract(epoch FROM d.next_attempt_at - now()), 0), coalesce(extract(epoch FROM d.lease_until - now()), 0), `

const (
	withContent = `e.payload, e.headers, e.replay_of IS NOT NULL
FROM deliveries d LEFT JOIN events e ON e.id = d.event_id AND e.account_id = d.account_id `
	withoutContent = `NULL, NULL, false FROM deliveries d `
)

func (p *postgres) load(ctx context.Context, deliveryID string) (*row, error) {
	return first(scanPostgres(p.db.Read.QueryContext(ctx, selectPostgres+withContent+`WHERE d.id = $1`, deliveryID)))
}

func (p *postgres) loadAll(ctx context.Context, ids []string) ([]row, error) {
	return scanPostgres(p.db.Read.QueryContext(ctx, selectPostgres+withContent+`WHERE d.id = ANY($1) ORDER BY d.id`, database.Array(ids)))
}

func (p *postgres) loadRun(ctx context.Context, run string, limit int) ([]row, error) {
	return scanPostgres(p.db.Read.QueryContext(ctx, selectPostgres+withoutContent+
		`WHERE d.run = $1 AND d.status IN ('PENDING', 'DELIVERING', 'RETRYING') ORDER BY d.id LIMIT $2`, run, limit))
}

const selectContents = `SELECT id, account_id, payload, headers, replay_of IS NOT NULL FROM events WHERE `

func (p *postgres) contents(ctx context.Context, events []string) (map[owned]content, error) {
	return scanContents(p.db.Read.QueryContext(ctx, selectContents+`id = ANY($1)`, database.Array(events)))
}

func scanContents(rows *sql.Rows, err error) (map[owned]content, error) {
	type event struct {
		owned
		content
	}
	all, err := scan(rows, err, func(rows *sql.Rows, e *event) error {
		return rows.Scan(&e.id, &e.account, &e.payload, &e.headers, &e.replay)
	})
	found := make(map[owned]content, len(all))
	for _, e := range all {
		found[e.owned] = e.content
	}
	return found, err
}

func scanPostgres(rows *sql.Rows, err error) ([]row, error) {
	return scan(rows, err, func(rows *sql.Rows, r *row) error {
		var age, due, lease float64
		err := rows.Scan(&r.id, &r.account, &r.event, &r.destination, &r.run, &r.status, &r.reason, &r.attempts,
			&r.step, &r.steered, &age, &due, &lease, &r.payload, &r.headers, &r.replay)
		r.age, r.due, r.lease = seconds(age), seconds(due), seconds(lease)
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
//
// A delivery that was canceled while the attempt was under way stays so, unless
// the receiver has taken it: then that is the truth. What is parked has no owner,
// so a parked row is only written to by whoever has claimed it.
//
// What was said of each attempt comes in one piece, $1, with its place and sizes.
var recordPostgres = strings.ReplaceAll(`
WITH input AS MATERIALIZED (
  SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::float8[],
    $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bool[], $14::text[], $15::bool[],
    $16::bigint[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[],
    $22::int[], $23::int[], $24::int[], $25::int[])
  AS i (delivery_id, account_id, run, number, status, reason, after, http_status, error_class, started_us, duration_us,
    truncated, attempt_id, sent,
    step, asked_by, dns_us, connect_us, tls_us, first_byte_us, at, body, request_headers, response_headers)
), written AS (
  UPDATE deliveries d SET
    status = CASE WHEN i.stays THEN d.status ELSE i.status END,
    reason = CASE WHEN i.stays THEN d.reason ELSE nullif(i.reason, '') END,
    attempt_count = CASE WHEN i.sent THEN i.number ELSE d.attempt_count END,
    schedule_step = i.step, steered = NULL,
    next_attempt_at = CASE WHEN i.status = 'RETRYING' AND NOT i.stays THEN now() + i.after * interval '1 second' END,
    lease_until = CASE WHEN i.status = 'RETRYING' AND NOT i.stays THEN now() + i.after * interval '1 second' END,
    settled_at = CASE WHEN i.stays THEN d.settled_at WHEN i.status NOT IN ('RETRYING', 'PARKED') THEN now() END,
    parked_at = CASE WHEN i.status = 'PARKED' AND NOT i.stays THEN coalesce(d.parked_at, now()) END,
    parked_us = d.parked_us + CASE WHEN i.status = 'PARKED' OR d.parked_at IS NULL THEN 0
      ELSE (extract(epoch FROM now() - d.parked_at) * 1000000)::bigint END,
    run = CASE WHEN i.status = 'PARKED' AND NOT i.stays THEN '' ELSE d.run END
  FROM input i
  WHERE d.id = i.delivery_id AND d.account_id = i.account_id AND d.run = i.run AND d.attempt_count = i.number - 1
    AND d.status NOT IN ('SUCCEEDED', 'FAILED')
  RETURNING d.id, d.status
), attempted AS (
  INSERT INTO attempts (id, account_id, delivery_id, number, status, error_class, started_at, duration_us,
    response_body, response_truncated, asked_by, dns_us, connect_us, tls_us, first_byte_us, request_headers, response_headers)
  SELECT i.attempt_id, i.account_id, i.delivery_id, i.number, nullif(i.http_status, 0), nullif(i.error_class, ''),
    to_timestamp(i.started_us / 1e6), i.duration_us,
    CASE WHEN i.body > 0 THEN substring($1::bytea FROM i.at FOR i.body) END, i.truncated,
    i.asked_by, i.dns_us, i.connect_us, i.tls_us, i.first_byte_us,
    CASE WHEN i.request_headers > 0 THEN substring($1::bytea FROM i.at + i.body FOR i.request_headers) END,
    CASE WHEN i.response_headers > 0 THEN substring($1::bytea FROM i.at + i.body + i.request_headers FOR i.response_headers) END
  FROM input i JOIN written w ON w.id = i.delivery_id WHERE i.sent
)
SELECT id, status FROM written`, `i.stays`, `(d.status = 'CANCELED' AND i.status <> 'SUCCEEDED')`)

func (p *postgres) record(ctx context.Context, batch []*record) (map[string]delivery.Status, error) {
	n := len(batch)
	var (
		deliveries, accounts, runs     = make([]string, n), make([]string, n), make([]string, n)
		statuses, reasons, classes     = make([]string, n), make([]string, n), make([]string, n)
		attempts, askers               = make([]string, n), make([]string, n)
		numbers, codes, started, taken = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		steps, dns, connect, tls, head = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		after                          = make([]float64, n)
		at, body, asked, answered      = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		cut, sent                      = make([]bool, n), make([]bool, n)
		said                           []byte
	)
	for i, r := range batch {
		deliveries[i], accounts[i], runs[i] = r.row.id, r.row.account, r.row.run
		numbers[i], attempts[i] = int64(r.number), id.AttemptOf(r.row.id, r.number)
		statuses[i], reasons[i], after[i] = string(r.decision.Status), r.decision.Reason, r.decision.After.Seconds()
		codes[i], classes[i] = int64(r.result.Status), string(r.result.Class)
		started[i], taken[i] = r.result.Started.UnixMicro(), r.result.Total.Microseconds()
		cut[i], sent[i] = r.result.BodyTruncated, !r.noTry
		steps[i], askers[i] = int64(r.decision.Step), string(r.asker)
		dns[i], connect[i] = r.result.DNS.Microseconds(), r.result.Connect.Microseconds()
		tls[i], head[i] = r.result.TLS.Microseconds(), r.result.FirstByte.Microseconds()
		at[i] = int64(len(said) + 1)
		body[i], asked[i], answered[i] = int64(len(r.result.Body)), int64(len(r.requestHeaders)), int64(len(r.responseHeaders))
		said = append(append(append(said, r.result.Body...), r.requestHeaders...), r.responseHeaders...)
	}
	all, err := scanStatuses(p.results.Query(ctx, said,
		database.Array(deliveries), database.Array(accounts), database.Array(runs), database.Array(numbers),
		database.Array(statuses), database.Array(reasons), database.Array(after),
		database.Array(codes), database.Array(classes), database.Array(started), database.Array(taken),
		database.Array(cut), database.Array(attempts), database.Array(sent),
		database.Array(steps), database.Array(askers), database.Array(dns), database.Array(connect), database.Array(tls),
		database.Array(head), database.Array(at), database.Array(body), database.Array(asked), database.Array(answered)))
	return all, p.results.Failed(err)
}

func scanStatuses(rows *sql.Rows, err error) (map[string]delivery.Status, error) {
	type written struct {
		id     string
		status delivery.Status
	}
	all, err := scan(rows, err, func(rows *sql.Rows, w *written) error { return rows.Scan(&w.id, &w.status) })
	m := make(map[string]delivery.Status, len(all))
	for _, w := range all {
		m[w.id] = w.status
	}
	return m, err
}

func (p *postgres) settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = $3, reason = $4, next_attempt_at = NULL, lease_until = NULL, steered = NULL,
  settled_at = CASE WHEN NOT $5 THEN now() END, parked_at = CASE WHEN $5 THEN now() END,
  run = CASE WHEN $5 THEN '' ELSE run END
WHERE id = ANY($2) AND run = $1 AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`,
		run, database.Array(ids), string(status), reason, status == delivery.StatusParked)
	return err
}

func (p *postgres) lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error {
	_, err := p.db.Write.ExecContext(ctx, `
UPDATE deliveries SET status = $4, lease_until = now() + $3 * interval '1 second'
WHERE id = ANY($2) AND run = $1 AND status IN ('PENDING', 'DELIVERING')`, run, database.Array(ids), until.Seconds(), string(status))
	return err
}

// leasedPostgres is row.leased, with early and maxLease as the parameters $4 and $5.
const leasedPostgres = `(attempt_count = 0 AND lease_until > now() + $4 * interval '1 second'
  AND (status = 'DELIVERING' OR lease_until - next_attempt_at <= ($5::float8 + $4) * interval '1 second'))`

// Who is not the first to come to a row passes it over: it is somebody else's then.
var takePostgres = `
WITH mine AS (
  SELECT id FROM deliveries
  WHERE run = $1 AND ($2::text[] IS NULL OR id = ANY($2)) AND status IN ('PENDING', 'DELIVERING', 'RETRYING') AND attempt_count = 0
    AND next_attempt_at <= now() + $4 * interval '1 second' AND NOT ` + leasedPostgres + ` AND account_id <> ALL(coalesce($9, ARRAY[]::text[]))
  ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET next_attempt_at = now(), status = 'PENDING',
  lease_until = now() + $8 * interval '1 second' + greatest($6::float8, $7 + coalesce(
    (SELECT timeout_ms FROM destinations t WHERE t.id = d.destination_id), 0)::float8 / 1000) * interval '1 second'
FROM mine WHERE d.id = mine.id
RETURNING ` + strings.TrimPrefix(strings.TrimSpace(selectPostgres), "SELECT ") + ` NULL, NULL, false`

func (p *postgres) take(ctx context.Context, run string, ids, without []string, limit int) ([]row, error) {
	var only any
	if ids != nil {
		only = database.Array(ids)
	}
	rows, err := scanPostgres(p.db.Write.QueryContext(ctx, takePostgres, run, only, limit, early.Seconds(), maxLease.Seconds(),
		Lease.Seconds(), recordTime.Seconds(), lookTwice.Seconds(), database.Array(without)))
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.id, b.id) })
	return rows, err
}

func (p *postgres) destinations(ctx context.Context, ids []string) ([]settings, error) {
	return scanSettings(p.db.Read.QueryContext(ctx, selectSettings+`id = ANY($1)`, database.Array(ids)))
}

const selectSettings = `
SELECT id, account_id, coalesce(name, ''), http_method, url, state, coalesce(reason, ''), deleted_at IS NOT NULL,
  draining, failing IS NOT NULL OR failing_since IS NOT NULL OR state = 'OPEN',
  coalesce(retry_schedule, ''), coalesce(timeout_ms, 0), coalesce(give_up_after_s, 0), headers, signing_secrets,
  (SELECT allow_cidrs FROM accounts WHERE accounts.id = destinations.account_id)
FROM destinations WHERE `

func scanSettings(rows *sql.Rows, err error) ([]settings, error) {
	return scan(rows, err, func(rows *sql.Rows, s *settings) error {
		var timeout, giveUp int64
		err := rows.Scan(&s.id, &s.account, &s.name, &s.method, &s.url, &s.state, &s.reason, &s.deleted,
			&s.draining, &s.troubled, &s.schedule, &timeout, &giveUp, &s.headers, &s.secrets,
			&s.allowCIDRs)
		s.timeout, s.giveUpAfter = time.Duration(timeout)*time.Millisecond, time.Duration(giveUp)*time.Second
		return err
	})
}
