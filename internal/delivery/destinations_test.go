package delivery_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// Secrets in the clear are in memory for as long as their destination is busy.
func TestPlaintextIsDroppedAfterAWhile(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var ahead atomic.Int64
		w := newWorld(t, db, func(o *delivery.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		run, d := w.one(t, receiver.New(t).URL, 0)
		w.attempt(t, run, d.ID)
		require.Equal(t, 1, w.Cached())
		require.NoError(t, w.ReconcileOnce(t.Context()))
		require.Equal(t, 1, w.Cached(), "an attempt that waits for its place looks at it again")
		ahead.Add(int64(time.Minute))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		require.Zero(t, w.Cached())
	})
}

func TestPlaintextIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	most := 0
	for i := range 25_000 {
		w.PutDestination(i)
		most = max(most, w.Cached())
	}
	require.Equal(t, 10_000, most)
}
