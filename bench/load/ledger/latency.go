package ledger

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies counts latencies to three digits, from a microsecond to an hour.
// The zero value is ready. It is not for several goroutines at once.
type Latencies struct{ h *hdrhistogram.Histogram }

const longest = int64(time.Hour / time.Microsecond)

// Add counts one. What is negative, since clocks differ, counts as none.
func (l *Latencies) Add(d time.Duration) {
	if l.h == nil {
		l.h = hdrhistogram.New(1, longest, 3)
	}
	_ = l.h.RecordValue(min(max(d.Microseconds(), 0), longest)) // fails out of range alone
}

// Merge adds what another has counted.
func (l *Latencies) Merge(from *Latencies) {
	if from.h == nil {
		return
	}
	if l.h == nil {
		l.h = hdrhistogram.New(1, longest, 3)
	}
	l.h.Merge(from.h)
}

// Reset forgets.
func (l *Latencies) Reset() {
	if l.h != nil {
		l.h.Reset()
	}
}

// Summary is what a report says of latencies, in milliseconds.
type Summary struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// Summary sums up.
func (l *Latencies) Summary() Summary {
	if l.h == nil || l.h.TotalCount() == 0 {
		return Summary{}
	}
	ms := func(us int64) float64 { return float64(us) / 1000 }
	at := func(p float64) float64 { return ms(l.h.ValueAtPercentile(p)) }
	return Summary{
		Count: l.h.TotalCount(), Mean: l.h.Mean() / 1000,
		P50: at(50), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), Max: ms(l.h.Max()),
	}
}
