package delivery_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

// panicky is a sender that panics on some events, until it is mended.
type panicky struct {
	delivery.Sender
	on     string
	mended atomic.Bool
}

func (p *panicky) Send(ctx context.Context, r *sender.Request) sender.Result {
	if string(r.Payload) == p.on && !p.mended.Load() {
		panic("a payload that nobody thought of")
	}
	return p.Sender.Send(ctx, r)
}

func newPanickyWorld(t *testing.T, db *database.DB, on string) (*world, *panicky) {
	t.Helper()
	p := &panicky{on: on}
	return newWorld(t, db, func(o *delivery.Options) { p.Sender, o.Sender = o.Sender, p }), p
}

// poisoned is the one delivery that waits for somebody to mend something.
func (w *world) poisoned(t testing.TB) (deliveryID, run string) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), `
SELECT id, run FROM deliveries WHERE status = 'RETRYING' AND reason = 'internal_error' AND attempt_count = 0 AND schedule_step = 0
  AND parked_at IS NULL`).Scan(&deliveryID, &run))
	return deliveryID, run
}

// An attempt that panics is nobody else's trouble: the process goes on, and so do
// the deliveries of the same run.
func TestAnAttemptThatPanicsWaitsAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, sender := newPanickyWorld(t, db, "1")
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		begun := w.commit(t, run, delivery.Lease, account, numbers(3)...)
		w.Begin(run, begun)
		all, err := w.First(t.Context(), run)
		require.NoError(t, err)
		states := map[workflows.State]int{}
		for _, o := range all {
			states[o.State]++
		}
		require.Equal(t, map[workflows.State]int{workflows.Settled: 2, workflows.Again: 1}, states)
		require.Equal(t, []string{"0", "2"}, sortedBodies(r))
		require.Contains(t, w.log.String(), "an attempt panicked")
		require.Contains(t, w.log.String(), "a payload that nobody thought of")
		poison, _ := w.poisoned(t)
		require.Zero(t, w.count(t, "attempts WHERE delivery_id = $1", poison), "nothing was sent, nothing is used up")

		w.due(t, poison)
		o := w.attempt(t, run, poison)
		require.Equal(t, workflows.Again, o.State)
		near(t, time.Minute, o.After)

		sender.mended.Store(true)
		w.due(t, poison)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, poison).Status)
		require.Equal(t, []string{"0", "1", "2"}, sortedBodies(r))
		require.Equal(t, 1, w.row(t, poison).Attempts)
	})
}

// What cannot be attempted leaves the park, or nothing behind it would ever be sent.
func TestAPoisonedDeliveryDoesNotHoldUpADrain(t *testing.T) {
	t.Parallel()
	for name, poison := range map[string]func(t *testing.T, w *world){
		"that panics": func(*testing.T, *world) {},
		"whose headers do not open": func(t *testing.T, w *world) {
			w.exec(t, "UPDATE events SET headers = $1 WHERE payload = $2", []byte("sealed with a key that is lost"), []byte("1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w, sender := newPanickyWorld(t, db, "1")
				r := receiver.New(t)
				account := w.account(t)
				d := w.destination(t, account, r.URL)
				w.state(t, d, destination.StatePaused)
				w.inOrder(t, account, numbers(5)...)
				poison(t, w)
				w.drains(t, d)
				_, done := w.turns(t, d)
				require.True(t, done, "the drain ends")
				require.Equal(t, []string{"0", "2", "3", "4"}, bodies(r.Requests()))
				require.Zero(t, w.count(t, "deliveries WHERE status = 'PARKED'"))
				require.Zero(t, w.count(t, "destinations WHERE draining"))
				id, run := w.poisoned(t)
				require.False(t, strings.HasPrefix(run, workflows.LanePrefix), "it has a run of its own")
				runs, _ := w.engine.taken()
				require.Len(t, runs, 1)
				require.Equal(t, run, runs[0].ID)

				sender.mended.Store(true)
				w.exec(t, "UPDATE events SET headers = NULL")
				w.due(t, id)
				require.Equal(t, "SUCCEEDED", w.attempt(t, run, id).Status)
			})
		})
	}
}

// The oldest that is parked is the probe. If it cannot be attempted the next one
// is, so a breaker closes all the same.
func TestAPoisonedDeliveryDoesNotKeepABreakerOpen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, _ := newPanickyWorld(t, db, "0")
		r := receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.state(t, d, destination.StatePaused)
		w.inOrder(t, account, numbers(5)...)
		w.exec(t, "UPDATE destinations SET state = 'OPEN', reason = 'failing: http_503', state_since = $1", time.Now().UTC().Add(-time.Minute))
		w.exec(t, "UPDATE destinations SET failing_since = $1", time.Now().UTC().Add(-time.Minute))
		w.probeNow(t, d)
		_, done := w.turns(t, d)
		require.True(t, done)
		require.Equal(t, []string{"1", "2", "3", "4"}, sortedBodies(r))
		require.Equal(t, 1, w.count(t, "destinations WHERE state = 'SENDING' AND NOT draining"))
		w.poisoned(t)
	})
}

// A value that a newer version has written is nothing to fail for: what is sent to
// that destination waits for a process that knows it, and all else goes on.
func TestAMethodOfANewerVersionFailsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r, other := receiver.New(t), receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.destination(t, account, other.URL)
		w.exec(t, "UPDATE destinations SET http_method = 'QUERY' WHERE id = $1", d)
		run := delivery.NewRun()
		w.commit(t, run, 0, account, numbers(1)...)
		all, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, all, 2)
		other.Wait(t, 1)
		var waits string
		require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT id FROM deliveries WHERE status = 'PENDING' AND destination_id = $1", d).Scan(&waits))
		_, err = w.Attempt(t.Context(), run, waits)
		require.ErrorContains(t, err, "not known to this version")
		require.Empty(t, r.Requests())

		w.exec(t, "UPDATE destinations SET http_method = 'PUT' WHERE id = $1", d)
		w.Changed(account)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, waits).Status)
	})
}

// A state that this version does not know is not SENDING: deliveries park.
func TestAStateOfANewerVersionParks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		d := w.destination(t, account, r.URL)
		w.exec(t, "UPDATE destinations SET state = 'THROTTLED'")
		require.Empty(t, w.commit(t, delivery.NewRun(), 0, account, numbers(3)...))
		_, done, err := w.Step(t.Context(), workflows.Lane(d))
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, 3, w.count(t, "deliveries WHERE status = 'PARKED'"))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		w.drains(t, d)
		w.turns(t, d)
		require.Equal(t, numbers(3), sortedBodies(r))
	})
}
