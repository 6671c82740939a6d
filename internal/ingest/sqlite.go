package ingest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"datapusher/internal/breaker"
	"datapusher/internal/database"
)

// sqlite commits a batch in one transaction on the only writer connection. The
// process's clock is the database's clock.
type sqlite struct {
	db    *database.DB
	lease time.Duration
	keys  time.Duration // how long they are remembered
	now   func() time.Time
}

func (s *sqlite) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

func (*sqlite) close() {}

const claimSQLite = `
INSERT INTO idempotency_keys (id, account_id, event_id, body_hash, expires_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
  SET event_id = excluded.event_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
  WHERE idempotency_keys.expires_at <= ?`

const acceptSQLite = `
INSERT INTO events (id, account_id, event_type, idempotency_key, payload, created_at)
VALUES (?, ?, nullif(?, ''), nullif(?, ''), ?, ?)`

var fanOutSQLite = fmt.Sprintf(`
INSERT INTO deliveries (id, account_id, event_id, destination_id, status, reason, run,
  lease_until, next_attempt_at, parked_at, attempt_count, created_at)
SELECT 'dlv' || substr(event_id, 4, 21) || %s || '000', account_id, event_id, destination_id,
  CASE WHEN sends THEN 'PENDING' ELSE 'PARKED' END,
  CASE WHEN sends THEN NULL ELSE reason END,
  CASE WHEN sends THEN ?2 ELSE '' END,
  CASE WHEN sends THEN ?3 END,
  CASE WHEN sends THEN ?4 END, CASE WHEN sends THEN NULL ELSE ?4 END, 0, ?4
FROM (
  SELECT e.value ->> 0 AS event_id, e.value ->> 1 AS account_id, d.id AS destination_id,
    d.state = 'SENDING' AND NOT d.draining AS sends,
    coalesce(d.reason, CASE WHEN d.draining THEN '`+breaker.InLine+`' ELSE lower(d.state) END) AS reason,
    row_number() OVER (PARTITION BY e.value ->> 0 ORDER BY d.id) - 1 AS n
  FROM json_each(?1) e JOIN destinations d ON d.account_id = e.value ->> 1 AND d.deleted_at IS NULL
)
RETURNING event_id, id, destination_id, status = 'PARKED'`, fmt.Sprintf(ordinal, "n"))

func (s *sqlite) insert(ctx context.Context, batch []*item, run under) ([]row, error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	now := s.clock()
	accepted, err := acceptEvents(ctx, tx, batch, now, now.Add(s.keys))
	if err != nil {
		return nil, err
	}
	rows, err := fanOut(ctx, tx, accepted, run.run, now, now.Add(leaseOf(batch, s.lease)))
	if err != nil {
		return nil, err
	}
	return rows, tx.Commit()
}

// acceptEvents stores the events whose idempotency keys are free. Those that they
// claim are theirs until they expire.
func acceptEvents(ctx context.Context, tx *sql.Tx, batch []*item, now, expires time.Time) ([]*item, error) {
	insert, err := tx.PrepareContext(ctx, acceptSQLite)
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	accepted := make([]*item, 0, len(batch))
	for _, it := range batch {
		if it.IdempotencyKey != "" {
			res, err := tx.ExecContext(ctx, claimSQLite, it.key, it.AccountID, it.id, it.hash, expires, now)
			if err != nil {
				return nil, err
			}
			if n, _ := res.RowsAffected(); n == 0 {
				continue
			}
		}
		if _, err := insert.ExecContext(ctx, it.id, it.AccountID, it.EventType, it.IdempotencyKey, it.Payload, now); err != nil {
			return nil, err
		}
		accepted = append(accepted, it)
	}
	return accepted, nil
}

func fanOut(ctx context.Context, tx *sql.Tx, accepted []*item, run string, now, lease time.Time) ([]row, error) {
	pairs := make([][2]string, len(accepted))
	all := make([]row, len(accepted), 2*len(accepted))
	for i, it := range accepted {
		pairs[i] = [2]string{it.id, it.AccountID}
		all[i] = row{event: it.id, created: now}
	}
	list, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, fanOutSQLite, string(list), run, lease, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := row{created: now}
		if err := rows.Scan(&r.event, &r.delivery, &r.destination, &r.parked); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (s *sqlite) readBack(ctx context.Context, batch []*item) ([]row, error) {
	from, to := deliveriesOf(batch)
	rows, err := s.db.Read.QueryContext(ctx, `
SELECT e.id, coalesce(d.id, ''), coalesce(d.destination_id, ''), coalesce(d.status, '') = 'PARKED', e.created_at
FROM events e LEFT JOIN deliveries d ON d.event_id = e.id AND d.account_id = e.account_id AND d.id >= ?3 AND d.id < ?4
WHERE e.id IN (SELECT value FROM json_each(?1)) AND e.account_id IN (SELECT value FROM json_each(?2)) ORDER BY 2`,
		jsonList(idsOf(batch)), jsonList(accountsOf(batch)), from, to)
	if err != nil {
		return nil, err
	}
	all, err := scan(rows)
	if err == nil && len(all) == 0 {
		err = errNothing
	}
	return all, err
}

func (s *sqlite) winners(ctx context.Context, losers []*item) (map[string]winner, error) {
	keys := make([]string, len(losers))
	for i, it := range losers {
		keys[i] = it.key
	}
	rows, err := s.db.Read.QueryContext(ctx, `
SELECT k.id, k.event_id, k.body_hash, (SELECT count(*) FROM deliveries d
  WHERE d.id >= 'dlv' || substr(k.event_id, 4, 21) || '000000' AND d.id < 'dlv' || substr(k.event_id, 4, 21) || 'ZZZZZZ'
    AND d.account_id = k.account_id)
FROM idempotency_keys k
WHERE k.id IN (SELECT value FROM json_each(?1)) AND k.account_id IN (SELECT value FROM json_each(?2)) AND k.expires_at > ?3`,
		jsonList(keys), jsonList(accountsOf(losers)), s.clock())
	if err != nil {
		return nil, err
	}
	return scanWinners(rows)
}

func jsonList(values []string) string {
	b, _ := json.Marshal(values) // strings cannot fail
	return string(b)
}
