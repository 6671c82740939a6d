package delivery

import (
	"context"
	"sync"
)

// slots bound the attempts that go on at the same time: for each destination,
// and over all.
type slots struct {
	mu    sync.Mutex
	all   int
	by    map[string]int
	freed chan struct{} // closed and renewed when a slot becomes free
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
	for {
		s.mu.Lock()
		if s.take(destination) {
			s.mu.Unlock()
			return true
		}
		freed := s.freed
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}

func (s *slots) release(destination string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.all == overall || s.by[destination] == perDestination
	s.all--
	if s.by[destination]--; s.by[destination] == 0 {
		delete(s.by, destination)
	}
	if full { // only then can anybody be waiting for this one
		close(s.freed)
		s.freed = make(chan struct{})
	}
}
