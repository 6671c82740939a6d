package ingest_test

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// stored is a delivery as it stands in the database.
type stored struct {
	ID, Account, Event, Destination, Status, Reason, Run string
	Attempts                                             int
	Due, Lease, Created                                  sql.NullTime
}

func (w *world) deliveries(t testing.TB, event string) []stored {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), `
SELECT id, account_id, event_id, destination_id, status, coalesce(reason, ''), run, attempt_count, next_attempt_at, lease_until, created_at
FROM deliveries WHERE event_id = $1 ORDER BY id`, event)
	require.NoError(t, err)
	defer rows.Close()
	var all []stored
	for rows.Next() {
		var s stored
		require.NoError(t, rows.Scan(&s.ID, &s.Account, &s.Event, &s.Destination, &s.Status, &s.Reason, &s.Run,
			&s.Attempts, &s.Due, &s.Lease, &s.Created))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestAnEventIsFannedOutToEveryDestinationOfItsAccount(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 200} {
		dbtest.Each(t, func(t *testing.T, db *database.DB) {
			w := newWorld(t, db)
			account := w.account(t, n)
			w.account(t, 2)           // somebody else's get nothing
			var destinations []string // ids of one millisecond have no order among themselves
			rows, err := db.Read.QueryContext(t.Context(), "SELECT id FROM destinations WHERE account_id = $1 ORDER BY id", account)
			require.NoError(t, err)
			for rows.Next() {
				var d string
				require.NoError(t, rows.Scan(&d))
				destinations = append(destinations, d)
			}
			require.NoError(t, rows.Close())

			before := time.Now().Add(-time.Second)
			r := w.accept(t, event(account))
			require.True(t, id.Is(id.Event, r.EventID), r.EventID)
			require.Equal(t, n, r.Deliveries)
			require.False(t, r.Duplicate)

			all := w.deliveries(t, r.EventID)
			require.Len(t, all, n)
			handed := w.runs.deliveries(t)
			require.Len(t, handed, n)
			for i, d := range all {
				require.Equal(t, id.DeliveryOf(r.EventID, i), d.ID)
				require.Equal(t, destinations[i], d.Destination)
				require.Equal(t, account, d.Account)
				require.Equal(t, "PENDING", d.Status)
				require.Equal(t, "batch/1", d.Run)
				require.Zero(t, d.Attempts)
				require.True(t, d.Due.Time.Equal(d.Created.Time))
				require.Equal(t, lease, d.Lease.Time.Sub(d.Created.Time))
				require.WithinRange(t, d.Created.Time, before, time.Now().Add(time.Second))
				h := handed[d.ID]
				require.True(t, h.CreatedAt.Equal(d.Created.Time))
				require.WithinRange(t, h.Since, before, d.Created.Time.Add(time.Second))
				h.CreatedAt, h.Since = time.Time{}, time.Time{}
				require.Equal(t, ingest.Delivery{
					ID: d.ID, EventID: r.EventID, AccountID: account, DestinationID: d.Destination, Payload: event(account).Payload,
				}, h)
			}
			require.Equal(t, []int{1}, w.committed())
		})
	}
}

func TestDeletedDestinationsGetNothingAndOthersPark(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 1)
		deleted := w.destination(t, account, destination.StateSending)
		w.exec(t, "UPDATE destinations SET deleted_at = $1 WHERE id = $2", time.Now().UTC(), deleted)
		silent := w.destination(t, account, destination.StatePaused)
		disabled := w.destination(t, account, destination.StateDisabled)
		w.exec(t, "UPDATE destinations SET reason = 'disabled by its owner' WHERE id = $1", disabled)

		r := w.accept(t, event(account))
		require.Equal(t, 3, r.Deliveries)
		handed := w.runs.deliveries(t)
		for _, d := range w.deliveries(t, r.EventID) {
			require.NotEqual(t, deleted, d.Destination)
			parked := d.Destination == silent || d.Destination == disabled
			require.Equal(t, parked, handed[d.ID].Parked)
			if !parked {
				require.Equal(t, "PENDING", d.Status)
				continue
			}
			require.Equal(t, "PARKED", d.Status)
			require.Empty(t, d.Run)
			require.False(t, d.Due.Valid)
			require.False(t, d.Lease.Valid)
			want := "paused"
			if d.Destination == disabled {
				want = "disabled by its owner"
			}
			require.Equal(t, want, d.Reason)
		}
	})
}

func TestPayloadsAreStoredByteForByte(t *testing.T) {
	t.Parallel()
	every := []byte(`{"b":1.00, "a":"`)
	for b := range 256 { // the database must not care what is JSON or UTF-8
		every = append(every, byte(b))
	}
	payloads := [][]byte{
		append(every, `","z":"\u0000\\x00"}`...),
		[]byte(`"` + strings.Repeat("\u2028é😀", 10) + `"`),
		bytes.Repeat([]byte(" "), 4096),
		[]byte(`{"big":"` + strings.Repeat("x", ingest.MaxPayload-10) + `"}`),
	}
	require.Len(t, payloads[3], ingest.MaxPayload)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 1)
		release, busy := w.holdAll(t, account)
		var all []*sent
		for _, p := range payloads {
			all = append(all, w.send(t, ingest.Event{AccountID: account, EventType: "order.paid", Payload: p}))
		}
		release()
		for i, s := range slices.Concat(busy, all) {
			r, err := s.wait()
			require.NoError(t, err)
			if i < len(busy) {
				continue
			}
			var payload []byte
			var kind string
			require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT payload, event_type FROM events WHERE id = $1", r.EventID).
				Scan(&payload, &kind))
			require.True(t, bytes.Equal(payloads[i-len(busy)], payload))
			require.Equal(t, "order.paid", kind)
		}
	})
}

func TestManySendersShareCommits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		accounts := []string{w.account(t, 1), w.account(t, 2), w.account(t, 0)}
		release, all := w.holdAll(t, accounts[0])
		busy := len(all)
		for i := range 90 {
			all = append(all, w.send(t, event(accounts[i%3])))
		}
		release()
		ids := make(map[string]bool)
		deliveries := 0
		for _, s := range all {
			r, err := s.wait()
			require.NoError(t, err)
			ids[r.EventID] = true
			deliveries += r.Deliveries
		}
		require.Len(t, ids, len(all))
		require.Equal(t, 90+busy, deliveries)
		require.Len(t, w.runs.deliveries(t), deliveries)
		require.Equal(t, len(all), w.count(t, "events"))
		require.Equal(t, deliveries, w.count(t, "deliveries"))
		require.LessOrEqual(t, len(w.committed()), 2*busy, "90 events shared the commits that came next")
	})
}

func TestABatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxBatchBytes = 1000 })
		account := w.account(t, 1)
		release, all := w.holdAll(t, account)
		for range 12 {
			all = append(all, w.send(t, ingest.Event{AccountID: account, Payload: bytes.Repeat([]byte("1"), 400)}))
		}
		release()
		for _, s := range all {
			_, err := s.wait()
			require.NoError(t, err)
		}
		require.LessOrEqual(t, slices.Max(w.committed()), 3)
		require.GreaterOrEqual(t, slices.Max(w.committed()), 2)
	})
}

func TestWhatIsTooMuchIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxWaiting = 2 })
		account := w.account(t, 0)
		release, all := w.holdAll(t, account)
		all = append(all, w.send(t, event(account)), w.send(t, event(account)))
		_, err := w.Accept(t.Context(), event(account))
		require.Equal(t, problem.Unavailable, problem.CodeOf(err))
		release()
		for _, s := range all {
			_, err := s.wait()
			require.NoError(t, err)
		}
		require.Equal(t, len(all), w.count(t, "events"))
	})
}

func TestWhatIsTooMuchToKeepIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxWaitingBytes = 1000 })
		account := w.account(t, 0)
		large := ingest.Event{AccountID: account, Payload: bytes.Repeat([]byte("1"), 600)}
		for range 3 { // what was committed makes room
			release, all := w.holdAll(t, account)
			all = append(all, w.send(t, large))
			_, err := w.Accept(t.Context(), large)
			require.Equal(t, problem.Unavailable, problem.CodeOf(err))
			all = append(all, w.send(t, event(account)))
			release()
			for _, s := range all {
				_, err := s.wait()
				require.NoError(t, err)
			}
		}
	})
}

func TestCloseCommitsWhatWaitsAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 1)
		release, all := w.holdAll(t, account)
		for range 5 {
			all = append(all, w.send(t, event(account)))
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			w.Close()
		}()
		for { // what comes in before it is closed waits with the others
			s := w.send(t, event(account))
			select {
			case <-s.ended:
				require.Equal(t, problem.Unavailable, problem.CodeOf(s.err))
			default:
				all = append(all, s)
				continue
			}
			break
		}
		release()
		<-closed
		require.Equal(t, len(all), w.count(t, "events"), "everything is on disk")
		for _, s := range all {
			_, err := s.wait()
			require.NoError(t, err)
		}
		require.Equal(t, len(all), w.count(t, "events"))
		require.Len(t, w.runs.deliveries(t), len(all))
		w.Close() // again
	})
}

func TestASenderThatGivesUpIsToldThatItMayHaveBeenAccepted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 0)
		release, _ := w.holdAll(t, account)
		before := w.count(t, "events")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.Accept(ctx, event(account))
		require.Equal(t, problem.Unavailable, problem.CodeOf(err))
		require.ErrorIs(t, err, context.Canceled)
		release()
		w.Close()
		require.Greater(t, w.count(t, "events"), before+1)
	})
}
