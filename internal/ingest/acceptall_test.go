package ingest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// sendAll calls AcceptAll and returns as soon as the events wait in the queue, or
// were refused.
func (w *world) sendAll(t testing.TB, events []ingest.Event) (wait func() []ingest.Result) {
	t.Helper()
	ctx := &waiting{Context: context.Background(), queued: make(chan struct{})}
	ended := make(chan struct{})
	var results []ingest.Result
	go func() {
		defer close(ended)
		results = w.AcceptAll(ctx, events)
	}()
	select {
	case <-ctx.queued:
	case <-ended:
	}
	return func() []ingest.Result {
		<-ended
		return results
	}
}

// keyedEvents are n events with keys whose order is not that of the events.
func keyedEvents(account string, n int) []ingest.Event {
	events := make([]ingest.Event, n)
	for i := range events {
		events[i] = keyed(account, fmt.Sprint("k/", i), fmt.Sprint(i))
	}
	return events
}

func TestManyEventsAtOnceAreAnsweredOneByOneInTheirOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account, other := w.account(t, 2), w.account(t, 1)
		release, busy := w.holdAll(t, other)
		plain := make([]ingest.Event, 300)
		for i := range plain {
			plain[i] = ingest.Event{AccountID: account, EventType: "order.paid", Payload: fmt.Append(nil, i)}
		}
		first, second := w.sendAll(t, plain), w.sendAll(t, keyedEvents(account, 300))
		single := w.send(t, event(other))
		release()
		for _, wait := range []func() []ingest.Result{first, second} {
			results := wait()
			require.Len(t, results, 300)
			ids := make([]string, len(results))
			for i, r := range results {
				require.NoError(t, r.Err)
				require.Equal(t, ingest.Receipt{EventID: r.Receipt.EventID, Deliveries: 2}, r.Receipt)
				ids[i] = r.Receipt.EventID
				if i%100 == 0 {
					var payload []byte
					require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT payload FROM events WHERE id = $1", ids[i]).Scan(&payload))
					require.Equal(t, fmt.Sprint(i), string(payload))
				}
			}
			require.True(t, slices.IsSorted(ids), "the order of the events is that of their ids")
		}
		for _, s := range append(busy, single) {
			r, err := s.wait()
			require.NoError(t, err)
			require.Equal(t, 1, r.Deliveries)
		}
		n := 601 + len(busy)
		require.Equal(t, n, w.count(t, "events"))
		require.Equal(t, 300, w.count(t, "events WHERE event_type = 'order.paid'"))
		require.Len(t, w.runs.deliveries(t), 1201+len(busy))
		require.LessOrEqual(t, len(w.committed()), len(busy)+3, "601 events shared commits of 256")
	})
}

// The order of an account's events is that of their ids, whatever their keys are
// and however many commits they are in.
func TestKeysDoNotChangeTheOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var ids []string
		for _, r := range w.AcceptAll(t.Context(), keyedEvents(w.account(t, 1), 1200)) {
			require.NoError(t, r.Err)
			ids = append(ids, r.Receipt.EventID)
		}
		require.True(t, slices.IsSorted(ids))
	})
}

func TestEachOfManyEventsHasAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.refuse(t)
		account := w.account(t, 1)
		before := w.accept(t, keyed(account, "k/1", "1"))
		w.accept(t, keyed(account, "k/3", "another"))
		events := append(keyedEvents(account, 5), keyed(account, "k/0", "0"))
		events[4].EventType = "guilty"
		for repeated := range 2 {
			results := w.AcceptAll(t.Context(), events)
			codes := make([]problem.Code, len(results))
			for i, r := range results {
				codes[i] = problem.CodeOf(r.Err)
			}
			require.Equal(t, []problem.Code{"", "", "", problem.Conflict, problem.Invalid, ""}, codes)
			require.Equal(t, repeated > 0, results[0].Receipt.Duplicate)
			require.Equal(t, ingest.Receipt{EventID: before.EventID, Deliveries: 1, Duplicate: true}, results[1].Receipt)
			require.Equal(t, ingest.Receipt{EventID: results[0].Receipt.EventID, Deliveries: 1, Duplicate: true}, results[5].Receipt)
			require.Equal(t, 4, w.count(t, "events"))
		}
	})
}

func TestManyEventsFindRoomTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxWaiting = 10 })
		account, other := w.account(t, 0), w.account(t, 0)
		release, busy := w.holdAll(t, account)
		six := w.sendAll(t, keyedEvents(account, 6))
		for _, r := range w.AcceptAll(t.Context(), keyedEvents(other, 5)) {
			require.Equal(t, problem.Unavailable, problem.CodeOf(r.Err))
		}
		four := w.sendAll(t, keyedEvents(other, 4))
		release()
		for _, r := range slices.Concat(six(), four()) {
			require.NoError(t, r.Err)
		}
		for _, s := range busy {
			_, err := s.wait()
			require.NoError(t, err)
		}
		require.Equal(t, len(busy)+10, w.count(t, "events"))
		require.Empty(t, w.AcceptAll(t.Context(), nil))
		w.Close()
		for _, r := range w.AcceptAll(t.Context(), keyedEvents(account, 2)) {
			require.Equal(t, problem.Unavailable, problem.CodeOf(r.Err))
		}
	})
}

func TestWhoGivesUpOnManyEventsIsToldThatTheyMayHaveBeenAccepted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t, 0)
		release, busy := w.holdAll(t, account)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, r := range w.AcceptAll(ctx, keyedEvents(account, 3)) {
			require.Equal(t, problem.Unavailable, problem.CodeOf(r.Err))
			require.ErrorIs(t, r.Err, context.Canceled)
		}
		release()
		w.Close()
		require.Equal(t, len(busy)+3, w.count(t, "events"))
	})
}

// An event of another account does not wait for those of one that floods.
func TestAFloodIsNotInTheWayOfOtherAccounts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxBatch, o.MaxWaiting = 10, 400 })
		flooding, other := w.account(t, 0), w.account(t, 0)
		release, busy := w.holdAll(t, flooding)
		flood := w.sendAll(t, keyedEvents(flooding, 300))
		_, err := w.Accept(t.Context(), event(flooding))
		require.Equal(t, problem.Unavailable, problem.CodeOf(err), "it has its share")
		two := []*sent{w.send(t, event(other)), w.send(t, event(other))}
		release()
		ids := make([]string, 2)
		for i, s := range two {
			r, err := s.wait()
			require.NoError(t, err)
			ids[i] = r.EventID
		}
		for _, r := range flood() {
			require.NoError(t, r.Err)
		}
		for _, s := range busy {
			_, err := s.wait()
			require.NoError(t, err)
		}
		require.Equal(t, len(busy)+302, w.count(t, "events"))
		w.runs.mu.Lock()
		defer w.runs.mu.Unlock()
		next := w.runs.tickets[len(busy)].events
		require.Len(t, next, 10)
		if db.Postgres() && !slices.Contains(next, ids[0]) { // the other committer was first
			next = w.runs.tickets[len(busy)+1].events
		}
		require.Subset(t, next, ids, "the first batch has both")
	})
}

// A run's id can be an event's: what is tried again gets new ids.
func TestNoIdIsGivenToTwoRuns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.refuse(t)
		account := w.account(t, 1)
		guilty := keyed(account, "k", "1")
		guilty.EventType = "guilty"
		results := w.AcceptAll(t.Context(), []ingest.Event{event(account), guilty, keyed(account, "k", "1"), event(account)})
		for i, code := range []problem.Code{"", problem.Invalid, "", ""} {
			require.Equal(t, code, problem.CodeOf(results[i].Err), i)
		}
		w.runs.requireFreshIDs(t)
	})
}

// A key that ends between an insert that finds it taken and the look at whose it is.
func TestWhatIsInsertedAgainGetsANewID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var w *world
		var ends atomic.Bool
		w = newWorld(t, db, func(o *ingest.Options) {
			o.Fail(ingest.Failures{After: func(int, []string) error {
				if ends.CompareAndSwap(true, false) {
					w.exec(t, "UPDATE idempotency_keys SET expires_at = $1", time.Now().UTC().Add(-time.Millisecond))
				}
				return nil
			}})
		})
		account := w.account(t, 1)
		first := w.accept(t, keyed(account, "k", "1"))
		ends.Store(true)
		second := w.accept(t, keyed(account, "k", "1"))
		require.False(t, second.Duplicate)
		require.NotEqual(t, first.EventID, second.EventID)
		w.runs.requireFreshIDs(t)
	})
}

// requireFreshIDs looks whether each id was in one batch alone.
func (r *runs) requireFreshIDs(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, ticket := range r.tickets {
		for _, id := range ticket.events {
			require.False(t, seen[id], "%s of %s", id, ticket.id)
			seen[id] = true
		}
	}
}

// What comes in bulk is accepted while its account is busy, without a lease: its
// first attempts are the engine's, whenever it comes to them.
func TestBulkOfABusyAccountIsDeferred(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.Busy = func(string) bool { return true } })
		account := w.account(t, 2)
		for _, r := range w.AcceptAll(t.Context(), keyedEvents(account, 10)) {
			require.NoError(t, r.Err)
			require.Equal(t, 2, r.Receipt.Deliveries)
		}
		committed := w.runs.deliveries(t)
		require.Len(t, committed, 20)
		for _, d := range committed {
			require.True(t, d.Deferred)
		}
		require.Equal(t, 20, w.count(t, "deliveries WHERE status = 'PENDING' AND lease_until <= next_attempt_at"))
	})
}

// Of each commit that is deferred somebody is told, and of how much waits.
func TestDeferredCommitsAreTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var mu sync.Mutex
		var told [][2]int
		w := newWorld(t, db, func(o *ingest.Options) {
			o.MaxBatch = 4
			o.Busy = func(string) bool { return true }
			o.Deferred = func(events, waiting int) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, [2]int{events, waiting})
			}
		})
		account := w.account(t, 1)
		w.AcceptAll(t.Context(), keyedEvents(account, 10))
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, [][2]int{{4, 6}, {4, 2}, {2, 0}}, told)
	})
}
