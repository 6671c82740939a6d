package delivery_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// turns takes turns of a destination's lane, as an engine would, until it is done
// or wants to wait for longer than drains do.
func (w *world) turns(t testing.TB, destinationID string) (again time.Duration, done bool) {
	t.Helper()
	for range 1000 {
		again, done, err := w.Step(t.Context(), workflows.Lane(destinationID))
		require.NoError(t, err)
		if done || again > time.Second {
			return again, done
		}
	}
	require.Fail(t, "the lane does not come to rest")
	return 0, false
}

// drains makes a destination send again, as a resume does.
func (w *world) drains(t testing.TB, destinationID string) {
	t.Helper()
	w.exec(t, `UPDATE destinations SET state = 'SENDING', enabled = true, draining = true, reason = NULL, state_since = $2,
paused_until = NULL, probe_at = NULL, failing = NULL, failing_since = NULL WHERE id = $1`,
		destinationID, time.Now().UTC().Add(-time.Minute)) // the ramp is behind it
}

func numbers(n int) []string {
	payloads := make([]string, n)
	for i := range payloads {
		payloads[i] = strconv.Itoa(i)
	}
	return payloads
}

func bodies(requests []receiver.Request) (all []string) {
	for _, q := range requests {
		all = append(all, string(q.Body))
	}
	return all
}

// sortedBodies are the numbers that arrived, in whatever order.
func sortedBodies(r *receiver.Receiver) []string {
	all := bodies(r.Requests())
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return all
}

func TestAnEnabledDestinationGetsWhatWasParked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		first := delivery.NewRun()
		w.commit(t, first, 0, account, `"first"`)
		w.state(t, d, destination.StateDisabled)
		parked, err := w.First(t.Context(), first) // the settings are as they were read now
		require.NoError(t, err)
		require.Equal(t, "PARKED", parked[0].Status)
		require.Empty(t, w.row(t, parked[0].DeliveryID).Run, "nobody owns what is parked")
		require.Empty(t, w.commit(t, delivery.NewRun(), 0, account, `"second"`))
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED' AND parked_at IS NOT NULL AND reason = 'disabled'"))

		_, done := w.turns(t, d)
		require.True(t, done, "while it is disabled there is nothing to do")
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED'"))

		w.drains(t, d) // by another process: nothing tells the core
		require.Empty(t, w.commit(t, delivery.NewRun(), 0, account, `"third"`), "it queues up behind the others")
		require.Equal(t, 1, w.count(t, "deliveries WHERE status = 'PARKED' AND reason = 'in line'"))
		_, done = w.turns(t, d)
		require.True(t, done)
		require.Equal(t, []string{`"first"`, `"second"`, `"third"`}, bodies(r.Requests()))
		require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'SUCCEEDED' AND parked_at IS NULL AND parked_us > 0"))
		require.Zero(t, w.count(t, "destinations WHERE draining"))
		require.Len(t, w.commit(t, delivery.NewRun(), 0, account, `"fourth"`), 1, "now they go out at once again")
		runs, _ := w.engine.taken()
		require.Empty(t, runs, "a lane needs no workflow but its own")
	})
}

func TestALaneDrainsInOrderOnceEach(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		d, other := w.destination(t, account, r.URL), w.destination(t, account, r.URL)
		w.state(t, d, destination.StatePaused)
		w.state(t, other, destination.StatePaused)
		w.inOrder(t, account, numbers(300)...)
		w.drains(t, d)
		_, done := w.turns(t, d)
		require.True(t, done)
		require.Equal(t, numbers(300), bodies(r.Requests()))
		require.Equal(t, 300, w.count(t, "deliveries WHERE status = 'SUCCEEDED' AND attempt_count = 1 AND destination_id = $1", d))
		require.Equal(t, 300, w.count(t, "deliveries WHERE status = 'PARKED' AND destination_id = $1", other))
	})
}

// One event that the receiver cannot digest holds up nobody: its retries are a
// run's, by the schedule.
func TestWhatFailsInADrainIsRetriedBySchedule(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(200), receiver.Status(500), receiver.Status(200))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.state(t, d, destination.StatePaused)
		w.commit(t, "", 0, account, numbers(9)...)
		w.drains(t, d)
		_, done := w.turns(t, d)
		require.True(t, done)
		require.Len(t, r.Requests(), 9)
		runs, _ := w.engine.taken()
		require.Len(t, runs, 1)
		require.Equal(t, 1, w.count(t, `deliveries WHERE status = 'RETRYING' AND run = $1 AND attempt_count = 1
AND schedule_step = 1 AND reason = 'http_500' AND parked_at IS NULL`, runs[0].ID))
		require.Equal(t, 8, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"))
	})
}

// What a lane attempted and could not hand over has an owner that the reconciler
// finds, and what it took and did not attempt is free when its lease is over.
func TestALaneThatDiesLosesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500), receiver.Status(200))
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.state(t, d, destination.StatePaused)
		w.commit(t, "", 0, account, numbers(2)...)
		w.drains(t, d)
		w.engine.refuse = func(string) error { return errors.New("away") }
		_, done, err := w.Step(t.Context(), workflows.Lane(d))
		require.ErrorContains(t, err, "away")
		require.False(t, done)
		w.engine.refuse = nil
		// It died even before it gave what failed to a run.
		w.exec(t, "UPDATE deliveries SET run = $2, lease_until = $1 WHERE status = 'RETRYING'",
			time.Now().UTC().Add(-11*time.Second), workflows.Lane(d)+"/01JD3ZQ8M4T6W0Y5K2BXH70000")
		require.NoError(t, w.ReconcileOnce(t.Context()))
		runs, woken := w.engine.taken()
		require.Len(t, runs, 1)
		require.True(t, strings.HasPrefix(runs[0].ID, "batch/"), "an engine carries runs, no lane's turns: %s", runs[0].ID)
		require.Equal(t, 1, w.count(t, "deliveries WHERE run = $1 AND status = 'RETRYING'", runs[0].ID))
		require.Equal(t, []string{workflows.Lane(d)}, woken, "and the lane goes on")

		w.commit(t, "", 0, account, `"next"`)
		w.exec(t, "UPDATE deliveries SET run = 'destination/x/dead', lease_until = $1 WHERE status = 'PARKED'", time.Now().UTC().Add(time.Hour))
		again, done := w.turns(t, d)
		require.False(t, done)
		near(t, time.Hour, again)
		require.Len(t, r.Requests(), 2, "somebody else may be at it")
		w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE status = 'PARKED'", time.Now().UTC().Add(-time.Second))
		_, done = w.turns(t, d)
		require.True(t, done)
		require.Len(t, r.Requests(), 3)
	})
}

func TestALaneKeepsToARate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := receiver.New(t)
	account := w.account(t)
	d := w.destination(t, account, r.URL)
	w.state(t, d, destination.StatePaused)
	w.commit(t, "", 0, account, numbers(3)...)
	w.drains(t, d)
	w.exec(t, "UPDATE destinations SET drain_rate = 0.01")
	again, done := w.turns(t, d)
	require.False(t, done)
	near(t, 100*time.Second, again)
	again, done = w.turns(t, d) // woken before its time
	require.False(t, done)
	near(t, 100*time.Second, again)
	require.Len(t, r.Requests(), 1)
}

func TestAPauseEndsByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.exec(t, "UPDATE destinations SET state = 'PAUSED', reason = 'maintenance', paused_until = $1", time.Now().UTC().Add(time.Hour))
		w.commit(t, "", 0, account, `"waits"`)
		require.Equal(t, 1, w.count(t, "deliveries WHERE status = 'PARKED' AND reason = 'maintenance'"))
		again, done := w.turns(t, d)
		require.False(t, done)
		near(t, time.Hour, again)
		require.Empty(t, r.Requests())
		w.exec(t, "UPDATE destinations SET paused_until = $1", time.Now().UTC().Add(-time.Second))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		_, woken := w.engine.taken()
		require.Equal(t, []string{workflows.Lane(d)}, woken, "whoever forgot it")
		_, done = w.turns(t, d)
		require.True(t, done)
		require.Len(t, r.Requests(), 1)
		require.Equal(t, 1, w.count(t, "actions WHERE kind = 'RESUME' AND actor = 'system' AND subject_id = $1", d))
	})
}

// Deleting a destination cancels what waits for it, parked or between two
// attempts; the reason says whether the account went, too.
func TestADeletedDestinationCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for reason, want := range map[string]string{"": "destination_deleted", "account_deleted": "account_deleted"} {
			w := newWorld(t, db)
			r := receiver.New(t, receiver.Status(503))
			account := w.account(t)
			d := w.destination(t, account, r.URL)
			run := delivery.NewRun()
			waits := w.commit(t, run, 0, account, `"retries"`)[0]
			w.first(t, run)
			w.state(t, d, destination.StatePaused)
			w.commit(t, "", 0, account, `"parked"`)
			w.exec(t, "UPDATE destinations SET deleted_at = $1, reason = $2 WHERE id = $3", time.Now().UTC(), reason, d)
			require.NoError(t, w.ReconcileOnce(t.Context()))
			_, woken := w.engine.taken()
			require.Equal(t, []string{workflows.Lane(d)}, woken)
			_, done := w.turns(t, d)
			require.True(t, done)
			require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'CANCELED' AND reason = $1 AND settled_at IS NOT NULL AND destination_id = $2", want, d))
			require.Equal(t, "CANCELED", w.attempt(t, run, waits.ID).Status)
			require.Len(t, r.Requests(), 1)
			require.NoError(t, w.ReconcileOnce(t.Context()))
			_, woken = w.engine.taken()
			require.Empty(t, woken)
		}
	})
}

func TestThereAreNoOtherLoops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, done, err := w.Step(t.Context(), "other/x")
	require.ErrorContains(t, err, `no loop "other/x"`)
	require.True(t, done)
	for _, loop := range []string{workflows.Lane("dst_unknown"), workflows.Replay("rpl_unknown")} {
		_, done, err = w.Step(t.Context(), loop)
		require.NoError(t, err)
		require.True(t, done)
	}
}

// A receiver that is slow, and has its owner's rate, gets several at a time.
func TestARateMayTakeSeveralAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	both := make(chan struct{})
	arrived := make(chan struct{}, 2)
	r := receiver.New(t, receiver.Status(200), func(rw http.ResponseWriter, _ *http.Request) {
		if arrived <- struct{}{}; len(arrived) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-time.After(10 * time.Second):
			rw.WriteHeader(500)
		}
	})
	account := w.account(t)
	d := w.destination(t, account, r.URL)
	w.state(t, d, destination.StatePaused)
	w.commit(t, "", 0, account, numbers(3)...)
	w.drains(t, d)
	w.exec(t, "UPDATE destinations SET drain_rate = 10000")
	_, done := w.turns(t, d)
	require.True(t, done)
	got := sortedBodies(r)
	require.Equal(t, numbers(3), got)
	require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"), fmt.Sprint(got))
}

// A destination whose secrets this process cannot open is our own trouble: its
// deliveries wait for a process that can.
func TestALaneThatCannotOpenSecretsFailsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.state(t, d, destination.StatePaused)
		w.commit(t, "", 0, account, numbers(3)...)
		w.drains(t, d)
		w.exec(t, "UPDATE destinations SET signing_secrets = $1", []byte("sealed with another key"))
		_, done, err := w.Step(t.Context(), workflows.Lane(d))
		require.ErrorContains(t, err, "cannot be opened")
		require.False(t, done)
		require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'PARKED' AND run = ''"))
	})
}

// How fast a receiver answers is known from one turn to the next, or an owner's
// rate would begin with one at a time in each.
func TestADrainRemembersTheLatency(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := receiver.New(t, func(http.ResponseWriter, *http.Request) { <-time.After(1100 * time.Millisecond) })
	account := w.account(t)
	d := w.destination(t, account, r.URL)
	w.state(t, d, destination.StatePaused)
	w.commit(t, "", 0, account, numbers(30)...)
	w.drains(t, d)
	w.exec(t, "UPDATE destinations SET drain_rate = 1000")
	for range 2 {
		_, _, err := w.Step(t.Context(), workflows.Lane(d))
		require.NoError(t, err)
	}
	require.Greater(t, len(r.Requests()), 10, "the second turn knows how slow it is")
}
