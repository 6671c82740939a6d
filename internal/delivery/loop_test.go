package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

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
		require.Empty(t, w.commit(t, delivery.NewRun(), 0, account, `"second"`))
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED'"))
		lane := delivery.Lane(d)

		_, done, err := w.Step(t.Context(), lane)
		require.NoError(t, err)
		require.True(t, done, "while it is disabled there is nothing to do")
		require.Equal(t, 2, w.count(t, "deliveries WHERE status = 'PARKED'"))

		w.state(t, d, destination.StateSending) // by another process: nothing tells the core
		again, done, err := w.Step(t.Context(), lane)
		require.NoError(t, err)
		require.False(t, done)
		require.Positive(t, again)
		taken, _ := w.engine.taken()
		require.Len(t, taken, 1)
		require.Equal(t, 2, w.count(t, "deliveries WHERE run = $1 AND status = 'PENDING' AND reason IS NULL", taken[0].ID))

		w.Changed(account)
		outcomes, err := w.First(t.Context(), taken[0].ID)
		require.NoError(t, err)
		require.Len(t, outcomes, 2)
		var bodies []string
		for _, q := range r.Requests() {
			bodies = append(bodies, string(q.Body))
		}
		require.ElementsMatch(t, []string{`"first"`, `"second"`}, bodies)
		_, done, err = w.Step(t.Context(), lane)
		require.NoError(t, err)
		require.True(t, done)
	})
}

func TestALaneDrainsInOrderAndInBatches(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		d, other := w.destination(t, account, "http://127.0.0.1:1/"), w.destination(t, account, "http://127.0.0.1:1/")
		w.state(t, d, destination.StatePaused)
		w.state(t, other, destination.StatePaused)
		payloads := make([]string, 300)
		for i := range payloads {
			payloads[i] = fmt.Sprint(i)
		}
		w.commit(t, "", 0, account, payloads...)
		w.exec(t, "UPDATE deliveries SET attempt_count = 3 WHERE id = (SELECT min(id) FROM deliveries WHERE destination_id = $1)", d)
		w.state(t, d, destination.StateSending)
		var drained []string
		for _, want := range []int{128, 128, 44} {
			_, done, err := w.Step(t.Context(), delivery.Lane(d))
			require.NoError(t, err)
			require.False(t, done)
			taken, _ := w.engine.taken()
			require.Len(t, taken, 1)
			ids := strings.Split(taken[0].Details, "\n")
			require.Len(t, ids, want)
			drained = append(drained, ids...)
		}
		require.True(t, slices.IsSorted(drained), "the oldest first")
		require.Len(t, drained, 300)
		require.Equal(t, "RETRYING", w.row(t, drained[0]).Status, "it has been attempted before")
		require.Equal(t, "PENDING", w.row(t, drained[1]).Status)
		_, done, err := w.Step(t.Context(), delivery.Lane(d))
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, 300, w.count(t, "deliveries WHERE status = 'PARKED' AND destination_id = $1", other))
	})
}

// What a lane took out of the park and could not hand over has an owner that the
// reconciler finds.
func TestALaneWhoseEngineFailsLosesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		d := w.destination(t, account, "http://127.0.0.1:1/")
		w.state(t, d, destination.StatePaused)
		w.commit(t, "", 0, account, "{}")
		w.state(t, d, destination.StateSending)
		w.engine.refuse = func(string) error { return errors.New("away") }
		_, done, err := w.Step(t.Context(), delivery.Lane(d))
		require.ErrorContains(t, err, "away")
		require.False(t, done)
		w.engine.refuse = nil
		var run string
		require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT run FROM deliveries").Scan(&run))
		w.overdue(t, run, 11e9)
		require.NoError(t, w.ReconcileOnce(t.Context()))
		taken, _ := w.engine.taken()
		require.Equal(t, run, taken[0].ID)
	})
}

func TestThereAreNoOtherLoops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, done, err := w.Step(t.Context(), "replay/x")
	require.ErrorContains(t, err, `no loop "replay/x"`)
	require.True(t, done)
	_, done, err = w.Step(t.Context(), delivery.Lane("dst_unknown"))
	require.NoError(t, err)
	require.True(t, done)
}
