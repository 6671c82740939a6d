// Package history fills a database with what a system that has run for weeks has
// in its tables: settled events, each with one delivery and one attempt. Whoever
// measures at size loads it first.
package history

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"datapusher/internal/id"
)

// The defaults of [Options].
const (
	DefaultAccounts     = 10
	DefaultDestinations = 3
	DefaultSpan         = 28 * 24 * time.Hour
)

// Options of a history. What is zero has its default.
type Options struct {
	Events       int           // how many, up to 1<<32
	Accounts     int           // how many new accounts they belong to, in turn
	Destinations int           // how many each account has; an event has a delivery to one of them
	Until        time.Time     // the newest is accepted then, to the millisecond; now
	Span         time.Duration // the oldest so long before
	Into         []Destination // these instead of new ones

	// Progress, if not nil, hears after each batch how many events are stored.
	Progress func(events int)
}

// Destination is an existing one, and the account that it belongs to.
type Destination struct{ AccountID, ID string }

const (
	atATime = 50_000 // events in a statement
	writers = 2      // connections: more compete for the ends of the same indexes
)

// Load stores a history in a migrated Postgres database and leaves its tables
// vacuumed and analyzed. Nothing of it is due: one in 101 deliveries has
// failed, the others have succeeded. Payloads have about 50 bytes, and with its
// indexes an event takes about 1.5 KB of disk. Destinations that it makes can be
// looked at, but not sent to: nothing is sealed in them.
//
// It stores in batches, each with its own commit: what breaks off leaves a part.
func Load(ctx context.Context, db *sql.DB, o Options) error {
	if o.Accounts == 0 {
		o.Accounts = DefaultAccounts
	}
	if o.Destinations == 0 {
		o.Destinations = DefaultDestinations
	}
	if o.Span == 0 {
		o.Span = DefaultSpan
	}
	if o.Until.IsZero() {
		o.Until = time.Now()
	}
	if len(o.Into) == 0 {
		var err error
		if o.Into, err = plant(ctx, db, o); err != nil {
			return fmt.Errorf("make accounts and destinations: %w", err)
		}
	}
	if err := fill(ctx, db, o); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	for _, table := range []string{"events", "deliveries", "attempts"} {
		if _, err := db.ExecContext(ctx, "VACUUM ANALYZE "+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	return nil
}

// plant makes accounts with destinations, the first destination of each before
// the second of any: neighbors in time are of different accounts.
func plant(ctx context.Context, db *sql.DB, o Options) ([]Destination, error) {
	began := o.Until.Add(-o.Span)
	accounts := make([]string, o.Accounts)
	for i := range accounts {
		accounts[i] = id.New(id.Account, began)
		if _, err := db.ExecContext(ctx, `
INSERT INTO accounts (id, created_at, updated_at, name, email) VALUES ($1, $2, $2, $3, $4)`,
			accounts[i], began, fmt.Sprintf("History %d", i+1), strings.ToLower(accounts[i])+"@history.example"); err != nil {
			return nil, err
		}
	}
	var all []Destination
	for n := range o.Destinations {
		for _, account := range accounts {
			d := Destination{account, id.New(id.Destination, began)}
			if _, err := db.ExecContext(ctx, `
INSERT INTO destinations (id, created_at, updated_at, account_id, name, url, signing_secrets) VALUES ($1, $2, $2, $3, $4, $5, '')`,
				d.ID, began, account, fmt.Sprintf("History %d", n+1), fmt.Sprintf("https://history.example/%d", n+1)); err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// fill stores the events, the oldest first.
func fill(ctx context.Context, db *sql.DB, o Options) error {
	accounts, destinations := make([]string, len(o.Into)), make([]string, len(o.Into))
	for i, d := range o.Into {
		accounts[i], destinations[i] = d.AccountID, d.ID
	}
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	low := int64(binary.BigEndian.Uint32(salt[:]) >> 14)
	parts, ctx2 := errgroup.WithContext(ctx)
	parts.SetLimit(writers)
	stored := make(chan int)
	done := make(chan struct{})
	go func() {
		defer close(done)
		total := 0
		for n := range stored {
			if total += n; o.Progress != nil {
				o.Progress(total)
			}
		}
	}()
	for from := 0; from < o.Events; from += atATime {
		to := min(from+atATime, o.Events)
		parts.Go(func() error {
			if err := store(ctx2, db, insert, from, to, o, accounts, destinations, low); err != nil {
				return err
			}
			stored <- to - from
			return nil
		})
	}
	err := parts.Wait()
	close(stored)
	<-done
	return err
}

func store(ctx context.Context, db *sql.DB, insert string, from, to int, o Options, accounts, destinations []string, low int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	// Whoever loads a history loads it again if the server dies.
	if _, err := tx.ExecContext(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insert, from, to-1, o.Until.Add(-o.Span).UnixMilli(), o.Span.Milliseconds(), max(o.Events-1, 1),
		strings.Join(accounts, " "), strings.Join(destinations, " "), low); err != nil {
		return err
	}
	return tx.Commit()
}

// insert stores the events from $1 to $2. An id's random part is the event's number
// and, below it, what tells this history from another ($8).
var insert = fmt.Sprintf(`
WITH numbered AS MATERIALIZED (
  SELECT n, at, accounts, accounts[1 + n %% cardinality(accounts)] AS account_id, destinations[1 + n %% cardinality(accounts)] AS destination_id,
    %s || %s AS ulid
  FROM (
    SELECT n, $3::bigint + (n::numeric * $4::bigint / $5::bigint)::bigint AS at, n << 18 | $8::bigint AS low,
      string_to_array($6, ' ') AS accounts, string_to_array($7, ' ') AS destinations
    FROM generate_series($1::bigint, $2::bigint) n
  ) e
), dated AS MATERIALIZED (
  SELECT *, to_timestamp(at / 1e3) AS created_at, n %% 101 <> 57 AS good FROM numbered
), accepted AS (
  INSERT INTO events (id, account_id, event_type, payload, created_at)
  SELECT 'evt_' || ulid || '000000', account_id, CASE n / cardinality(accounts) %% 4 WHEN 0 THEN 'order.created' WHEN 1 THEN 'order.paid' END,
    convert_to('{"order":' || n || ',"state":"paid","amount":12.50}', 'UTF8'), created_at
  FROM dated ORDER BY n
), delivered AS (
  INSERT INTO deliveries (id, account_id, event_id, destination_id, status, reason, attempt_count, run, schedule_step, created_at, settled_at)
  SELECT 'dlv_' || ulid || '000000', account_id, 'evt_' || ulid || '000000', destination_id,
    CASE WHEN good THEN 'SUCCEEDED' ELSE 'FAILED' END, CASE WHEN NOT good THEN 'given_up: http_503' END,
    1, 'batch/' || ulid || '000000', 0, created_at, created_at + interval '40 ms'
  FROM dated ORDER BY n
)
INSERT INTO attempts (id, account_id, delivery_id, number, status, started_at, duration_us,
  dns_us, connect_us, tls_us, first_byte_us, request_headers, response_headers, response_body)
SELECT 'att_' || ulid || '000001', account_id, 'dlv_' || ulid || '000000', 1, CASE WHEN good THEN 200 ELSE 503 END,
  created_at + interval '5 ms', 12345, 0, 0, 0, 12000,
  '[["Content-Type","application/json"],["User-Agent","DataPusher/1"],["Webhook-Id","evt"]]', '[["Content-Length","2"]]', 'ok'
FROM dated ORDER BY n`, base32("at", 10), base32("low", 10))

// base32 is SQL that writes the lowest 5×digits bits of an expression as a ULID does.
func base32(of string, digits int) string {
	all := make([]string, digits)
	for i := range all {
		all[i] = fmt.Sprintf("substr('%s', (%s >> %d & 31)::int + 1, 1)", ulid.Encoding, of, 5*(digits-1-i))
	}
	return strings.Join(all, " || ")
}
