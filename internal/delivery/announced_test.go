package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

// What another process has committed is attempted without the engine, and the engine's
// calls find nothing to do, in whichever process they come.
func TestAnAnnouncedRunIsBegun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		w.Announced(context.Background(), []string{run, "batch/unknown"})
		r.Wait(t, 1)
		for _, c := range []*delivery.Core{w.core(t), w.Core} {
			all, err := c.First(t.Context(), run)
			require.NoError(t, err)
			for _, o := range all { // it joins, or what it was there for is settled
				require.Equal(t, "SUCCEEDED", o.Status)
			}
		}
		w.Announced(context.Background(), []string{run})
		w.Close()
		require.Len(t, r.Requests(), 1)
		require.Equal(t, []attempted{{ID: w.attempts(t, d.ID)[0].ID, Number: 1, Status: 200}}, w.attempts(t, d.ID))
		require.Equal(t, "SUCCEEDED", w.row(t, d.ID).Status)
		w.Announced(context.Background(), []string{run}) // it has ended
	})
}

// However many hear of a run, and whoever gets it from the engine at the same time: each
// delivery is sent once.
func TestAFirstAttemptIsMadeByOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(150)...)
		var wg sync.WaitGroup
		cores := []*delivery.Core{w.Core, w.core(t), w.core(t)}
		for _, c := range cores {
			wg.Go(func() { c.Announced(context.Background(), []string{run, run}) })
			wg.Go(func() {
				if _, err := c.First(context.WithoutCancel(t.Context()), run); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				for _, d := range all[:20] {
					if _, err := c.Attempt(context.WithoutCancel(t.Context()), run, d.ID); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, c := range cores {
			c.Close()
		}
		sent := map[string]int{}
		for _, one := range r.Requests() {
			sent[one.Header.Get("webhook-id")]++
		}
		require.Len(t, sent, 150)
		for event, n := range sent {
			require.Equal(t, 2, n, event) // one for each destination
		}
		require.Zero(t, w.count(t, "deliveries WHERE status <> 'SUCCEEDED'"))
	})
}

// As long as a process is at what it took, the engine's call in another one waits for
// its budget, and says when the lease is over. It fits the destination's deadline.
func TestWhatAnotherProcessTookIsWaitedFor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, c := range map[string]struct {
			timeout, lease time.Duration
		}{
			"the usual deadline": {0, delivery.Lease + 5*time.Second},
			"a long one":         {25 * time.Second, 32 * time.Second},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				release := make(chan struct{})
				r := receiver.New(t, receiver.Until(release, receiver.Status(200)))
				run, d := w.one(t, r.URL, 0)
				if c.timeout > 0 {
					w.exec(t, "UPDATE destinations SET timeout_ms = $1 WHERE id = $2", c.timeout.Milliseconds(), d.DestinationID)
				}
				w.Announced(context.Background(), []string{run})
				r.Wait(t, 1)
				near(t, c.lease, time.Until(w.row(t, d.ID).Lease.Time))
				other := w.core(t)
				begin := time.Now()
				all, err := other.First(t.Context(), run)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(begin), delivery.Budget-100*time.Millisecond)
				require.Len(t, all, 1)
				require.Equal(t, workflows.Open, all[0].State)
				near(t, c.lease, all[0].After+time.Since(begin))
				o, err := other.Attempt(t.Context(), run, d.ID)
				require.NoError(t, err)
				require.Equal(t, workflows.Open, o.State)

				time.AfterFunc(50*time.Millisecond, func() { close(release) })
				all, err = other.First(t.Context(), run)
				require.NoError(t, err)
				require.Empty(t, all, "it is settled")
				require.Len(t, r.Requests(), 1)
			})
		}
	})
}

// Of a run that several have taken of, each has its own.
func TestARunIsShared(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(2)...)
		w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE id = $2", time.Now().UTC().Add(delivery.Lease), all[0].ID)
		w.Announced(context.Background(), []string{run})
		r.Wait(t, 1)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		states := map[string]workflows.State{}
		for _, o := range outcomes {
			states[o.DeliveryID] = o.State
		}
		require.Equal(t, workflows.Open, states[all[0].ID], "another is at it")
		require.Len(t, r.Requests(), 1)
	})
}

// The engine's call comes twice, and the process is at part of a run that others are at,
// too.
func TestWhatOthersTookIsTheirsAtEachCall(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		defer close(release)
		r := receiver.New(t, receiver.Until(release, receiver.Status(200)))
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(2)...)
		w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE id = $2", time.Now().UTC().Add(delivery.Lease), all[0].ID)
		for range 2 {
			outcomes, err := w.First(t.Context(), run)
			require.NoError(t, err)
			require.Len(t, outcomes, 2)
			for _, o := range outcomes {
				require.Equal(t, workflows.Open, o.State)
			}
			require.Len(t, r.Requests(), 1)
		}
	})
}

// What another process has taken meanwhile stays with its run, which asks for it when
// the lease is over.
func TestWhatIsTakenIsNotMoved(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		w.destination(t, account, "https://example.com/")
		run := delivery.NewRun()
		var ids []string
		for _, d := range w.commit(t, run, 0, account, numbers(5)...) {
			ids = append(ids, d.ID)
		}
		later := time.Now().UTC().Add(delivery.Lease)
		w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE id = $2", later, ids[0])
		w.exec(t, "UPDATE deliveries SET lease_until = $1, status = 'DELIVERING', next_attempt_at = $2 WHERE id = $3", later, later.Add(-time.Hour), ids[1])
		w.exec(t, "UPDATE deliveries SET lease_until = $1, status = 'RETRYING', attempt_count = 1, next_attempt_at = $1 WHERE id = $2", later, ids[2])
		w.exec(t, "UPDATE deliveries SET lease_until = $1, next_attempt_at = $1 WHERE id = $2", later, ids[4]) // postponed
		stay, err := w.Move(t.Context(), run, ids)
		require.NoError(t, err)
		require.Len(t, stay, 2)
		for i, o := range stay {
			require.Equal(t, ids[i], o.DeliveryID)
			require.Equal(t, workflows.Open, o.State)
			near(t, delivery.Lease+5*time.Second, o.After)
			require.Equal(t, run, w.row(t, ids[i]).Run)
		}
		moved, _ := w.engine.taken()
		require.Len(t, moved, 1)
		require.Equal(t, moved[0].ID, w.row(t, ids[2]).Run)
		require.Equal(t, moved[0].ID, w.row(t, ids[3]).Run)
		require.Equal(t, moved[0].ID, w.row(t, ids[4]).Run)
	})
}

// A process that has no room takes nothing, and what found no place is the engine's at
// once. A closed one takes nothing either.
func TestWhatIsAnnouncedNeedsRoom(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		t.Run("its account has no place left", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db)
			release := make(chan struct{})
			defer close(release)
			hangs := receiver.New(t, receiver.Until(release, receiver.Status(200)))
			account := w.account(t)
			for i := range 383 { // an account has one more, and a destination 128
				require.True(t, w.TakePlace(account, fmt.Sprintf("dst_%d", i/100)))
			}
			w.destination(t, account, hangs.URL)
			w.destination(t, account, hangs.URL)
			run := delivery.NewRun()
			w.commit(t, run, 0, account, "{}")
			leased := func() int {
				return w.count(t, "deliveries WHERE run = $1 AND lease_until > $2", run, time.Now().UTC().Add(10*time.Second))
			}
			w.Announced(context.Background(), []string{run})
			require.Eventually(t, func() bool { return leased() == 2 }, time.Minute, time.Millisecond, "both are taken")
			require.Eventually(t, func() bool { return leased() == 1 }, 8*time.Second, time.Millisecond, "and one is given back, though the other hangs")
			require.Len(t, hangs.Requests(), 1)
			all, err := w.core(t).First(t.Context(), run)
			require.NoError(t, err)
			require.Len(t, all, 2)
			require.Len(t, hangs.Requests(), 2)
		})
		t.Run("an account has enough", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db)
			busy, calm := receiver.New(t), receiver.New(t)
			one, other := w.account(t), w.account(t)
			w.destination(t, one, busy.URL)
			w.destination(t, other, calm.URL)
			run := delivery.NewRun()
			w.commit(t, run, 0, one, numbers(3)...)
			w.commit(t, run, 0, other, numbers(3)...)
			w.Flood(one)
			w.Announced(context.Background(), []string{run})
			calm.Wait(t, 3)
			w.Close()
			require.Empty(t, busy.Requests())
		})
		t.Run("the process drains", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db)
			r := receiver.New(t)
			run, d := w.one(t, r.URL, 0)
			before := w.row(t, d.ID)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			w.Announced(ctx, []string{run})
			w.Close()
			require.Equal(t, before, w.row(t, d.ID))
			require.Empty(t, r.Requests())
		})
		for name, prepare := range map[string]func(*world){
			"the process is crowded": func(w *world) { w.Crowd() },
			"the process has ended":  func(w *world) { w.Close() },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				r := receiver.New(t)
				run, d := w.one(t, r.URL, 0)
				before := w.row(t, d.ID)
				prepare(w)
				w.Announced(context.Background(), []string{run})
				w.Close()
				require.Equal(t, before, w.row(t, d.ID))
				require.Empty(t, r.Requests())
			})
		}
	})
}

// What is settled, leased, postponed, parked or has been attempted is nobody's to take,
// nor what the run does not own; what was handed over again is.
func TestOnlyWhatNobodyHasIsTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, c := range map[string]struct {
			change string
			from   []time.Duration // now
			sent   int
		}{
			"nobody has it":               {"reason = NULL", nil, 1},
			"another has it":              {"lease_until = $1", []time.Duration{20 * time.Second}, 0},
			"another had it":              {"lease_until = $1", []time.Duration{-time.Second}, 1},
			"another delivers":            {"lease_until = $1, next_attempt_at = $2, status = 'DELIVERING'", []time.Duration{20 * time.Second, -time.Hour}, 0},
			"another has delivered":       {"lease_until = $1, status = 'DELIVERING'", []time.Duration{-time.Second}, 1},
			"the reconciler has renewed":  {"lease_until = $1, next_attempt_at = $2", []time.Duration{30 * time.Second, -time.Hour}, 1},
			"it is for later":             {"lease_until = $1, next_attempt_at = $1, status = 'RETRYING'", []time.Duration{20 * time.Second}, 0},
			"it has been attempted":       {"attempt_count = 1, status = 'RETRYING'", nil, 0},
			"it is parked":                {"status = 'PARKED', run = ''", nil, 0},
			"it has succeeded":            {"status = 'SUCCEEDED'", nil, 0},
			"it is canceled":              {"status = 'CANCELED'", nil, 0},
			"another run owns it":         {"run = 'batch/other'", nil, 0},
			"its own side failed, and it": {"status = 'RETRYING', reason = 'internal_error'", nil, 1},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				r := receiver.New(t)
				run, d := w.one(t, r.URL, 0)
				var at []any
				for _, d := range c.from {
					at = append(at, time.Now().UTC().Add(d))
				}
				w.exec(t, fmt.Sprintf("UPDATE deliveries SET %s WHERE id = '%s'", c.change, d.ID), at...)
				before := w.row(t, d.ID)
				w.Announced(context.Background(), []string{run})
				w.Close()
				require.Len(t, r.Requests(), c.sent)
				if c.sent == 0 {
					require.Equal(t, before, w.row(t, d.ID))
				}
			})
		}
	})
}

// A process that stood still since it took a delivery has lost it: another has taken it,
// and is at it.
func TestWhatWasTakenAndLostIsNotSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := &stalling{}
		w := newWorld(t, db)
		release := make(chan struct{})
		r := receiver.New(t, receiver.Status(200), receiver.Until(release, receiver.Status(200)))
		account := w.account(t)
		destination := w.destination(t, account, r.URL)
		run := delivery.NewRun()
		w.commit(t, run, 0, account, numbers(2)...)
		other := w.core(t)

		var stood time.Duration
		var mu sync.Mutex
		w.options.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(stood)
		}
		s.Sender, w.options.Sender = w.options.Sender, s
		s.stall = func() {
			mu.Lock()
			stood = 40 * time.Second // its lease was over long ago
			mu.Unlock()
			w.overdue(t, run, time.Second)
			other.Announced(context.Background(), []string{run})
			r.Wait(t, 2)
		}
		stalled := w.core(t)
		for range 127 { // so that one is sent after the other
			require.True(t, stalled.TakePlace(account, destination))
		}
		stalled.Announced(context.Background(), []string{run})
		r.Wait(t, 2)
		stalled.Close()
		close(release)
		other.Close()
		require.Len(t, r.Requests(), 3, "what it had sent before is sent again, and nothing else twice")
	})
}

// One that fails on our own side is the engine's at once, and has used up no attempt.
func TestWhatFailedOnOurOwnSideIsNotHeld(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) })
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE destinations SET http_method = 'QUERY' WHERE id = $1", d.DestinationID)
		_, err := w.Attempt(t.Context(), run, d.ID)
		require.ErrorContains(t, err, "not known to this version")
		row := w.row(t, d.ID)
		near(t, 0, time.Until(row.Lease.Time))
		require.Equal(t, 0, row.Attempts)
	})
}
