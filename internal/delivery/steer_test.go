package delivery_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// steer sets a delivery's next attempt, as the commands do, and gives its new run.
func (w *world) steer(t testing.TB, deliveryID, how string, at time.Time) (run string) {
	t.Helper()
	run = delivery.NewRun()
	w.exec(t, `UPDATE deliveries SET run = $2, steered = $3, next_attempt_at = $4, lease_until = $4, settled_at = NULL, parked_at = NULL,
status = CASE WHEN attempt_count > 0 THEN 'RETRYING' ELSE 'PENDING' END WHERE id = $1`, deliveryID, run, how, at.UTC())
	return run
}

// An operator's attempt is made in every state, once; what comes of it leaves the
// delivery where it was, unless it succeeded.
func TestARetryNowGoesOutInEveryState(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, state := range []destination.State{destination.StatePaused, destination.StateDisabled, destination.StateOpen} {
			w := newWorld(t, db)
			r := receiver.New(t, receiver.Status(500), receiver.Status(200))
			account := w.account(t)
			d := w.destination(t, account, r.URL)
			w.state(t, d, state)
			w.commit(t, "", 0, account, "{}")
			var id string
			require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT id FROM deliveries WHERE destination_id = $1", d).Scan(&id))
			o := w.first(t, w.steer(t, id, "RETRY", time.Now()))
			require.Equal(t, "PARKED", o.Status)
			row := w.row(t, id)
			require.Equal(t, 1, row.Attempts)
			require.Empty(t, row.Run)
			require.Equal(t, 1, w.count(t, "deliveries WHERE id = $1 AND schedule_step = 0 AND steered IS NULL AND parked_at IS NOT NULL", id))
			require.Equal(t, "OPERATOR", w.exchange(t, id).Asker)

			run := w.steer(t, id, "RETRY", time.Now())
			o = w.first(t, run)
			require.Equal(t, workflows.Again, o.State, "what has been attempted before is the activity's")
			require.Equal(t, "SUCCEEDED", w.attempt(t, run, id).Status)
			require.Equal(t, 2, w.row(t, id).Attempts)
		}
	})
}

func TestARetryOfAFailedDeliveryIsOneShot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE deliveries SET schedule_step = 9, attempt_count = 9, status = 'RETRYING'")
		require.Equal(t, "FAILED", w.attempt(t, run, d.ID).Status)
		for n := 11; n < 13; n++ {
			o := w.attempt(t, w.steer(t, d.ID, "RETRY", time.Now()), d.ID)
			require.Equal(t, "FAILED", o.Status)
			require.Equal(t, n, o.Attempts)
			require.Equal(t, workflows.Settled, o.State)
		}
		r.Script(receiver.Status(200))
		require.Equal(t, "SUCCEEDED", w.attempt(t, w.steer(t, d.ID, "RETRY", time.Now()), d.ID).Status)
	})
}

// A retry that fails waits as long as before: it used up no wait of the schedule.
func TestARetryNowUsesUpNoWait(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		w.attempt(t, run, d.ID)
		o := w.attempt(t, w.steer(t, d.ID, "RETRY", time.Now()), d.ID)
		require.Equal(t, 5*time.Second, o.After)
		w.due(t, d.ID)
		o = w.attempt(t, w.row(t, d.ID).Run, d.ID)
		require.Equal(t, 5*time.Minute, o.After)
	})
}

func TestAPostponedDeliveryWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		_, d := w.one(t, r.URL, 0)
		run := w.steer(t, d.ID, "POSTPONE", time.Now().Add(time.Hour))
		o := w.first(t, run)
		require.Equal(t, workflows.Again, o.State, "though it has had no attempt yet")
		near(t, time.Hour, o.After)
		w.state(t, d.DestinationID, destination.StatePaused)
		w.Changed(d.AccountID)
		_, done := w.turns(t, d.DestinationID)
		require.True(t, done)
		require.Equal(t, "PENDING", w.row(t, d.ID).Status, "a pause does not shorten it")
		w.due(t, d.ID)
		require.Equal(t, "PARKED", w.attempt(t, run, d.ID).Status)
		require.Empty(t, r.Requests())
	})
}

// What an operator steered stays out of the park until its time.
func TestALaneLeavesAloneWhatIsSteered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		w.attempt(t, run, d.ID)
		run = w.steer(t, d.ID, "POSTPONE", time.Now().Add(time.Hour))
		w.state(t, d.DestinationID, destination.StatePaused)
		w.turns(t, d.DestinationID)
		require.Equal(t, "RETRYING", w.row(t, d.ID).Status)
		require.Equal(t, run, w.row(t, d.ID).Run)
		w.exec(t, "UPDATE deliveries SET steered = NULL")
		require.NoError(t, w.ReconcileOnce(t.Context()))
		_, woken := w.engine.taken()
		require.Equal(t, []string{workflows.Lane(d.DestinationID)}, woken)
		w.turns(t, d.DestinationID)
		require.Equal(t, "PARKED", w.row(t, d.ID).Status)
	})
}

// A cancellation while the attempt is under way holds, unless the receiver has
// taken the event: then that is the truth.
func TestACancellationDuringTheAttempt(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "SUCCEEDED", 500: "CANCELED", 410: "CANCELED"} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				cancel := func(rw http.ResponseWriter, _ *http.Request) {
					w.exec(t, `UPDATE deliveries SET status = 'CANCELED', reason = 'enough', settled_at = created_at,
next_attempt_at = NULL, lease_until = NULL, parked_at = NULL`)
					rw.WriteHeader(status)
				}
				r := receiver.New(t, cancel)
				run, d := w.one(t, r.URL, 0)
				check := func(o string) {
					t.Helper()
					require.Equal(t, want, o)
					row := w.row(t, d.ID)
					require.Equal(t, want, row.Status)
					require.Equal(t, want == "CANCELED", row.Reason == "enough")
					require.True(t, row.Settled.Valid)
					require.False(t, row.Due.Valid)
					require.Equal(t, 1, row.Attempts, "it was made")
				}
				o := w.attempt(t, run, d.ID)
				require.Equal(t, workflows.Settled, o.State)
				check(o.Status)

				// The same while the lane has it.
				w.exec(t, "DELETE FROM attempts")
				w.exec(t, "UPDATE deliveries SET status = 'PARKED', run = '', attempt_count = 0, settled_at = NULL")
				w.drains(t, d.DestinationID)
				w.turns(t, d.DestinationID)
				check(w.row(t, d.ID).Status)
				require.Len(t, r.Requests(), 2)
			})
		})
	}
}

// Settings of a destination's own decide about its attempts.
func TestADestinationsOwnPolicy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE destinations SET retry_schedule = '1s 1h', give_up_after_s = 7200")
		require.Equal(t, time.Second, w.attempt(t, run, d.ID).After)
		w.due(t, d.ID)
		require.Equal(t, time.Hour, w.attempt(t, run, d.ID).After)
		w.due(t, d.ID)
		require.Equal(t, "FAILED", w.attempt(t, run, d.ID).Status)
		require.Equal(t, "attempts_exhausted: http_500", w.row(t, d.ID).Reason)
	})
}

// The horizon stands still while a delivery is parked.
func TestGivingUpDoesNotCountTheParkedTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		day := 24 * time.Hour
		w.exec(t, "UPDATE destinations SET give_up_after_s = 3600")
		w.exec(t, "UPDATE deliveries SET created_at = $1, parked_us = $2", time.Now().UTC().Add(-day), (day - 50*time.Minute).Microseconds())
		require.Equal(t, "RETRYING", w.attempt(t, run, d.ID).Status, "it is 50 minutes old")
		w.due(t, d.ID)
		w.exec(t, "UPDATE deliveries SET parked_us = $1", (day - 58*time.Minute).Microseconds())
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "FAILED", o.Status)
		require.Equal(t, "given_up: http_500", w.row(t, d.ID).Reason)
	})
}

// A destination's own time-out ends its attempts, and a longer one has a lease to
// fit.
func TestADestinationsOwnTimeout(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Until(nil, nil))
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE destinations SET timeout_ms = 1000")
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "timeout", o.Result)
		require.Less(t, o.Millis, int64(10_000))
		require.GreaterOrEqual(t, o.After, time.Minute)
		if db.Postgres() {
			w.exec(t, "UPDATE destinations SET timeout_ms = 30000")
			long := w.commit(t, delivery.NewRun(), delivery.Lease, d.AccountID, "{}")[0]
			near(t, 32*time.Second, time.Until(w.row(t, long.ID).Lease.Time))
		}
	})
}

// A replay's own headers win over the destination's, and are masked likewise.
func TestAnEventsOwnHeaders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		sealed, err := vault.SealEventHeaders(w.box, d.EventID, d.AccountID, []sender.Header{{Name: "x-shop", Value: "8"}, {Name: "X-Again", Value: "yes"}})
		require.NoError(t, err)
		w.exec(t, "UPDATE events SET headers = $1, replay_of = id", sealed)
		require.Equal(t, "SUCCEEDED", w.first(t, run).Status)
		got := r.Requests()[0].Header
		require.Equal(t, []string{"8"}, got["X-Shop"])
		require.Equal(t, "yes", got.Get("X-Again"))
		e := w.exchange(t, d.ID)
		require.Equal(t, "REPLAY", e.Asker)
		require.Equal(t, "••••", e.Sent["X-Shop"])
		require.Equal(t, "••••", e.Sent["X-Again"])
	})
}
