package load

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"datapusher/bench/load/ledger"
)

// tally is what one connection counts.
type tally struct {
	requests, accepted, shed, retryAfter, errors int64
	backoffs                                     int64
	backoff                                      time.Duration
	events, refused, unreadable                  int64
	statuses                                     map[int]int64
	series                                       []int64
	heavy, others, late                          ledger.Latencies
	last                                         time.Duration // answer, since the start
}

// status counts an answer that is not 2xx.
func (t *tally) status(code int, told bool) {
	if code == http.StatusServiceUnavailable {
		t.shed++
		if told {
			t.retryAfter++
		}
		return
	}
	if t.statuses == nil {
		t.statuses = make(map[int]int64)
	}
	t.statuses[code]++
}

// second counts accepted events in the second in which they were.
func (t *tally) second(since time.Duration, events int64) {
	s := max(0, int(since/time.Second))
	for len(t.series) <= s {
		t.series = append(t.series, 0)
	}
	t.series[s] += events
}

func (t *tally) merge(o *tally) {
	t.requests += o.requests
	t.accepted += o.accepted
	t.shed += o.shed
	t.retryAfter += o.retryAfter
	t.errors += o.errors
	t.backoffs += o.backoffs
	t.backoff += o.backoff
	t.events += o.events
	t.refused += o.refused
	t.unreadable += o.unreadable
	for code, n := range o.statuses {
		if t.statuses == nil {
			t.statuses = make(map[int]int64)
		}
		t.statuses[code] += n
	}
	for s, n := range o.series {
		t.second(time.Duration(s)*time.Second, n)
	}
	t.heavy.Merge(&o.heavy)
	t.others.Merge(&o.others)
	t.late.Merge(&o.late)
	t.last = max(t.last, o.last)
}

// result is what the tally of all connections says.
func (t *tally) result(warmup time.Duration, open bool) *Result {
	r := &Result{
		Requests: t.requests, Accepted: t.accepted, Shed: t.shed, RetryAfter: t.retryAfter, Errors: t.errors,
		Backoffs: t.backoffs, BackoffSum: t.backoff.Seconds(),
		Events: t.events, Refused: t.refused, Unreadable: t.unreadable,
		Statuses: make(map[string]int64), Series: t.series, Latency: make(map[string]ledger.Summary),
	}
	for code, n := range t.statuses {
		r.Statuses[strconv.Itoa(code)] = n
	}
	if wall := t.last - warmup; wall > 0 {
		r.Wall = wall.Seconds()
		r.PerSecond = math.Round(float64(t.events)/r.Wall*10) / 10
	}
	if t.heavy.Summary().Count > 0 {
		r.Latency["heavy"], r.Latency["others"] = t.heavy.Summary(), t.others.Summary()
	}
	var all ledger.Latencies
	all.Merge(&t.heavy)
	all.Merge(&t.others)
	r.Latency["all"] = all.Summary()
	if open {
		late := t.late.Summary()
		r.Lateness = &late
	}
	return r
}
