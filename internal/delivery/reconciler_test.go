package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

func TestOnlyWhatIsOverdueIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, delivery.Lease)
		w.overdue(t, run, 8*time.Second) // its engine may be a little late
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ := w.engine.taken()
		require.Empty(t, taken)

		w.overdue(t, run, 11*time.Second)
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ = w.engine.taken()
		require.Equal(t, []workflows.Run{{ID: run, Summary: "handed over again", Overdue: true}}, taken)
		near(t, 30*time.Second, time.Until(w.row(t, d.ID).Lease.Time))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ = w.engine.taken()
		require.Empty(t, taken, "it is left in peace for a while")
	})
}

// Whoever gets what was handed over again attempts it at once: the renewed lease
// keeps the reconciler away, nobody else.
func TestWhatWasHandedOverAgainIsAttemptedAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, status := range []string{"PENDING", "DELIVERING"} {
			for _, lease := range []time.Duration{0, delivery.Lease} {
				w := newWorld(t, db)
				r := receiver.New(t)
				run, d := w.one(t, r.URL, lease)
				// As time would have it: the lease ended a grace ago, and is as old as the delivery.
				now := time.Now().UTC()
				w.exec(t, "UPDATE deliveries SET status = $1, lease_until = $2, next_attempt_at = $3, created_at = $3 WHERE id = $4",
					status, now.Add(-11*time.Second), now.Add(-11*time.Second-lease), d.ID)
				require.NoError(t, w.ReconcileOnce(t.Context()))
				require.Equal(t, "PENDING", w.row(t, d.ID).Status)
				o := w.first(t, run)
				require.Equal(t, "SUCCEEDED", o.Status)

				run, d = w.one(t, r.URL, lease)
				w.exec(t, "UPDATE deliveries SET status = $1, lease_until = $2, next_attempt_at = $3, created_at = $3 WHERE id = $4",
					status, now.Add(-11*time.Second), now.Add(-11*time.Second-lease), d.ID)
				require.NoError(t, w.ReconcileOnce(t.Context()))
				require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
				require.Len(t, r.Requests(), 2)
			}
		}
	})
}

func TestAClosedRunIsMovedToANewOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, delivery.Lease, account, "1", "2", "3", "4")
		late, retrying, begun, settled := all[0].ID, all[1].ID, all[2].ID, all[3].ID
		w.overdue(t, run, time.Minute)
		later := time.Now().UTC().Add(time.Hour)
		w.exec(t, "UPDATE deliveries SET status = 'RETRYING', attempt_count = 1, next_attempt_at = $1, lease_until = $1 WHERE id = $2", later, retrying)
		w.exec(t, "UPDATE deliveries SET status = 'DELIVERING', lease_until = $1 WHERE id = $2", time.Now().UTC().Add(10*time.Second), begun)
		w.exec(t, "UPDATE deliveries SET status = 'SUCCEEDED' WHERE id = $1", settled)
		w.engine.refuse = func(id string) error {
			if id == run {
				return fmt.Errorf("dispatch: %w", workflows.ErrRunClosed)
			}
			return nil
		}
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ := w.engine.taken()
		require.Len(t, taken, 1)
		fresh := taken[0]
		want := []string{late, retrying}
		slices.Sort(want)
		require.Equal(t, want[0]+"\n"+want[1], fresh.Details)
		require.NotEqual(t, run, fresh.ID)
		require.Equal(t, fresh.ID, w.row(t, late).Run)
		require.Equal(t, fresh.ID, w.row(t, retrying).Run)
		require.WithinDuration(t, later, w.row(t, retrying).Lease.Time, time.Second, "it is not due any sooner")
		require.Equal(t, run, w.row(t, begun).Run, "whose attempt goes on keeps its owner")
		require.Equal(t, run, w.row(t, settled).Run)

		_, err := w.Attempt(t.Context(), run, late)
		require.ErrorIs(t, err, workflows.ErrNotOwner)
		outcomes, err := w.First(t.Context(), fresh.ID)
		require.NoError(t, err)
		require.Len(t, outcomes, 2)
		for _, o := range outcomes {
			if o.DeliveryID == late {
				require.Equal(t, "SUCCEEDED", o.Status)
			} else {
				near(t, time.Hour, o.After)
			}
		}
		require.Len(t, r.Requests(), 1)
	})
}

func TestARunThatTheEngineRefusesHoldsNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var all []string
		for range 4 {
			run, _ := w.one(t, "http://127.0.0.1:1/", 0)
			w.overdue(t, run, time.Minute)
			all = append(all, run)
		}
		slices.Sort(all)
		w.engine.refuse = func(id string) error {
			if id == all[0] {
				return errors.New("too strange")
			}
			return nil
		}
		account := w.account(t)
		d := w.destination(t, account, "http://127.0.0.1:1/")
		w.exec(t, "UPDATE destinations SET state = 'PAUSED' WHERE id = $1", d)
		require.Empty(t, w.commit(t, delivery.NewRun(), 0, account, "{}"))
		w.exec(t, "UPDATE destinations SET state = 'SENDING' WHERE id = $1", d)

		err := w.ReconcileOnce(t.Context())
		require.ErrorContains(t, err, "too strange")
		require.ErrorContains(t, err, all[0])
		taken, woken := w.engine.taken()
		var ids []string
		for _, r := range taken {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		require.Equal(t, all[1:], ids)
		require.Equal(t, []string{workflows.Lane(d)}, woken)
	})
}

func TestAnEngineThatIsAwayEndsTheLookSoon(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		w.destination(t, account, "http://127.0.0.1:1/")
		for range 20 {
			run := delivery.NewRun()
			w.commit(t, run, 0, account, "{}")
			w.overdue(t, run, time.Minute)
		}
		asked := 0
		w.engine.refuse = func(string) error { asked++; return errors.New("away") }
		require.ErrorContains(t, w.ReconcileOnce(t.Context()), "away")
		require.Equal(t, 5, asked)
		w.engine.refuse = nil
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ := w.engine.taken()
		require.Len(t, taken, 20)
	})
}

// Everything that the engine knew is gone; the database says what there is to do.
func TestAWipedEngineGetsEverythingBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		for range 3 {
			w.destination(t, account, r.URL)
		}
		runs := map[string]bool{}
		for range 4 {
			run := delivery.NewRun()
			runs[run] = true
			w.commit(t, run, delivery.Lease, account, "1", "2", "3")
			w.overdue(t, run, time.Minute)
		}
		w.exec(t, "UPDATE deliveries SET attempt_count = 2, status = 'RETRYING' WHERE destination_id = (SELECT min(id) FROM destinations)")
		now := time.Now().UTC()
		w.exec(t, "UPDATE deliveries SET next_attempt_at = $1", now.Add(-time.Minute))

		w.engine = &engine{} // the new one is empty
		w.Use(w.engine)
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ := w.engine.taken()
		require.Len(t, taken, 4)
		for _, run := range taken {
			require.True(t, runs[run.ID])
			outcomes, err := w.First(t.Context(), run.ID)
			require.NoError(t, err)
			require.Len(t, outcomes, 9)
			for _, o := range outcomes {
				require.NotEmpty(t, o.Label)
				if o.State == workflows.Again {
					o = w.attempt(t, run.ID, o.DeliveryID)
					require.Equal(t, 3, o.Attempts)
				}
				require.Equal(t, "SUCCEEDED", o.Status)
			}
		}
		require.Len(t, r.Requests(), 36)
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ = w.engine.taken()
		require.Empty(t, taken)
	})
}

func TestLanesThatHaveAReasonToDrainAreWoken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		var ids []string
		for range 4 {
			d := w.destination(t, account, "http://127.0.0.1:1/")
			w.state(t, d, destination.StatePaused)
			ids = append(ids, d)
		}
		w.commit(t, delivery.NewRun(), 0, account, "{}")
		idle := w.destination(t, account, "http://127.0.0.1:1/")
		w.state(t, ids[1], destination.StateSending)
		w.exec(t, "UPDATE destinations SET deleted_at = $1 WHERE id = $2", time.Now().UTC(), ids[2])
		require.NoError(t, w.ReconcileOnce(t.Context()))
		_, woken := w.engine.taken()
		require.ElementsMatch(t, []string{workflows.Lane(ids[1]), workflows.Lane(ids[2])}, woken)
		require.NotContains(t, woken, workflows.Lane(idle))

		_, done, err := w.Step(t.Context(), workflows.Lane(ids[2]))
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, 1, w.count(t, "deliveries WHERE status = 'CANCELED' AND reason = 'destination_deleted' AND settled_at IS NOT NULL"))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		_, woken = w.engine.taken()
		require.Equal(t, []string{workflows.Lane(ids[1])}, woken)
	})
}

func TestReconcileWorksUntilItsEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		run, _ := w.one(t, "http://127.0.0.1:1/", 0)
		w.overdue(t, run, time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		taken, ended := make(chan string), make(chan struct{})
		w.engine.refuse = func(run string) error { taken <- run; return nil }
		go func() {
			defer close(ended)
			w.Reconcile(ctx)
		}()
		require.Equal(t, run, <-taken, "it begins at once")
		cancel()
		<-ended
	})
}
