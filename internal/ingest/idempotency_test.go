package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

func keyed(account, key, payload string) ingest.Event {
	return ingest.Event{AccountID: account, IdempotencyKey: key, Payload: []byte(payload)}
}

func TestAHundredEqualRequestsGiveOneEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxBatch = 7 }) // several batches race for the key
		account := w.account(t, 3)
		const n = 100
		receipts := make([]ingest.Receipt, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				var err error
				receipts[i], err = w.Accept(t.Context(), keyed(account, "k", `{"a":1}`))
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		first := 0
		for _, r := range receipts {
			require.Equal(t, receipts[0].EventID, r.EventID)
			require.Equal(t, 3, r.Deliveries)
			if !r.Duplicate {
				first++
			}
		}
		require.Equal(t, 1, first)
		sum := 0
		for _, n := range w.committed() {
			sum += n
		}
		require.Equal(t, 1, sum, "duplicates are not counted")
		require.Equal(t, 1, w.count(t, "events"))
		require.Equal(t, 3, w.count(t, "deliveries"))
		require.Len(t, w.runs.deliveries(t), 3)
	})
}

func TestEqualRequestsInOneBatchAreAnsweredFromTheFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 2)
		release, _ := w.holdAll(t, account)
		first := w.send(t, keyed(account, "k", `{"a":1}`))
		other := w.send(t, keyed(account, "k", `{"a":2}`))
		same := w.send(t, keyed(account, "k", `{"a":1}`))
		release()
		r, err := first.wait()
		require.NoError(t, err)
		again, err := same.wait()
		require.NoError(t, err)
		require.Equal(t, ingest.Receipt{EventID: r.EventID, Deliveries: 2, Duplicate: true}, again)
		_, err = other.wait()
		require.Equal(t, problem.Conflict, problem.CodeOf(err))
	})
}

func TestAKeyBelongsToItsAccountAndToOneBody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account, other := w.account(t, 1), w.account(t, 2)
		r := w.accept(t, keyed(account, "k", `{"a":1}`))
		_, err := w.Accept(t.Context(), keyed(account, "k", `{"a": 1}`))
		require.Equal(t, problem.Conflict, problem.CodeOf(err))
		theirs := w.accept(t, keyed(other, "k", `{"a":1}`))
		require.False(t, theirs.Duplicate)
		require.NotEqual(t, r.EventID, theirs.EventID)
		require.Equal(t, 2, theirs.Deliveries)
		require.False(t, w.accept(t, keyed(account, "", `{"a":1}`)).Duplicate)

		var body, kept string
		require.NoError(t, db.Read.QueryRowContext(t.Context(),
			"SELECT payload, idempotency_key FROM events WHERE id = $1", r.EventID).Scan(&body, &kept))
		require.Equal(t, `{"a":1}`, body)
		require.Equal(t, "k", kept)
	})
}

func TestAnExpiredKeyIsFreeAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 1)
		old := w.accept(t, keyed(account, "k", `{"a":1}`))
		w.exec(t, "UPDATE idempotency_keys SET expires_at = $1", time.Now().UTC().Add(-time.Millisecond))
		fresh := w.accept(t, keyed(account, "k", `{"a":2}`))
		require.False(t, fresh.Duplicate)
		require.NotEqual(t, old.EventID, fresh.EventID)
		again := w.accept(t, keyed(account, "k", `{"a":2}`))
		require.Equal(t, ingest.Receipt{EventID: fresh.EventID, Deliveries: 1, Duplicate: true}, again)
		require.Equal(t, 2, w.count(t, "events"))
	})
}

func TestAKeyLivesADayUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for key, lifetime := range map[string]time.Duration{"day": 0, "other": 90 * time.Minute} {
			w := newWorld(t, db, func(o *ingest.Options) { o.KeyLifetime = lifetime })
			if lifetime == 0 {
				lifetime = 24 * time.Hour
			}
			before := time.Now()
			account := w.account(t, 1)
			w.accept(t, keyed(account, key, `{"a":1}`))
			var expires time.Time
			require.NoError(t, db.Read.QueryRowContext(t.Context(),
				"SELECT expires_at FROM idempotency_keys WHERE account_id = $1", account).Scan(&expires))
			require.WithinRange(t, expires, before.Add(lifetime-time.Second), time.Now().Add(lifetime+time.Second))
			require.True(t, w.accept(t, keyed(account, key, `{"a":1}`)).Duplicate)
		}
	})
}

func TestAKeyWhoseWinnerFailedIsGivenToTheNext(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.refuse(t)
		account := w.account(t, 1)
		release, _ := w.holdAll(t, account)
		guilty := keyed(account, "k", `{"a":1}`)
		guilty.EventType = "guilty"
		first, second, third := w.send(t, guilty), w.send(t, guilty), w.send(t, keyed(account, "k", `{"a":1}`))
		release()
		for _, s := range []*sent{first, second} {
			_, err := s.wait()
			require.Equal(t, problem.Invalid, problem.CodeOf(err))
		}
		r, err := third.wait()
		require.NoError(t, err)
		require.False(t, r.Duplicate)
		require.Equal(t, 1, r.Deliveries)
		require.Equal(t, 1, w.count(t, "events WHERE idempotency_key = 'k'"))
	})
}

// A batch and a foreign transaction take two keys in opposite order: Postgres
// ends one of them.
func TestADeadlockRepeatsTheBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.Postgres(t))
	w.exec(t, fmt.Sprintf("ALTER DATABASE %s SET deadlock_timeout = '100ms'", w.name(t)))
	account := w.account(t, 1)
	tx, err := w.db.Write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	claim := func(key string) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO idempotency_keys (id, account_id, event_id, body_hash, expires_at)
VALUES ($1, $2, 'evt_other', '', now() + interval '1 day')`, account+"/"+key, account)
		return err
	}
	require.NoError(t, claim("b"))
	release, _ := w.holdAll(t, account)
	all := []*sent{w.send(t, keyed(account, "b", "1")), w.send(t, keyed(account, "a", "1"))}
	release()
	w.awaitBlocked(t)
	err = claim("a") // either side may be the victim
	if err != nil {
		e, ok := errors.AsType[*pq.Error](err)
		require.True(t, ok, err)
		require.EqualValues(t, "40P01", e.Code)
	}
	require.NoError(t, tx.Rollback())
	for _, s := range all {
		r, err := s.wait()
		require.NoError(t, err)
		require.False(t, r.Duplicate)
		require.Equal(t, 1, r.Deliveries)
	}
	require.Equal(t, 2, w.count(t, "events WHERE idempotency_key <> ''"))
}

func (w *world) name(t testing.TB) (name string) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), "SELECT quote_ident(current_database())").Scan(&name))
	return name
}

// awaitBlocked returns when a statement waits for another transaction's lock.
func (w *world) awaitBlocked(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; n == 0; {
		require.NoError(t, w.db.Read.QueryRowContext(ctx, `
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&n))
	}
}

func TestExpiredKeysAreDeleted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 0)
		w.AcceptAll(t.Context(), keyedEvents(account, 1200))
		require.NoError(t, w.Sweep(t.Context()))
		require.Equal(t, 1200, w.count(t, "idempotency_keys"))
		past := "now() - interval '1 second'"
		if !db.Postgres() {
			past = "'2001-01-01 00:00:00+00:00'"
		}
		w.exec(t, "UPDATE idempotency_keys SET expires_at = "+past+" WHERE id NOT LIKE '%/0'")
		require.NoError(t, w.Sweep(t.Context()))
		require.Equal(t, 1, w.count(t, "idempotency_keys"))
		require.Equal(t, 1200, w.count(t, "events"))
	})
}
