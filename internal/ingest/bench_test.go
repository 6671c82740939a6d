package ingest_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/ingest"
	"datapusher/internal/testutil/dbtest"
)

// BenchmarkAcceptAll is what batches of 1,000 events of 1 KB cost, for sizes of a
// commit. Each event has one delivery.
func BenchmarkAcceptAll(b *testing.B) {
	for _, size := range []int{128, 256, 512, 1024} {
		b.Run(fmt.Sprintf("commits of %d", size), func(b *testing.B) {
			w := newWorld(b, dbtest.Postgres(b), func(o *ingest.Options) { o.MaxBatch, o.Runs = size, forgetful{} })
			account := w.account(b, 1)
			payload := append(append([]byte(`{"a":"`), bytes.Repeat([]byte("x"), 1015)...), `"}`...)
			events := make([]ingest.Event, 1000)
			for i := range events {
				events[i] = ingest.Event{AccountID: account, Payload: payload}
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 8 {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						for _, r := range w.AcceptAll(b.Context(), events) {
							if r.Err != nil {
								b.Error(r.Err)
							}
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
			require.Equal(b, b.N*1000, w.count(b, "events"))
		})
	}
}

// forgetful gives out runs and forgets what is committed under them.
type forgetful struct{}

func (forgetful) Open([]string) ingest.Ticket { return forgetful{} }
func (forgetful) Run() string                 { return "batch/1" }

// Arguments implements ingest.Ticket.
func (forgetful) Arguments() []any        { return nil }
func (forgetful) Close([]ingest.Delivery) {}
