package delivery

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// slots bound the attempts that go on at the same time: for each destination
// until the answer is there, and over all until it is recorded. Who waits is
// served in order, and alone: many may be waiting.
type slots struct {
	all     *semaphore.Weighted
	waiting atomic.Int64

	mu sync.Mutex
	by map[string]*places
}

// places are those of one destination.
type places struct {
	*semaphore.Weighted
	users int // hold a place or wait for one
}

func newSlots() *slots {
	return &slots{all: semaphore.NewWeighted(overall), by: make(map[string]*places)}
}

// try takes a slot if one is free and nobody waits for it.
func (s *slots) try(destination string) bool {
	p := s.enter(destination)
	if p.TryAcquire(1) {
		if s.all.TryAcquire(1) {
			return true
		}
		p.Release(1)
	}
	s.leave(destination, p)
	return false
}

// full reports whether a destination has no place left, whoever has those of the
// whole process.
func (s *slots) full(destination string) bool {
	p := s.enter(destination)
	defer s.leave(destination, p)
	if p.TryAcquire(1) {
		p.Release(1)
		return false
	}
	return true
}

// acquire waits for a slot until ctx ends.
func (s *slots) acquire(ctx context.Context, destination string) bool {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	p := s.enter(destination)
	if p.Acquire(ctx, 1) == nil {
		if s.all.Acquire(ctx, 1) == nil {
			return true
		}
		p.Release(1)
	}
	s.leave(destination, p)
	return false
}

// answered gives the destination's part of a slot back; recorded the rest.
func (s *slots) answered(destination string) {
	s.mu.Lock()
	p := s.by[destination]
	s.mu.Unlock()
	p.Release(1)
	s.leave(destination, p)
}

func (s *slots) recorded() { s.all.Release(1) }

// release gives the whole slot back.
func (s *slots) release(destination string) {
	s.answered(destination)
	s.recorded()
}

func (s *slots) enter(destination string) *places {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[destination]
	if p == nil {
		p = &places{Weighted: semaphore.NewWeighted(perDestination)}
		s.by[destination] = p
	}
	p.users++
	return p
}

func (s *slots) leave(destination string, p *places) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users == 0 {
		delete(s.by, destination)
	}
}
