package delivery_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

func TestAHeadStartIsJoined(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("thanks")) })
		run, d := w.one(t, r.URL+"/hook?secret=x", delivery.Lease)
		w.Begin(run, []ingestDelivery{d})
		o := w.first(t, run)
		require.Equal(t, workflows.Outcome{
			DeliveryID: d.ID, AccountID: d.AccountID, DestinationID: d.DestinationID,
			Label: "POST " + strings.TrimPrefix(r.URL, "http://") + " (shop)",
			State: workflows.Settled, Status: "SUCCEEDED", Result: "200", Attempts: 1, Millis: o.Millis,
		}, o)

		got := r.Requests()
		require.Len(t, got, 1)
		require.Equal(t, `{"a":1}`, string(got[0].Body))
		require.Equal(t, d.EventID, got[0].Header.Get("webhook-id"))
		require.NotEmpty(t, got[0].Header.Get("webhook-signature"))
		require.Equal(t, "7", got[0].Header.Get("X-Shop"))

		row := w.row(t, d.ID)
		require.True(t, row.Settled.Valid)
		row.Settled.Time = time.Time{}
		row.Settled.Valid = false
		require.Equal(t, stored{Status: "SUCCEEDED", Run: run, Attempts: 1}, row)
		require.Equal(t, []attempted{{ID: id.AttemptOf(d.ID, 1), Body: "thanks", Number: 1, Status: 200}}, w.attempts(t, d.ID))
		require.NotContains(t, w.log.String(), "secret", "the log names no URL")
		require.Contains(t, w.log.String(), "attempt delivery="+d.ID)

		again, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Empty(t, again, "there is nothing left to do")
		require.Len(t, r.Requests(), 1)
	})
}

func TestAFailedFirstAttemptIsDueAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(503))
		run, d := w.one(t, r.URL, delivery.Lease)
		w.Begin(run, []ingestDelivery{d})
		o := w.first(t, run)
		require.Equal(t, workflows.Again, o.State)
		require.Equal(t, 5*time.Second, o.After)
		require.Equal(t, "503", o.Result)
		require.Equal(t, "RETRYING", o.Status)
		row := w.row(t, d.ID)
		require.Equal(t, "RETRYING", row.Status)
		require.Equal(t, "http_503", row.Reason)
		require.Equal(t, row.Due, row.Lease)
		near(t, 5*time.Second, time.Until(row.Due.Time))
		require.False(t, row.Settled.Valid)

		// Asked again, by First or Attempt, it says when it is due and sends nothing.
		o = w.first(t, run)
		require.Equal(t, workflows.Again, o.State)
		near(t, 5*time.Second, o.After)
		require.Contains(t, o.Label, "(shop)")
		o = w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Again, o.State)
		near(t, 5*time.Second, o.After)
		require.Equal(t, 1, o.Attempts)
		require.Len(t, r.Requests(), 1)

		w.due(t, d.ID)
		o = w.attempt(t, run, d.ID)
		require.Equal(t, 2, o.Attempts)
		require.Equal(t, 5*time.Minute, o.After)
		require.Len(t, w.attempts(t, d.ID), 2)
	})
}

// Where no head start was made in this process, the one of another process is
// waited for until its lease ends; without a lease the attempt is made at once.
func TestFirstWithoutAHeadStartRespectsTheLease(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, delivery.Lease)
		o := w.first(t, run)
		require.Equal(t, workflows.Open, o.State)
		near(t, delivery.Lease, o.After)
		require.Contains(t, o.Label, "(shop)")
		o = w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Open, o.State)
		near(t, delivery.Lease, o.After)
		require.Empty(t, r.Requests())

		w.overdue(t, run, time.Second)
		require.Equal(t, workflows.Settled, w.attempt(t, run, d.ID).State)
		require.Len(t, r.Requests(), 1)

		run, _ = w.one(t, r.URL, 0)
		o = w.first(t, run)
		require.Equal(t, workflows.Settled, o.State)
		require.Equal(t, "200", o.Result)
		require.Len(t, r.Requests(), 2)
	})
}

func TestAFirstAttemptBeyondTheBudgetGoesOn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, headStart := range []bool{true, false} {
			t.Run(fmt.Sprint("head start ", headStart), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				release := make(chan struct{})
				slow := receiver.New(t, receiver.Until(release, receiver.Status(503)))
				quick := receiver.New(t)
				account := w.account(t)
				w.destination(t, account, slow.URL)
				w.destination(t, account, quick.URL)
				run := delivery.NewRun()
				var lease time.Duration
				if headStart {
					lease = delivery.Lease
				}
				all := w.commit(t, run, lease, account, "{}")
				require.Len(t, all, 2)
				if headStart {
					w.Begin(run, all)
				}
				begin := time.Now()
				outcomes, err := w.First(t.Context(), run)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(begin), delivery.Budget-100*time.Millisecond)
				require.Less(t, time.Since(begin), delivery.Budget+3*time.Second)
				require.Len(t, outcomes, 2)
				byState := map[workflows.State]workflows.Outcome{}
				for _, o := range outcomes {
					byState[o.State] = o
				}
				require.Equal(t, "SUCCEEDED", byState[workflows.Settled].Status)
				open := byState[workflows.Open]
				require.Equal(t, delivery.Lease+5*time.Second-delivery.Budget, open.After)
				require.Equal(t, "POST "+strings.TrimPrefix(slow.URL, "http://")+" (shop)", open.Label)
				row := w.row(t, open.DeliveryID)
				require.Equal(t, "DELIVERING", row.Status)
				near(t, delivery.Lease+5*time.Second-delivery.Budget, time.Until(row.Lease.Time))

				// Another process leaves it alone.
				o, err := w.core(t).Attempt(t.Context(), run, open.DeliveryID)
				require.NoError(t, err)
				require.Equal(t, workflows.Open, o.State)

				// This one joins it: by First again, and by Attempt.
				again, err := w.First(t.Context(), run)
				require.NoError(t, err)
				require.Len(t, again, 1)
				require.Equal(t, workflows.Open, again[0].State)
				joined := make(chan workflows.Outcome)
				go func() {
					o, err := w.Attempt(t.Context(), run, open.DeliveryID)
					if err != nil {
						t.Error(err)
					}
					joined <- o
				}()
				close(release)
				o = <-joined
				require.Equal(t, workflows.Again, o.State)
				require.Equal(t, "503", o.Result)
				require.Equal(t, 1, o.Attempts)
				require.Len(t, slow.Requests(), 1)
				require.Equal(t, "RETRYING", w.row(t, open.DeliveryID).Status)
			})
		}
	})
}

func TestWhatFindsNoPlaceQueuesUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		slow := receiver.New(t, receiver.Until(release, receiver.Status(200)))
		quick := receiver.New(t)
		account, other := w.account(t), w.account(t)
		w.destination(t, account, slow.URL)
		w.destination(t, other, quick.URL)
		run := delivery.NewRun()
		const places, surplus = 128, 3
		all := w.commit(t, run, delivery.Lease, account, make131()...)
		require.Len(t, all, places+surplus)
		all = append(all, w.commit(t, run, delivery.Lease, other, "{}")...)
		w.Begin(run, all)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		states := map[workflows.State][]string{}
		for _, o := range outcomes {
			states[o.State] = append(states[o.State], o.DeliveryID)
			require.NotEmpty(t, o.Label)
		}
		require.Contains(t, states[workflows.Settled], all[places+surplus].ID, "a slow destination holds nobody else")
		require.Empty(t, states[workflows.Again], "nothing waits in an activity")
		// On a busy machine the last may still be on its way into the park.
		require.Eventually(t, func() bool {
			return w.count(t, "deliveries WHERE status = 'PARKED' AND reason = 'in line' AND run = ''") == surplus
		}, time.Minute, 10*time.Millisecond)
		lane := workflows.Lane(all[0].DestinationID)
		w.engine.waitWoken(t, lane)

		// What comes now queues up behind them, at no cost.
		require.Empty(t, w.commit(t, delivery.NewRun(), delivery.Lease, account, "{}"))
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			w.turns(t, all[0].DestinationID)
		}()
		slow.Wait(t, places)
		close(release)
		<-drained
		for _, id := range states[workflows.Open] {
			require.Equal(t, workflows.Settled, w.attempt(t, run, id).State)
		}
		require.Len(t, slow.Requests(), places+surplus+1)
		require.Zero(t, w.count(t, "deliveries WHERE status <> 'SUCCEEDED'"))
		require.Zero(t, w.count(t, "destinations WHERE draining"))
	})
}

// A retry that finds no place joins the queue as well, rather than an activity
// that waits.
func TestARetryThatFindsNoPlaceQueuesUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := receiver.New(t, receiver.Status(500), receiver.Until(release, receiver.Status(200)))
		run, d := w.one(t, r.URL, 0)
		w.attempt(t, run, d.ID)
		w.due(t, d.ID)
		more := w.commit(t, delivery.NewRun(), delivery.Lease, d.AccountID, make131()[:128]...)
		w.Begin("batch/slow", more)
		r.Wait(t, 129)
		o := w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Settled, o.State)
		require.Equal(t, "PARKED", o.Status)
		require.Equal(t, "in line", w.row(t, d.ID).Reason)
		close(release)
		w.turns(t, d.DestinationID)
		require.Equal(t, "SUCCEEDED", w.row(t, d.ID).Status)
	})
}

func make131() []string {
	payloads := make([]string, 131)
	for i := range payloads {
		payloads[i] = fmt.Sprint(i)
	}
	return payloads
}

func TestWhatMustNotBeSentIsSettledWithoutAnAttempt(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		prepare func(t *testing.T, w *world, d ingestDelivery)
		payload string
		status  string
		reason  string
	}{
		"deleted": {func(t *testing.T, w *world, d ingestDelivery) {
			w.exec(t, "UPDATE destinations SET deleted_at = $1 WHERE id = $2", time.Now().UTC(), d.DestinationID)
		}, "{}", "CANCELED", "destination_deleted"},
		"gone": {func(t *testing.T, w *world, d ingestDelivery) {
			w.exec(t, "DELETE FROM destinations WHERE id = $1", d.DestinationID)
		}, "{}", "CANCELED", "destination_deleted"},
		"event dropped": {func(t *testing.T, w *world, d ingestDelivery) {
			w.exec(t, "DELETE FROM events WHERE id = $1", d.EventID)
		}, "{}", "CANCELED", "event_dropped"},
		"disabled": {func(t *testing.T, w *world, d ingestDelivery) {
			w.exec(t, "UPDATE destinations SET state = 'DISABLED', reason = 'by its owner' WHERE id = $1", d.DestinationID)
		}, "{}", "PARKED", "by its owner"},
		"paused": {func(t *testing.T, w *world, d ingestDelivery) {
			w.state(t, d.DestinationID, destination.StatePaused)
		}, "{}", "PARKED", "paused"},
		"too long for a GET": {func(t *testing.T, w *world, d ingestDelivery) {
			w.exec(t, "UPDATE destinations SET http_method = 'GET' WHERE id = $1", d.DestinationID)
		}, `{"a":"` + strings.Repeat("x", 9<<10) + `"}`, "FAILED", "url_too_long"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				r := receiver.New(t)
				account := w.account(t)
				w.destination(t, account, r.URL)
				run := delivery.NewRun()
				d := w.commit(t, run, 0, account, c.payload)[0]
				c.prepare(t, w, d)
				o := w.first(t, run)
				require.Equal(t, workflows.Settled, o.State)
				require.Equal(t, c.status, o.Status)
				require.Zero(t, o.Attempts)
				row := w.row(t, d.ID)
				require.Equal(t, c.status, row.Status)
				require.Equal(t, c.reason, row.Reason)
				require.Zero(t, row.Attempts)
				require.False(t, row.Lease.Valid)
				require.False(t, row.Due.Valid)
				require.Equal(t, c.status != "PARKED", row.Settled.Valid)
				require.Empty(t, w.attempts(t, d.ID))
				require.Empty(t, r.Requests())
				require.Equal(t, workflows.Settled, w.attempt(t, run, d.ID).State, "asked again, it stays so")
			})
		})
	}
}

// Sealed bytes that do not open are our own failure: it uses up no attempt, and
// nobody else waits for it.
func TestAPoisonDestinationHoldsNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		good, poison := w.destination(t, account, r.URL), w.destination(t, account, r.URL)
		w.exec(t, "UPDATE destinations SET signing_secrets = headers WHERE id = $1", poison)
		run := delivery.NewRun()
		all := w.commit(t, run, delivery.Lease, account, "{}", "{}")
		w.Begin(run, all)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, outcomes, 4)
		for _, o := range outcomes {
			if o.DestinationID == good {
				require.Equal(t, "SUCCEEDED", o.Status)
				continue
			}
			require.Equal(t, workflows.Again, o.State)
			require.Zero(t, o.Attempts)
			row := w.row(t, o.DeliveryID)
			require.Equal(t, "PENDING", row.Status)
			require.Zero(t, row.Attempts)
			require.Less(t, time.Until(row.Lease.Time), time.Second)
			_, err := w.Attempt(t.Context(), run, o.DeliveryID)
			require.ErrorContains(t, err, "signing secrets of "+poison)
		}
		require.Len(t, r.Requests(), 2)
	})
}

func TestWhatFailedBeyondTheLimitIsMovedToo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		for range 12 {
			w.destination(t, account, "http://127.0.0.1:1/")
		}
		run := delivery.NewRun()
		payloads := make([]string, 100)
		for i := range payloads {
			payloads[i] = fmt.Sprint(i)
		}
		w.commit(t, run, 0, account, payloads...)
		w.exec(t, "UPDATE deliveries SET attempt_count = 1, status = 'RETRYING'")
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, outcomes, 500)
		require.Equal(t, 500, w.count(t, "deliveries WHERE run = $1", run))
		taken, _ := w.engine.taken()
		require.Len(t, taken, 2)
		for i, want := range []int{500, 200} {
			require.Equal(t, want, w.count(t, "deliveries WHERE run = $1", taken[i].ID))
			require.Equal(t, fmt.Sprintf("%d delivery(ies)", want), taken[i].Summary)
			require.LessOrEqual(t, len(taken[i].Details), 20_000)
			next, err := w.First(t.Context(), taken[i].ID)
			require.NoError(t, err)
			require.Len(t, next, want)
		}
	})
}

// Of a run some deliveries were begun when they were committed, and some deferred:
// its call joins the ones and begins the others.
func TestFirstBeginsWhatWasDeferred(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		w.Begin(run, w.commit(t, run, delivery.Lease, account, `1`))
		w.commit(t, run, 0, account, `2`, `3`)
		w.Defer(run)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, outcomes, 3)
		for _, o := range outcomes {
			require.Equal(t, "SUCCEEDED", o.Status)
		}
		r.Wait(t, 3)
		outcomes, err = w.First(t.Context(), run)
		require.NoError(t, err)
		require.Empty(t, outcomes, "nothing is left, and nothing is made again")
		require.Equal(t, 3, w.count(t, "attempts"))
	})
}

// More deliveries than an account may have under way: they are begun as there is
// room, and hardly any becomes an activity of its own.
func TestALargeRunGetsThroughByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		for range 12 {
			w.destination(t, account, r.URL)
		}
		run := delivery.NewRun()
		payloads := make([]string, 100)
		for i := range payloads {
			payloads[i] = fmt.Sprint(i)
		}
		w.commit(t, run, 0, account, payloads...)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		settled := 0
		for _, o := range outcomes {
			if o.State == workflows.Settled {
				settled++
			}
		}
		require.LessOrEqual(t, len(outcomes)-settled, 8) // on a machine that is too busy; more would have another run
		r.Wait(t, settled)
		// What there was no time for has another run: nothing is forgotten in this one.
		var left int
		require.NoError(t, db.Read.QueryRowContext(t.Context(),
			"SELECT count(*) FROM deliveries WHERE run = $1 AND status <> 'SUCCEEDED'", run).Scan(&left))
		require.Equal(t, len(outcomes)-settled, left)
		require.False(t, w.Busy(account))
	})
}
