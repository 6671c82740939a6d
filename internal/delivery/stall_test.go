package delivery_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

// TestWhatIsAnothersByNowIsNotSent: the engine does not know whether the process has
// the run still. Nothing is sent, nor taken from whoever may be at it.
func TestWhatIsAnothersByNowIsNotSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		stale := workflows.WithOurs(t.Context(), func() bool { return false })
		account := w.account(t)
		id := w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(20)...) // more than may stay with a run if they find no place
		before := map[string]stored{}
		for _, d := range all {
			before[d.ID] = w.row(t, d.ID)
		}
		_, err := w.First(stale, run)
		require.ErrorContains(t, err, "stood still")
		_, err = w.Attempt(stale, run, all[0].ID)
		require.ErrorContains(t, err, "stood still")
		require.Empty(t, r.Requests())
		for _, d := range all {
			require.Equal(t, before[d.ID], w.row(t, d.ID))
		}
		runs, _ := w.engine.taken()
		require.Empty(t, runs)

		w.exec(t, "UPDATE deliveries SET status = 'PARKED', run = '', lease_until = NULL")
		w.drains(t, id)
		_, _, err = w.Step(stale, workflows.Lane(id))
		require.ErrorContains(t, err, "stood still")
		require.Empty(t, r.Requests())
		require.Zero(t, w.count(t, "deliveries WHERE status <> 'PARKED' OR run <> ''"), "they are put back")
		w.turns(t, id)
		require.Len(t, r.Requests(), len(all))
	})
}

// stalling is a sender whose process stands still while it sends for the first time.
type stalling struct {
	delivery.Sender
	once  sync.Once
	stall func()
}

func (s *stalling) Send(ctx context.Context, r *sender.Request) sender.Result {
	result := s.Sender.Send(ctx, r)
	s.once.Do(s.stall)
	return result
}

// TestWhatWasReadBeforeAStallIsLookedAtAgain: first attempts wait for their place, in
// memory, while their process stands still and another makes them.
func TestWhatWasReadBeforeAStallIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, headStart := range []bool{true, false} {
			name := map[bool]string{true: "the head start", false: "a run"}[headStart]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var stood atomic.Int64
				s := &stalling{}
				w := newWorld(t, db, func(o *delivery.Options) {
					o.Now = func() time.Time { return time.Now().Add(time.Duration(stood.Load())) }
					s.Sender, o.Sender = o.Sender, s
				})
				r := receiver.New(t)
				account := w.account(t)
				destination := w.destination(t, account, r.URL)
				for range 127 { // so that one is sent after the other
					require.True(t, w.TakePlace(account, destination))
				}
				run, lease := delivery.NewRun(), time.Duration(0)
				if headStart {
					lease = delivery.Lease
				}
				all := w.commit(t, run, lease, account, numbers(3)...)
				s.stall = func() {
					stood.Store(int64(25 * time.Second))
					w.exec(t, "UPDATE deliveries SET status = 'SUCCEEDED', attempt_count = 1, settled_at = created_at WHERE run = $1", run)
				}
				if headStart {
					w.Begin(run, all)
				}
				outcomes, err := w.First(t.Context(), run)
				require.NoError(t, err)
				require.Len(t, outcomes, len(all))
				for _, o := range outcomes {
					require.Equal(t, workflows.Settled, o.State)
					require.Equal(t, 1, o.Attempts)
				}
				require.Len(t, r.Requests(), 1)
			})
		}
	})
}

// TestWhatHasWaitedLongIsSent: it is looked at again, and nobody else has had it.
func TestWhatHasWaitedLongIsSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var passed atomic.Int64
		s := &stalling{stall: func() { passed.Store(int64(6 * time.Second)) }}
		w := newWorld(t, db, func(o *delivery.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
			s.Sender, o.Sender = o.Sender, s
		})
		r := receiver.New(t)
		account := w.account(t)
		destination := w.destination(t, account, r.URL)
		for range 127 { // so that one is sent after the other
			require.True(t, w.TakePlace(account, destination))
		}
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(3)...)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, outcomes, len(all))
		for _, o := range outcomes {
			require.Equal(t, "SUCCEEDED", o.Status)
		}
		require.Len(t, r.Requests(), len(all))
	})
}

// TestAHeadStartThatComesLate: the process stood still before it began. For as long as
// the lease holds nobody else has begun; afterwards whoever has the run may have.
func TestAHeadStartThatComesLate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, c := range map[string]struct {
			change string
			sent   int
		}{
			"the lease holds":          {"UPDATE deliveries SET reason = NULL WHERE id = $1", 1},
			"the lease is over":        {"UPDATE deliveries SET lease_until = created_at WHERE id = $1", 0},
			"another is at it":         {"UPDATE deliveries SET status = 'DELIVERING' WHERE id = $1", 0},
			"it has another owner":     {"UPDATE deliveries SET run = 'batch/other' WHERE id = $1", 0},
			"it was parked":            {"UPDATE deliveries SET status = 'PARKED', run = '' WHERE id = $1", 0},
			"another has failed at it": {"UPDATE deliveries SET status = 'RETRYING', attempt_count = 1 WHERE id = $1", 0},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				r := receiver.New(t)
				run, d := w.one(t, r.URL, delivery.Lease)
				w.exec(t, c.change, d.ID)
				require.WithinDuration(t, time.Now(), d.Since, 10*time.Second)
				d.Since = d.Since.Add(-6 * time.Second)
				core := w.core(t)
				core.Begin(run, []ingestDelivery{d})
				core.Close()
				require.Len(t, r.Requests(), c.sent)
			})
		}
	})
}

// TestALaneThatComesBackSendsNothing: what it took it has no more.
func TestALaneThatComesBackSendsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var stood atomic.Int64
		s := &stalling{}
		w := newWorld(t, db, func(o *delivery.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(stood.Load())) }
			s.Sender, o.Sender = o.Sender, s
		})
		r := receiver.New(t)
		account := w.account(t)
		destination := w.destination(t, account, r.URL)
		w.commit(t, delivery.NewRun(), 0, account, numbers(3)...)
		w.exec(t, "UPDATE deliveries SET status = 'PARKED', run = '', lease_until = NULL")
		w.drains(t, destination)
		w.exec(t, "UPDATE destinations SET state_since = $1", time.Now().UTC().Add(-time.Hour)) // several at a time
		for range 127 {
			require.True(t, w.TakePlace(account, destination))
		}
		s.stall = func() { stood.Store(int64(25 * time.Second)) }
		_, _, err := w.Step(t.Context(), workflows.Lane(destination))
		require.NoError(t, err)
		require.Len(t, r.Requests(), 1)
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED' AND run = ''"), "the others are put back")
	})
}

// TestWhatIsAnothersByNowIsNotParked: it found no place, and its process stood still
// while it waited. Parked it would have no owner, whoever is at it.
func TestWhatIsAnothersByNowIsNotParked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		destination := w.destination(t, account, "https://example.com/")
		for range 128 {
			require.True(t, w.TakePlace(account, destination))
		}
		run := delivery.NewRun()
		d := w.commit(t, run, 0, account, "{}")[0]
		stale := workflows.WithOurs(t.Context(), func() bool { return false })
		_, err := w.First(stale, run)
		require.ErrorContains(t, err, "stood still")
		_, err = w.Attempt(stale, run, d.ID)
		require.ErrorContains(t, err, "stood still")
		require.Equal(t, "PENDING", w.row(t, d.ID).Status)
		require.Zero(t, w.count(t, "destinations WHERE draining"))
	})
}
