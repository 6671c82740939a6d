package ingest

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"datapusher/internal/breaker"
	"datapusher/internal/database"
)

// postgres commits a batch with one statement, which is its own transaction:
// one round trip.
type postgres struct {
	db     *database.DB
	lease  time.Duration
	keys   time.Duration // how long they are remembered
	commit *database.Kept
}

var insertPostgres = fmt.Sprintf(`
WITH input AS MATERIALIZED (
  SELECT id, account_id, event_type, idempotency_key,
    substring($5::bytea FROM at::int FOR size::int) AS payload, decode(body_hash, 'hex') AS body_hash
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::text[], $11::int[], $12::int[])
    AS i (id, account_id, event_type, idempotency_key, body_hash, at, size)
), claimed AS (
  INSERT INTO idempotency_keys (id, account_id, event_id, body_hash, expires_at)
  SELECT account_id || '/' || idempotency_key, account_id, id, body_hash, now() + $9 * interval '1 second'
  FROM input WHERE idempotency_key <> '' ORDER BY 1
  ON CONFLICT (id) DO UPDATE
    SET event_id = excluded.event_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
    WHERE idempotency_keys.expires_at <= now()
  RETURNING event_id
), accepted AS (
  INSERT INTO events (id, account_id, event_type, idempotency_key, payload, created_at)
  SELECT id, account_id, nullif(event_type, ''), nullif(idempotency_key, ''), payload, now() FROM input
  WHERE idempotency_key = '' OR id IN (SELECT event_id FROM claimed)
  RETURNING id, account_id
), fan AS (
  SELECT a.id AS event_id, a.account_id, d.id AS destination_id, d.state = 'SENDING' AND NOT d.draining AS sends,
    coalesce(d.reason, CASE WHEN d.draining THEN '`+breaker.InLine+`' ELSE lower(d.state) END) AS reason,
    coalesce(d.timeout_ms, 0)::float8 / 1000 AS timeout,
    (row_number() OVER (PARTITION BY a.id ORDER BY d.id) - 1)::int AS n
  FROM accepted a JOIN destinations d ON d.account_id = a.account_id AND d.deleted_at IS NULL
), delivered AS (
  INSERT INTO deliveries (id, account_id, event_id, destination_id, status, reason, run,
    lease_until, next_attempt_at, parked_at, attempt_count, created_at)
  SELECT 'dlv' || substr(event_id, 4, 21) || %s || '000', account_id, event_id, destination_id,
    CASE WHEN sends THEN 'PENDING' ELSE 'PARKED' END,
    CASE WHEN sends THEN NULL ELSE reason END,
    CASE WHEN sends THEN $7 ELSE '' END,
    CASE WHEN sends THEN now() + CASE WHEN $8::float8 > 0 THEN greatest($8::float8, timeout + $10::float8) ELSE 0 END * interval '1 second' END,
    CASE WHEN sends THEN now() END, CASE WHEN sends THEN NULL ELSE now() END, 0, now()
  FROM fan
  RETURNING id, event_id, destination_id, status
)
`+handOver+`
SELECT a.id, coalesce(d.id, ''), coalesce(d.destination_id, ''), coalesce(d.status, '') = 'PARKED', now()
FROM accepted a LEFT JOIN delivered d ON d.event_id = a.id
ORDER BY 2`, fmt.Sprintf(ordinal, "n"))

// handOver is where the statement has the part that hands the run over, and
// firstHandOver the number of its first parameter.
const (
	handOver      = `/* hand over */`
	firstHandOver = 13
)

// handingOver completes the statement: a run of which nothing is to be sent is not
// handed over.
func handingOver(statement string, txInsert func(first int, condition string) string) string {
	part := ""
	if txInsert != nil {
		part = ", handed AS (" + txInsert(firstHandOver, `EXISTS (SELECT FROM delivered WHERE status = 'PENDING')`) + ")"
	}
	return strings.Replace(statement, handOver, part, 1)
}

func (p *postgres) close() { p.commit.Close() }

func (p *postgres) insert(ctx context.Context, batch []*item, run under) ([]row, error) {
	n := len(batch)
	ids, accounts, types, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	hashes, at, sizes := make([]string, n), make([]int64, n), make([]int64, n)
	total := 0
	for _, it := range batch {
		total += len(it.Payload)
	}
	payloads := make([]byte, 0, total)
	for i, it := range batch {
		ids[i], accounts[i], types[i], keys[i] = it.id, it.AccountID, it.EventType, it.IdempotencyKey
		hashes[i] = hex.EncodeToString(it.hash)
		at[i], sizes[i] = int64(len(payloads)+1), int64(len(it.Payload))
		payloads = append(payloads, it.Payload...)
	}
	rows, err := p.commit.Query(ctx, append([]any{
		database.Array(ids), database.Array(accounts), database.Array(types), database.Array(keys),
		payloads, database.Array(hashes), run.run, leaseOf(batch, p.lease).Seconds(), p.keys.Seconds(),
		LeaseBeyond.Seconds(), database.Array(at), database.Array(sizes),
	}, run.handOver...)...)
	if err != nil {
		return nil, p.commit.Failed(err)
	}
	all, err := scan(rows)
	return all, p.commit.Failed(err)
}

func scan(rows *sql.Rows) ([]row, error) {
	defer rows.Close()
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.event, &r.delivery, &r.destination, &r.parked, &r.created); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (p *postgres) readBack(ctx context.Context, batch []*item) ([]row, error) {
	from, to := deliveriesOf(batch)
	rows, err := p.db.Read.QueryContext(ctx, `
SELECT e.id, coalesce(d.id, ''), coalesce(d.destination_id, ''), coalesce(d.status, '') = 'PARKED', e.created_at
FROM events e LEFT JOIN deliveries d ON d.event_id = e.id AND d.account_id = e.account_id AND d.id >= $3 AND d.id < $4
WHERE e.id = ANY($1) AND e.account_id = ANY($2) ORDER BY 2`, database.Array(idsOf(batch)), database.Array(accountsOf(batch)), from, to)
	if err != nil {
		return nil, err
	}
	all, err := scan(rows)
	if err == nil && len(all) == 0 {
		err = errNothing
	}
	return all, err
}

func accountsOf(batch []*item) []string {
	accounts := make([]string, len(batch))
	for i, it := range batch {
		accounts[i] = it.AccountID
	}
	return accounts
}

func (p *postgres) winners(ctx context.Context, losers []*item) (map[string]winner, error) {
	keys := make([]string, len(losers))
	for i, it := range losers {
		keys[i] = it.key
	}
	rows, err := p.db.Read.QueryContext(ctx, `
SELECT k.id, k.event_id, k.body_hash, (SELECT count(*) FROM deliveries d
  WHERE d.id >= 'dlv' || substr(k.event_id, 4, 21) || '000000' AND d.id < 'dlv' || substr(k.event_id, 4, 21) || 'ZZZZZZ'
    AND d.account_id = k.account_id)
FROM idempotency_keys k
WHERE k.id = ANY($1) AND k.account_id = ANY($2) AND k.expires_at > now()`,
		database.Array(keys), database.Array(accountsOf(losers)))
	if err != nil {
		return nil, err
	}
	return scanWinners(rows)
}

func scanWinners(rows *sql.Rows) (map[string]winner, error) {
	defer rows.Close()
	found := make(map[string]winner)
	for rows.Next() {
		var (
			key string
			w   winner
		)
		if err := rows.Scan(&key, &w.event, &w.hash, &w.deliveries); err != nil {
			return nil, err
		}
		found[key] = w
	}
	return found, rows.Err()
}
