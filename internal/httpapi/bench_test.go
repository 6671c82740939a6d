package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"datapusher/internal/httpapi"
	"datapusher/internal/testutil/dbtest"
)

// BenchmarkIncoming is the way of an event through the door alone: no network,
// no database.
func BenchmarkIncoming(b *testing.B) {
	h := httpapi.New(options())
	body := `{"order":"` + strings.Repeat("x", 1000) + `"}`
	req := newRequest("POST /server/incoming_data", body, "CL-X-TOKEN: jane", "Content-Type: application/json")
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		req.Body = io.NopCloser(strings.NewReader(body))
		w := &quiet{header: http.Header{}}
		if h.ServeHTTP(w, req); w.status != http.StatusAccepted {
			b.Fatal(w.status)
		}
	}
}

// BenchmarkBatch is the way of 1,000 events of 1 KB through the door alone.
func BenchmarkBatch(b *testing.B) {
	h := httpapi.New(options())
	body := thousand()
	req := newRequest(batch, body, "CL-X-TOKEN: jane", "Content-Type: application/json")
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		req.Body = io.NopCloser(strings.NewReader(body))
		w := &quiet{header: http.Header{}}
		if h.ServeHTTP(w, req); w.status != http.StatusAccepted {
			b.Fatal(w.status)
		}
	}
}

// BenchmarkBatchOnPostgres is the whole way of events of 1 KB, 1,000 in a request
// and one delivery each, with eight senders: network, commit and answer.
func BenchmarkBatchOnPostgres(b *testing.B) {
	w := newWorld(b, dbtest.Postgres(b))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-w.engine.runs:
			case <-stop:
				return
			}
		}
	}()
	account, secret := w.account(b, "jane@example.com")
	w.destination(b, account, secret)
	body := thousand()
	var left atomic.Int64
	left.Store(int64(b.N))
	var senders sync.WaitGroup
	b.ResetTimer()
	for range 8 {
		senders.Go(func() {
			for left.Add(-1) >= 0 {
				if got := w.call(b, batch, body, bearer(secret)); !strings.HasPrefix(got.body, `{"status":true,"accepted":1000`) {
					b.Errorf("%.300s", got.body)
				}
			}
		})
	}
	senders.Wait()
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}

// thousand is an array of as many events of 1 KB.
func thousand() string {
	event := `{"order":"` + strings.Repeat("x", 1012) + `"}`
	return "[" + strings.Repeat(event+",", 999) + event + "]"
}

// quiet is a response that keeps no more than the status.
type quiet struct {
	header http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(status int)      { q.status = status }
