package sink_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/bench/sink"
)

func TestDestinationsBehaveAsTheirPathsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, 200, w.event(t, "/ok/1", 1))
	require.Equal(t, 200, w.event(t, "/ok/1/heavy?a=b", 2))
	require.Equal(t, 503, w.event(t, "/dead/2", 1))
	began := time.Now()
	require.Equal(t, 200, w.event(t, "/slow/20ms/3", 1))
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
	for _, path := range []string{"/", "/ok", "/ok/x", "/ok/-1", "/slow/1", "/slow/x/1", "/slow/-1s/1", "/other/1", "/ok/4294967296"} {
		require.Equal(t, 404, w.event(t, path, 1), path)
	}
	classes := w.Stats().Classes
	for _, class := range []string{"ok", "ok/heavy", "dead", "slow"} {
		require.EqualValues(t, 1, classes[class].Distinct, class)
	}
	require.Len(t, classes, 4)
}

func TestHangingDestinationLetsItsClientGiveUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/hang/1", nil)
	require.NoError(t, err)
	_, err = w.client.Do(r)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestCloseDoesNotWaitForSlowDestinations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ended := make(chan error, 1)
	go func() {
		_, err := w.client.Post(w.url+"/slow/1h/1", "", nil)
		ended <- err
	}()
	require.Eventually(t, func() bool { return w.Stats().Arrivals == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, w.Close())
	require.Error(t, <-ended)
}

func TestStats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.Stats().Last)
	before := time.Now().UnixNano()
	for range 3 {
		w.event(t, "/ok/1", 1)
	}
	w.event(t, "/ok/2", 1)
	w.event(t, "/ok/2", 2)
	w.push(t, "/ok/2", []byte("no stamp"), map[string]string{"webhook-id": ledger.NumberedID(3).String()})
	w.push(t, "/ok/2", payload(4, time.Now()), nil)
	got := w.Stats()
	require.EqualValues(t, 7, got.Arrivals)
	require.EqualValues(t, 4, got.Distinct)
	require.GreaterOrEqual(t, got.Last, before)
	require.Equal(t, sink.ClassStats{Arrivals: 7, Distinct: 4, Unnamed: 1, Last: got.Last}, got.Classes["ok"])
	w.Reset()
	require.Zero(t, w.Stats().Arrivals)
}

func TestLatencyIsThatOfFirstArrivals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	arrive := func(path string, n uint64, ago time.Duration) {
		w.push(t, path, payload(n, now.Add(-ago)), map[string]string{"webhook-id": ledger.NumberedID(n).String()})
	}
	arrive("/ok/1", 1, 10*time.Minute)
	arrive("/ok/1", 1, 40*time.Minute) // again
	arrive("/ok/2", 1, 20*time.Minute)
	arrive("/dead/3", 1, 30*time.Minute)
	got := w.Latency()
	const minute = 60_000.
	require.EqualValues(t, 2, got["ok"].Count)
	require.InDelta(t, 20*minute, got["ok"].Max, minute)
	require.InDelta(t, 15*minute, got["ok"].Mean, minute)
	require.EqualValues(t, 1, got["dead"].Count)
	require.EqualValues(t, 3, got["all"].Count)

	w.ResetLatency()
	arrive("/ok/1", 1, 0) // arrived before, which has not been forgotten
	arrive("/ok/1", 2, 0)
	require.EqualValues(t, 1, w.Latency()["all"].Count)
	require.EqualValues(t, 4, w.Stats().Distinct)
}
