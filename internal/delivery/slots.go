package delivery

import (
	"context"
	"sync"
)

// slots bound the attempts that go on at the same time: for each destination,
// and over all.
type slots struct {
	mu      sync.Mutex
	all     int
	by      map[string]int
	waiting int
	freed   chan struct{} // closed and renewed when somebody waits for a slot that becomes free
}

func newSlots() *slots {
	return &slots{by: make(map[string]int), freed: make(chan struct{})}
}

// try takes a slot if one is free.
func (s *slots) try(destination string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(destination)
}

func (s *slots) take(destination string) bool {
	if s.all >= overall || s.by[destination] >= perDestination {
		return false
	}
	s.all++
	s.by[destination]++
	return true
}

// acquire waits for a slot until ctx ends.
func (s *slots) acquire(ctx context.Context, destination string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.take(destination) {
		freed := s.freed
		s.waiting++
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		s.waiting--
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}

func (s *slots) release(destination string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.all == overall || s.by[destination] == perDestination
	s.all--
	if s.by[destination]--; s.by[destination] == 0 {
		delete(s.by, destination)
	}
	if full && s.waiting > 0 { // only then can anybody wait for this one
		close(s.freed)
		s.freed = make(chan struct{})
	}
}
