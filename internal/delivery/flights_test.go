package delivery_test

import (
	"fmt"
	"slices"
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

// Head starts, first attempts and further ones come at the same time, in the
// process that accepted and in others. Every event arrives once.
func TestWhoeverCallsWhenEverySendingHappensOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		other := w.core(t)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		w.destination(t, account, r.URL)
		const runs, events = 10, 5
		var wg sync.WaitGroup
		for n := range runs {
			run := delivery.NewRun()
			all := w.commit(t, run, delivery.Lease, account, slices.Repeat([]string{"{}"}, events)...)
			require.Len(t, all, 2*events)
			switch n % 3 {
			case 0: // the dispatch is much slower than the head start
				w.Begin(run, all)
			case 1: // nearly as fast
				wg.Go(func() { w.Begin(run, all) })
			case 2: // there was none: the process went down
				w.overdue(t, run, time.Second)
			}
			for _, core := range []*delivery.Core{w.Core, other} {
				if n%3 != 0 && core == other {
					continue // one process gets the run's first attempts
				}
				wg.Go(func() {
					outcomes, err := core.First(t.Context(), run)
					if err != nil {
						t.Error(err)
					}
					for _, o := range outcomes {
						if core == w.Core && n%3 == 0 && o.State != workflows.Settled {
							t.Error("it was made in this process", o)
						}
						if o, err := core.Attempt(t.Context(), run, o.DeliveryID); err != nil || o.State == workflows.Again {
							t.Error(o, err)
						}
					}
				})
			}
		}
		wg.Wait()
		r.Wait(t, runs*events*2)
		w.Close()
		other.Close()
		seen := map[string]int{}
		for _, q := range r.Requests() {
			seen[q.Header.Get("webhook-id")]++
		}
		require.Len(t, seen, runs*events)
		for id, n := range seen {
			require.Equal(t, 2, n, id)
		}
		require.Equal(t, runs*events*2, w.count(t, "deliveries WHERE status = 'SUCCEEDED' AND attempt_count = 1"))
		require.Equal(t, runs*events*2, w.count(t, "attempts"))
	})
}

// The engine calls First again while the first call goes on: a task was lost.
func TestFirstTwiceAtTheSameTimeSendsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := receiver.New(t, receiver.Until(release, receiver.Status(200)))
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		w.commit(t, run, 0, account, "1", "2", "3")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				outcomes, err := w.First(t.Context(), run)
				if err != nil || len(outcomes) != 3 {
					t.Error(outcomes, err)
				}
			})
		}
		r.Wait(t, 3)
		wg.Wait() // all report them open
		close(release)
		w.Close()
		require.Len(t, r.Requests(), 3)
		require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"))
	})
}

// An engine that does not come for its runs must not fill the memory.
func TestRunsThatNobodyComesForAreForgotten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		const n = 1010
		payloads := make([]string, n)
		for i := range payloads {
			payloads[i] = fmt.Sprint(i)
		}
		run := delivery.NewRun()
		all := w.commit(t, run, delivery.Lease, account, payloads...)
		w.exec(t, "UPDATE deliveries SET run = 'event/' || id")
		for i, d := range all {
			w.Begin("event/"+d.ID, all[i:i+1])
			if i == 1000 {
				w.first(t, "event/"+all[0].ID) // what is remembered is joined
				w.first(t, "event/"+d.ID)
			}
		}
		runs, bytes := w.Flights()
		require.Less(t, runs, 1000)
		require.Zero(t, bytes, "payloads are not kept for that")
	})
}
