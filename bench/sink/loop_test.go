package sink_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load"
	"datapusher/bench/sink"
	"datapusher/internal/id"
)

func TestGeneratorToReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, rate := range []float64{0, 100_000} {
		file := filepath.Join(t.TempDir(), "accepted")
		first := uint64(i) * 5000
		result, err := load.Run(t.Context(), load.Options{
			URLs: []string{w.url + "/ok/1"}, Direct: true, Count: 5000, Connections: 8, Rate: rate, First: first, Accepted: file,
		})
		require.NoError(t, err)
		require.EqualValues(t, 5000, result.Events)
		got, err := w.Check(sink.Expectation{Accepted: file, Destinations: []uint32{1}})
		require.NoError(t, err)
		require.EqualValues(t, 5000, got.Accepted)
		require.Zero(t, got.Missing)
		require.Zero(t, got.Duplicates)
		require.EqualValues(t, first, got.Unexpected)
		require.EqualValues(t, first+5000, w.Stats().Distinct)
	}
	require.EqualValues(t, 10_000, w.Latency()["ok"].Count)
}

// A door between the two forgets an event, and delivers another one twice.
func TestGeneratorToReceiverThroughADoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var minter id.Minter
	taken := 0
	door := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		event := minter.Events(time.Now(), 1)[0]
		taken++
		times := map[int]int{10: 0, 20: 2}
		n, odd := times[taken]
		mu.Unlock()
		if !odd {
			n = 1
		}
		for range n {
			out, _ := http.NewRequest(http.MethodPost, w.url+"/ok/5", bytes.NewReader(body))
			out.Header.Set("Webhook-Id", event)
			if got, err := w.client.Do(out); err == nil {
				_, _ = io.Copy(io.Discard, got.Body)
				_ = got.Body.Close()
			}
		}
		a.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(a, `{"status":true,"event_id":"`+event+`","deliveries":1,"duplicate":false}`)
	}))
	t.Cleanup(door.Close)
	file := filepath.Join(t.TempDir(), "accepted")
	result, err := load.Run(t.Context(), load.Options{URLs: []string{door.URL}, Count: 100, Connections: 4, Accepted: file})
	require.NoError(t, err)
	require.EqualValues(t, 100, result.Events, result.FirstError)
	got, err := w.Check(sink.Expectation{Accepted: file, Destinations: []uint32{5}})
	require.NoError(t, err)
	require.Len(t, got.Examples, 2)
	got.Examples = nil
	require.Equal(t, sink.Verdict{Accepted: 100, Missing: 1, Duplicates: 1}, got)
}

// BenchmarkLoop is what the two ends cost by themselves: an event of 1 KB from the
// generator to the receiver and its answer, over 64 connections.
func BenchmarkLoop(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	result, err := load.Run(b.Context(), load.Options{URLs: []string{w.url + "/ok/1"}, Direct: true, Count: b.N})
	require.NoError(b, err)
	require.EqualValues(b, b.N, result.Accepted)
	b.ReportMetric(result.PerSecond, "events/s")
}
