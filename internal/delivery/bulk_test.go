package delivery_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/breaker"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// While bulk queues up at the door a delivery begins for every eighth event; as
// soon as the door keeps up, or nothing more comes, they have the machine to
// themselves.
func TestBulkAtTheDoorGoesFirst(t *testing.T) {
	t.Parallel()
	const pause = 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		b := delivery.NewBulk()
		took := func(n int) time.Duration {
			began := time.Now()
			require.True(t, b.Yield(t.Context(), n))
			return time.Since(began)
		}
		require.Zero(t, took(256), "nothing comes in bulk")

		b.Came(799, 5000)
		require.Greater(t, took(100), pause, "one event is lacking, and no other comes")
		b.Came(800, 5000)
		require.Zero(t, took(100))
		ctx, cancel := context.WithTimeout(t.Context(), pause/2)
		defer cancel()
		require.False(t, b.Yield(ctx, 1))

		time.AfterFunc(pause/2, func() { b.Came(8, 5000) })
		began := time.Now()
		require.True(t, b.Yield(t.Context(), 1))
		require.InDelta(t, pause/2, time.Since(began), float64(5*time.Millisecond))

		b.Came(1_000_000, 1_000_000)
		require.Zero(t, took(512))
		require.Greater(t, took(1), pause, "what was accepted long ago does not count for ever")

		b.Came(8, 100)
		b.Came(100, 99)
		require.Zero(t, took(1000), "the door keeps up")
	})
}

// Of a run whose destination does not send, everything parks with few statements.
func TestWhatIsNotSentIsSettledTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		destination := w.destination(t, account, r.URL)
		run := delivery.NewRun()
		payloads := make([]string, 600)
		for i := range payloads {
			payloads[i] = `{}`
		}
		w.commit(t, run, 0, account, payloads...)
		w.drains(t, destination)
		outcomes, err := w.First(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, outcomes, 600)
		for _, o := range outcomes {
			require.Equal(t, "PARKED", o.Status)
			require.Equal(t, breaker.InLine, o.Result)
		}
		require.Equal(t, 600, w.count(t, "deliveries WHERE status = 'PARKED' AND reason = 'in line' AND run = '' AND parked_at IS NOT NULL"))
		require.LessOrEqual(t, strings.Count(w.log.String(), `msg="no attempts"`), 4)
		require.Empty(t, r.Requests())
	})
}
