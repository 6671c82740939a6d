package load_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load"
	"datapusher/bench/load/ledger"
)

func TestEachEventIsSentOnceAndRecorded(t *testing.T) {
	t.Parallel()
	d := newDoor(t, nil)
	before := time.Now().UnixNano()
	result, records := run(t, load.Options{
		URLs: []string{d.url(), d.url()}, Accounts: []load.Account{{Token: "a", Weight: 3}, {Token: "long-b"}, {Token: "c"}},
		Headers: []string{"Event-Type: kind"}, Size: 200, Connections: 4, Count: 100, First: 1000,
	})
	require.EqualValues(t, 100, result.Requests)
	require.EqualValues(t, 100, result.Accepted)
	require.EqualValues(t, 100, result.Events)
	require.EqualValues(t, 1100, result.Next)
	require.EqualValues(t, 60, result.Latency["heavy"].Count)
	require.EqualValues(t, 40, result.Latency["others"].Count)
	require.EqualValues(t, 100, result.Latency["all"].Count)
	require.Nil(t, result.Lateness)
	require.Len(t, records, 100)
	require.Len(t, d.got, 100)
	tokens := make(map[string]int)
	for _, g := range d.got {
		tokens[g.token]++
		require.Equal(t, 200, g.size)
		require.Equal(t, "kind", g.kind)
		require.Greater(t, g.time, before)
		r := records[g.number]
		require.Equal(t, d.ids[g.number], r.ID.String())
		require.Equal(t, ledger.Accepted, r.Kind)
		require.Equal(t, g.token, "Bearer "+[]string{"a", "long-b", "c"}[r.Account])
	}
	require.Equal(t, map[string]int{"Bearer a": 60, "Bearer long-b": 20, "Bearer c": 20}, tokens)
	sum := int64(0)
	for _, n := range result.Series {
		sum += n
	}
	require.EqualValues(t, 100, sum)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	d := newDoor(t, nil)
	result, records := run(t, load.Options{URLs: []string{d.url() + "/batch"}, Batch: 10, Connections: 2, Count: 5})
	require.EqualValues(t, 5, result.Requests)
	require.EqualValues(t, 5, result.Accepted)
	require.EqualValues(t, 35, result.Events)
	require.EqualValues(t, 15, result.Refused)
	require.Zero(t, result.Unreadable)
	require.EqualValues(t, 50, result.Next)
	require.Len(t, d.got, 50)
	require.Len(t, records, 35)
	for n, r := range records {
		require.Equal(t, d.ids[n], r.ID.String())
	}
}

func TestAnswersThatPromiseNothing(t *testing.T) {
	t.Parallel()
	d := newDoor(t, func(w http.ResponseWriter, _ *http.Request, nth int) bool {
		switch nth {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			w.WriteHeader(http.StatusTooManyRequests)
		case 4:
			w.WriteHeader(http.StatusBadRequest)
		case 5:
			w.WriteHeader(http.StatusInternalServerError)
		case 6:
			panic(http.ErrAbortHandler)
		case 7:
			w.WriteHeader(http.StatusAccepted)
		default:
			return false
		}
		return true
	})
	result, records := run(t, load.Options{URLs: []string{d.url()}, Connections: 1, Count: 8, MaxBackoff: time.Millisecond})
	require.EqualValues(t, 8, result.Requests)
	require.EqualValues(t, 2, result.Shed)
	require.EqualValues(t, 1, result.RetryAfter)
	require.Equal(t, map[string]int64{"429": 1, "400": 1, "500": 1}, result.Statuses)
	require.EqualValues(t, 1, result.Errors)
	require.Equal(t, "EOF", result.FirstError)
	require.EqualValues(t, 2, result.Accepted)
	require.EqualValues(t, 1, result.Unreadable)
	require.EqualValues(t, 1, result.Events)
	require.EqualValues(t, 3, result.Backoffs)
	require.InDelta(t, 0.002, result.BackoffSum, 1e-9)
	kinds := make(map[uint64]ledger.Kind)
	for n, r := range records {
		kinds[n] = r.Kind
	}
	require.Equal(t, map[uint64]ledger.Kind{0: 2, 1: 2, 4: 2, 5: 2, 6: 2, 7: 1}, kinds)
}

func TestWhatWaitsAtARateIsNotHidden(t *testing.T) {
	t.Parallel()
	d := newDoor(t, func(_ http.ResponseWriter, r *http.Request, nth int) bool {
		if nth == 1 {
			hold(r.Context(), 100*time.Millisecond)
		}
		return false
	})
	result, _ := run(t, load.Options{URLs: []string{d.url()}, Connections: 1, Rate: 1000, Count: 20})
	require.EqualValues(t, 20, result.Accepted)
	require.Zero(t, result.Unsent)
	// All were due within the first 20 ms, and none was answered before the first.
	require.Greater(t, result.Latency["all"].P50, 80.)
	require.Greater(t, result.Latency["all"].Mean, 80.)
	require.Greater(t, result.Lateness.P50, 80.)
	for i, g := range d.got[1:] { // t is the time that was meant
		require.InDelta(t, (time.Duration(i+1) * time.Millisecond).Nanoseconds(), g.time-d.got[0].time, 1)
	}
}

func TestWhatIsDueAtTheEndIsUnsent(t *testing.T) {
	t.Parallel()
	d := newDoor(t, func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		hold(r.Context(), 60*time.Millisecond)
		return false
	})
	result, _ := run(t, load.Options{URLs: []string{d.url()}, Connections: 1, Rate: 1000, Duration: 50 * time.Millisecond})
	require.EqualValues(t, 50, result.Requests+result.Unsent)
	require.EqualValues(t, result.Requests, result.Next)
	require.Positive(t, result.Unsent)
}

// hold is a door that is slow.
func hold(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func TestWarmupIsLeftOut(t *testing.T) {
	t.Parallel()
	d := newDoor(t, nil)
	for _, rate := range []float64{0, 10_000} {
		result, records := run(t, load.Options{URLs: []string{d.url()}, Connections: 2, Rate: rate, Count: 10, Warmup: time.Hour})
		require.Zero(t, result.Requests)
		require.Zero(t, result.Latency["all"].Count)
		require.Zero(t, result.PerSecond)
		require.EqualValues(t, 10, result.Warmup.Requests)
		require.EqualValues(t, 10, result.Warmup.Events)
		require.Len(t, records, 10)
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 0.001, 1000} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := newDoor(t, func(http.ResponseWriter, *http.Request, int) bool {
			cancel()
			return false
		})
		result, err := load.Run(ctx, load.Options{URLs: []string{d.url()}, Connections: 2, Rate: rate, Duration: time.Hour})
		require.NoError(t, err)
		require.Positive(t, result.Accepted)
	}
}

func TestADoorThatClosesItsConnections(t *testing.T) {
	t.Parallel()
	d := newDoor(t, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.Header().Set("Connection", "close")
		return false
	})
	result, _ := run(t, load.Options{URLs: []string{d.url()}, Connections: 2, Count: 10})
	require.EqualValues(t, 10, result.Accepted, result.FirstError)
}

func TestADoorThatIsGone(t *testing.T) {
	t.Parallel()
	var d *door
	d = newDoor(t, func(http.ResponseWriter, *http.Request, int) bool {
		_ = d.Listener.Close()
		panic(http.ErrAbortHandler)
	})
	result, _ := run(t, load.Options{URLs: []string{d.url()}, Connections: 1, Count: 3, MaxBackoff: time.Millisecond})
	require.EqualValues(t, 3, result.Errors)
	_, err := load.Run(t.Context(), load.Options{URLs: []string{d.url()}, Count: 1})
	require.Error(t, err)
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	good := load.Options{URLs: []string{"http://127.0.0.1:1"}, Count: 1}
	for want, change := range map[string]func(*load.Options){
		"no URL to send to":      func(o *load.Options) { o.URLs = nil },
		"no URL of http":         func(o *load.Options) { o.URLs = []string{"https://a"} },
		"neither a count":        func(o *load.Options) { o.Count = 0 },
		"at least":               func(o *load.Options) { o.Size = 5 },
		"negative":               func(o *load.Options) { o.Rate = -1 },
		"takes no batches":       func(o *load.Options) { o.Direct, o.Batch = true, 2 },
		"the weight -1":          func(o *load.Options) { o.Accounts = []load.Account{{Weight: -1}} },
		"no such file":           func(o *load.Options) { o.Accepted = "/nowhere/at/all" },
		"connect: connection re": func(*load.Options) {},
	} {
		o := good
		change(&o)
		_, err := load.Run(t.Context(), o)
		require.ErrorContains(t, err, want)
	}
}
