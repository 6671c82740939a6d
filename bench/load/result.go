package load

import "datapusher/bench/load/ledger"

// Result is what a run measured, its warm-up left out.
type Result struct {
	Requests   int64            `json:"requests"`              // sent
	Accepted   int64            `json:"accepted"`              // answered with 2xx
	Shed       int64            `json:"shed"`                  // answered with 503
	RetryAfter int64            `json:"shed_with_retry_after"` // of these
	Statuses   map[string]int64 `json:"statuses,omitempty"`    // other answers
	Errors     int64            `json:"errors"`                // without an answer
	FirstError string           `json:"first_error,omitempty"` // one of them, the warm-up's included
	Unsent     int64            `json:"unsent"`                // due at a rate, but no connection became free
	Backoffs   int64            `json:"backoffs"`              // pauses since the door said so
	BackoffSum float64          `json:"backoff_seconds"`       // of all connections together
	Events     int64            `json:"accepted_events"`       // with an id, recorded
	Refused    int64            `json:"refused_events"`        // that 2xx of a batch refuses
	Unreadable int64            `json:"unreadable_events"`     // accepted without an id that could be read
	Wall       float64          `json:"wall_seconds"`          // to the last answer
	PerSecond  float64          `json:"accepted_events_per_second"`
	Series     []int64          `json:"accepted_events_series"` // in each second

	// Latency is that of requests with 2xx: "all", and "heavy" and "others" where
	// accounts have different weights.
	Latency map[string]ledger.Summary `json:"latency"`
	// Lateness is how long after their time requests were sent at a rate. It is a
	// part of the latency, and the generator's own where connections were free.
	Lateness *ledger.Summary `json:"lateness,omitempty"`

	Warmup struct {
		Requests int64 `json:"requests"`
		Events   int64 `json:"accepted_events"`
	} `json:"warmup"`
	Next uint64 `json:"next_number"` // the first number that was not used
}
