package sink

import (
	"time"

	"datapusher/bench/load/ledger"
)

// Stats is what arrived up to now.
type Stats struct {
	Arrivals int64                 `json:"arrivals"`
	Distinct int64                 `json:"distinct"`
	Last     int64                 `json:"last_unix_ns"` // 0 before the first
	Classes  map[string]ClassStats `json:"classes"`
	Verified Verified              `json:"verified"`
}

// ClassStats is what arrived at a class of destinations.
type ClassStats struct {
	Arrivals int64 `json:"arrivals"`     // requests
	Distinct int64 `json:"distinct"`     // different pairs of event and destination
	Unnamed  int64 `json:"unnamed"`      // requests without a webhook-id that is an event's
	Last     int64 `json:"last_unix_ns"` // 0 before the first
}

// Stats counts. It is cheap enough to be asked often.
func (s *Sink) Stats() Stats {
	names := s.classes.all()
	sum := make([]counts, maxClasses)
	s.memory.each(func(p *shard) {
		for i, c := range p.classes {
			sum[i].arrivals += c.arrivals
			sum[i].distinct += c.distinct
			sum[i].unnamed += c.unnamed
			sum[i].last = later(sum[i].last, c.last)
		}
	})
	all := Stats{Classes: make(map[string]ClassStats), Verified: s.verifier.result()}
	var last time.Time
	for i, name := range names {
		c := &sum[i]
		all.Arrivals += c.arrivals
		all.Distinct += c.distinct
		last = later(last, c.last)
		all.Classes[name] = ClassStats{Arrivals: c.arrivals, Distinct: c.distinct, Unnamed: c.unnamed, Last: unixNano(c.last)}
	}
	all.Last = unixNano(last)
	return all
}

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Latency sums up the latencies of first arrivals, for each class and for "all".
func (s *Sink) Latency() map[string]ledger.Summary {
	names := s.classes.all()
	sum := make([]ledger.Latencies, maxClasses)
	s.memory.each(func(p *shard) {
		for i, c := range p.classes {
			sum[i].Merge(&c.latency)
		}
	})
	var all ledger.Latencies
	result := make(map[string]ledger.Summary)
	for i, name := range names {
		result[name] = sum[i].Summary()
		all.Merge(&sum[i])
	}
	result["all"] = all.Summary()
	return result
}

// Reset forgets all that arrived.
func (s *Sink) Reset() { s.memory.forget() }

// ResetLatency forgets the latencies up to now, not what arrived.
func (s *Sink) ResetLatency() { s.memory.forgetLatencies() }
