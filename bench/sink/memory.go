package sink

import (
	"math"
	"time"

	"datapusher/bench/load/ledger"
)

// memory is what arrived. It is in shards by event and destination, so that
// connections seldom want the same lock, and an arrival that comes again on
// another connection is known.
type memory struct{ shards [64]shard }

// arrival is a request.
type arrival struct {
	id          ledger.ID
	named       bool // has an id
	destination uint32
	class       int
	number      uint64
	latency     time.Duration
	stamped     bool // has a number and a latency
	at          time.Time
}

// unknownNumber stands for that of an event without a stamp.
const unknownNumber = math.MaxUint64

func (m *memory) note(a arrival) {
	k := key{id: a.id, destination: a.destination}
	h := k.hash()
	s := &m.shards[h%uint64(len(m.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.class(a.class)
	c.arrivals++
	c.last = later(c.last, a.at)
	switch {
	case !a.named:
		c.unnamed++
	case s.table.add(k, h, a.number):
		c.distinct++
	default:
		return
	}
	if a.stamped {
		c.latency.Add(a.latency)
	}
}

// each visits all shards, one after the other, each under its lock.
func (m *memory) each(visit func(*shard)) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		visit(s)
		s.mu.Unlock()
	}
}

// find visits what arrived of an event at a destination, if it did.
func (m *memory) find(k key, visit func(*entry)) bool {
	h := k.hash()
	s := &m.shards[h%uint64(len(m.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.table.find(k, h)
	if e != nil {
		visit(e)
	}
	return e != nil
}

// forget forgets all.
func (m *memory) forget() {
	m.each(func(s *shard) { s.classes, s.table = nil, table{} })
}

// forgetLatencies forgets latencies alone: what arrived before the measurement
// still has to be checked.
func (m *memory) forgetLatencies() {
	m.each(func(s *shard) {
		for _, c := range s.classes {
			c.latency.Reset()
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
