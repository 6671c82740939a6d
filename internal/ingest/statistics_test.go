package ingest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/statistics"
	"datapusher/internal/testutil/dbtest"
)

// What is stored is counted, and nothing else: no duplicates, nothing that was refused.
func TestWhatIsStoredIsCounted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := statistics.New(statistics.Options{DB: db, Every: -1})
		t.Cleanup(c.Close)
		w := newWorld(t, db, func(o *ingest.Options) { o.Statistics = c })
		jane, joe := w.account(t, 2), w.account(t, 0)
		parked := w.destination(t, jane, destination.StatePaused)
		e := event(jane)
		e.IdempotencyKey = "k"
		for range 3 {
			w.accept(t, e)
		}
		w.accept(t, event(jane))
		w.accept(t, event(joe))
		e.Payload = []byte("2")
		_, err := w.Accept(t.Context(), e)
		require.Error(t, err)
		require.NoError(t, c.Flush(t.Context()))
		ask := func(q statistics.Question) [2]float64 {
			r, err := statistics.Ask(auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin}), db.Ent, q, time.Now())
			require.NoError(t, err)
			return [2]float64{r.Totals.Events, r.Totals.Deliveries}
		}
		require.Equal(t, [2]float64{3, 6}, ask(statistics.Question{}))
		require.Equal(t, [2]float64{2, 6}, ask(statistics.Question{AccountID: jane}))
		require.Equal(t, [2]float64{1, 0}, ask(statistics.Question{AccountID: joe}))
		require.Equal(t, [2]float64{2, 2}, ask(statistics.Question{DestinationID: parked}))
	})
}
