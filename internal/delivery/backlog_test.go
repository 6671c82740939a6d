package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
)

func TestBacklogCountsWhatIsNotSettled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		b, err := w.Backlog(t.Context())
		require.NoError(t, err)
		require.Zero(t, b)
		account := w.account(t)
		w.destination(t, account, "http://127.0.0.1:1/")
		all := w.commit(t, delivery.NewRun(), 0, account, "1", "2", "3", "4", "5", "6", "7")
		for i, s := range []string{"PENDING", "DELIVERING", "RETRYING", "PARKED", "SUCCEEDED", "FAILED", "CANCELED"} {
			w.exec(t, "UPDATE deliveries SET status = $1, created_at = $2 WHERE id = $3", s,
				time.Now().UTC().Add(-time.Duration(i+1)*time.Minute), all[i].ID)
		}
		b, err = w.Backlog(t.Context())
		require.NoError(t, err)
		near(t, 2*time.Minute, b.OldestPending)
		b.OldestPending = 0
		require.Equal(t, delivery.Backlog{Pending: 2, Retrying: 1, Parked: 1}, b)
	})
}
