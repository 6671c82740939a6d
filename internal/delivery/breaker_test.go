package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/breaker"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

// probeNow makes the next probe due.
func (w *world) probeNow(t testing.TB, destinationID string) {
	t.Helper()
	w.exec(t, "UPDATE destinations SET probe_at = $1 WHERE id = $2 AND state = 'OPEN'", time.Now().UTC().Add(-time.Second), destinationID)
}

// fail has so many deliveries of a destination fail, and returns their run.
func (w *world) fail(t testing.TB, account string, n int) string {
	t.Helper()
	run := delivery.NewRun()
	w.commit(t, run, 0, account, numbers(n)...)
	_, err := w.First(t.Context(), run)
	require.NoError(t, err)
	return run
}

func TestADeadDestinationCostsItsProbesAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		dead, well := receiver.New(t, receiver.Status(503)), receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, dead.URL)
		other := w.destination(t, account, well.URL)
		state := func(of string) (s string) {
			require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT state FROM destinations WHERE id = $1", of).Scan(&s))
			return s
		}
		w.fail(t, account, 4)
		require.Equal(t, "SENDING", state(d))
		w.fail(t, account, 1)
		require.Equal(t, "OPEN", state(d))
		require.Equal(t, "SENDING", state(other))
		require.Equal(t, 1, w.count(t, "destinations WHERE id = $1 AND reason = 'failing: http_503' AND enabled", d))
		w.engine.waitWoken(t, workflows.Lane(d))
		require.Equal(t, 5, w.count(t, "deliveries WHERE status = 'RETRYING'"))
		w.engine.taken()

		// What comes now costs no attempt and no workflow.
		later := delivery.NewRun()
		require.Len(t, w.commit(t, later, 0, account, numbers(100)...), 100, "the healthy one's alone are sent")
		_, err := w.First(t.Context(), later)
		require.NoError(t, err)
		require.Len(t, dead.Requests(), 5)
		require.Len(t, well.Requests(), 105)

		// The lane takes what waits for a retry into the park and sleeps until the probe.
		again, done := w.turns(t, d)
		require.False(t, done)
		near(t, 5*time.Second, again)
		require.Equal(t, 105, w.count(t, "deliveries WHERE status = 'PARKED' AND destination_id = $1", d))
		require.Len(t, dead.Requests(), 5)

		for n := 1; n <= 3; n++ {
			w.probeNow(t, d)
			again, done = w.turns(t, d)
			require.False(t, done)
			near(t, 5*time.Second<<n, again)
			require.Len(t, dead.Requests(), 5+2*n)
		}
		require.Equal(t, 6, w.count(t, "attempts WHERE asked_by = 'PROBE'"))
		require.Equal(t, 1, w.count(t, "deliveries WHERE status = 'PARKED' AND attempt_count = 4 AND schedule_step = 1"),
			"the oldest each time, which uses up no wait of the schedule")
		require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'PARKED' AND attempt_count = 2 AND schedule_step = 1"),
			"and each time another one")
		runs, _ := w.engine.taken()
		require.Empty(t, runs)

		// It comes back: everything arrives, the oldest first, once each.
		dead.Script(receiver.Status(204))
		w.probeNow(t, d)
		w.turns(t, d) // closes the breaker, and drains
		require.Equal(t, "SENDING", state(d))
		require.Equal(t, 210, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"))
		require.Zero(t, w.count(t, "destinations WHERE draining OR failing IS NOT NULL OR probes > 0"))
		var arrived []string
		for _, q := range dead.Requests()[11:] {
			arrived = append(arrived, q.Header.Get("webhook-id"))
		}
		require.Len(t, arrived, 105)
		require.True(t, slices.IsSorted(arrived))
		require.Equal(t, []string{"OPEN", "CLOSE"}, w.kinds(t, d))
		require.Equal(t, 1, w.count(t, `actions WHERE kind = 'OPEN' AND actor = 'system' AND address IS NULL AND request_id IS NULL AND
			before = $1 AND after = $2`, []byte(`{"state":"SENDING"}`), []byte(`{"reason":"failing: http_503","state":"OPEN"}`)))
	})
}

// kinds are what was done to something, the oldest first.
func (w *world) kinds(t testing.TB, subject string) (kinds []string) {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), "SELECT kind FROM actions WHERE subject_id = $1 ORDER BY created_at", subject)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var k string
		require.NoError(t, rows.Scan(&k))
		kinds = append(kinds, k)
	}
	require.NoError(t, rows.Err())
	return kinds
}

// A delivery that the receiver cannot digest neither opens the breaker nor keeps
// it open.
func TestOnePoisonEventHoldsNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, poison := w.one(t, r.URL, 0)
		for range 8 {
			w.attempt(t, run, poison.ID)
			w.due(t, poison.ID)
		}
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING'"))
		w.fail(t, poison.AccountID, 4)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'OPEN'"))
		w.exec(t, "UPDATE deliveries SET next_attempt_at = $1", time.Now().UTC().Add(time.Hour))
		w.turns(t, poison.DestinationID)

		r.Script(receiver.Status(500), receiver.Status(200))
		w.probeNow(t, poison.DestinationID)
		w.turns(t, poison.DestinationID)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING'"), "the next one got through")
		require.Equal(t, 10, w.row(t, poison.ID).Attempts, "the poison was probed with, and then its turn came in the drain")
	})
}

func TestABreakerWithNothingToProbeWithLetsTheNextThrough(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.fail(t, account, 5)
		w.exec(t, "UPDATE deliveries SET status = 'CANCELED'")
		w.probeNow(t, d)
		_, done := w.turns(t, d)
		require.True(t, done)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING' AND NOT draining"))
		w.fail(t, account, 1)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'OPEN'"), "one more failure opens it again")
	})
}

// An attempt that waits for its place is not made if the breaker has opened
// meanwhile.
func TestWhatWaitsForAPlaceHearsOfTheBreaker(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, delivery.Lease)
		for range 128 {
			require.True(t, w.TakePlace(d.AccountID, d.DestinationID))
		}
		w.Begin(run, []ingestDelivery{d})
		w.WaitForWaiting()
		w.Apply(d.DestinationID, breaker.Standing{State: breaker.Open, Reason: "failing: http_503"})
		w.FreePlace(d.AccountID, d.DestinationID)
		o := w.first(t, run)
		require.Equal(t, "PARKED", o.Status)
		require.Equal(t, "failing: http_503", w.row(t, d.ID).Reason)
		require.Empty(t, r.Requests())
	})
}

// What cannot be sent says nothing of the receiver.
func TestWhatIsNeverSentDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		d := w.destination(t, account, receiver.New(t).URL)
		w.exec(t, "UPDATE destinations SET http_method = 'GET' WHERE id = $1", d)
		run, long := delivery.NewRun(), `{"a":"`+strings.Repeat("x", 9<<10)+`"}`
		w.commit(t, run, 0, account, slices.Repeat([]string{long}, 8)...)
		_, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Equal(t, 8, w.count(t, "deliveries WHERE status = 'FAILED' AND reason = 'url_too_long'"))
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING' AND failing IS NULL AND failing_since IS NULL"))
	})
}

func TestGoneDisablesAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(410), receiver.Status(200))
		run, d := w.one(t, r.URL, 0)
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "PARKED", o.Status)
		row := w.row(t, d.ID)
		require.Equal(t, "http_410", row.Reason)
		require.Equal(t, 1, row.Attempts)
		require.Empty(t, row.Run)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'DISABLED' AND NOT enabled AND reason = 'http_410'"))
		require.Empty(t, w.commit(t, "", 0, d.AccountID, "{}"))
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED'"))
		_, done := w.turns(t, d.DestinationID)
		require.True(t, done, "nothing probes a disabled destination")
		require.Len(t, r.Requests(), 1)
		w.drains(t, d.DestinationID)
		w.turns(t, d.DestinationID)
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"), "also the one that was told so")
	})
}

func TestDaysOfNothingButFailuresDisable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *delivery.Options) { o.DisableAfter = 48 * time.Hour })
		r := receiver.New(t, receiver.Status(500))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.fail(t, account, 5)
		w.turns(t, d)
		w.exec(t, "UPDATE destinations SET failing_since = $1", time.Now().UTC().Add(-47*time.Hour))
		w.probeNow(t, d)
		_, done := w.turns(t, d)
		require.False(t, done)
		w.exec(t, "UPDATE destinations SET failing_since = $1", time.Now().UTC().Add(-49*time.Hour))
		_, done = w.turns(t, d)
		require.True(t, done)
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'DISABLED' AND NOT enabled AND reason LIKE 'failing for too long%'"))
		require.Equal(t, 5, w.count(t, "deliveries WHERE status = 'PARKED'"), "nothing is discarded")
		require.Equal(t, []string{"OPEN", "DISABLE"}, w.kinds(t, d))
	})
}

// A success of another process's attempt, or an operator's, closes the breaker.
func TestAnySuccessClosesTheBreaker(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		run := w.fail(t, account, 5)
		r.Script(receiver.Status(200))
		var one string
		require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT max(id) FROM deliveries").Scan(&one))
		w.exec(t, "UPDATE deliveries SET steered = 'RETRY', next_attempt_at = $1, lease_until = $1 WHERE id = $2", time.Now().UTC(), one)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, one).Status)
		require.Equal(t, 1, w.count(t, "attempts WHERE asked_by = 'OPERATOR'"))
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING' AND draining"))
		w.turns(t, d)
	})
}

// A receiver that does not answer at all is probed with the oldest alone, but for
// every fourth time: what waits shall arrive in order when it is back.
func TestAReceiverThatIsSilentIsProbedWithTheOldest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		d := w.destination(t, account, "http://127.0.0.1:1/")
		w.fail(t, account, 6)
		w.turns(t, d)
		for probe, want := range []int{1, 2, 3, 5, 6, 7, 8, 10} {
			w.probeNow(t, d)
			w.turns(t, d)
			require.Equal(t, want, w.count(t, "attempts WHERE asked_by = 'PROBE'"), probe)
		}
		require.Equal(t, 8, w.count(t, "attempts WHERE asked_by = 'PROBE' AND delivery_id = (SELECT min(id) FROM deliveries)"))
		require.Equal(t, 3, w.count(t, "deliveries WHERE attempt_count > 1"), "two others, each once")
	})
}

// A probe that cannot be sent is no reason to ask a dead receiver again at once.
func TestAProbeThatCannotBeSentWaitsLikeAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.fail(t, account, 5)
		w.turns(t, d)
		w.exec(t, "UPDATE destinations SET http_method = 'GET'")
		w.exec(t, "UPDATE events SET payload = $1 WHERE id <> (SELECT min(id) FROM events)", []byte(`{"a":"`+strings.Repeat("x", 9<<10)+`"}`))
		w.probeNow(t, d)
		again, done := w.turns(t, d)
		require.False(t, done)
		near(t, 10*time.Second, again)
		require.Len(t, r.Requests(), 6)
		require.Equal(t, 1, w.count(t, "deliveries WHERE status = 'FAILED' AND reason = 'url_too_long'"))
	})
}
