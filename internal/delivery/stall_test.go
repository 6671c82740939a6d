package delivery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
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
