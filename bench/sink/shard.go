package sink

import (
	"sync"
	"time"

	"datapusher/bench/load/ledger"
)

// shard is a part of the memory.
type shard struct {
	mu      sync.Mutex
	table   table
	classes []*counts // by number
	_       [64]byte  // a lock that is wanted must not slow down its neighbour's
}

// counts are those of a class of destinations.
type counts struct {
	arrivals int64 // all requests
	distinct int64 // different events at different destinations
	unnamed  int64 // requests without an id
	last     time.Time
	latency  ledger.Latencies
}

func (s *shard) class(n int) *counts {
	for len(s.classes) <= n {
		s.classes = append(s.classes, &counts{})
	}
	return s.classes[n]
}
