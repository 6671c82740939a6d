package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/statistics"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// Attempts are counted when they are recorded, and what replays make is counted as
// what was accepted.
func TestWhatIsRecordedIsCounted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := statistics.New(statistics.Options{DB: db, Every: -1})
		t.Cleanup(c.Close)
		w := newWorld(t, db, func(o *delivery.Options) { o.Statistics = c })
		r := receiver.New(t, receiver.Status(200), receiver.Status(503), receiver.Status(410))
		account := w.account(t)
		to := w.destination(t, account, r.URL)
		for range 2 {
			run := delivery.NewRun()
			all := w.commit(t, run, 0, account, "1")
			w.first(t, run)
			require.Len(t, all, 1)
		}
		ask := func() *statistics.Report {
			require.NoError(t, c.Flush(t.Context()))
			report, err := statistics.Ask(auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin}), db.Ent,
				statistics.Question{DestinationID: to}, time.Now())
			require.NoError(t, err)
			return report
		}
		report := ask()
		require.Equal(t, [4]float64{2, 1, 1, 0}, [4]float64{
			report.Totals.Attempts, report.Totals.FailedAttempts, report.Totals.Succeeded, report.Totals.Failed,
		})
		require.Equal(t, []int{200, 503}, []int{*report.Results[0].Status, *report.Results[1].Status})
		require.Less(t, report.Totals.AttemptDuration.MaxMs, 5000.0)
		require.Greater(t, report.Totals.AttemptDuration.MaxMs, 0.11, "no connection is made in less")
		require.Less(t, report.Totals.DeliveryDuration.MaxMs, 60_000.0, "from the event's acceptance")
		require.Zero(t, report.Totals.Events, "ingest counts those")

		w.finish(t, w.replay(t, account, func(*ent.ReplayCreate) {}).ID)
		report = ask()
		require.EqualValues(t, 2, report.Totals.Events)
		require.EqualValues(t, 2, report.Totals.Deliveries)
	})
}
