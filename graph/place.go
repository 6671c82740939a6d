package graph

import (
	"context"
	"sync"
	"time"

	"datapusher/ent"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// place is where a subscription can go on: after a change of a feed, and for other
// processes, which have other feeds, after the moment when it was found. As a cursor
// it looks like an id of that moment, so that the cursor of a row in a list is a
// place, too: the moment when the row was made.
type place struct {
	found time.Time
	feed  uint32
	seq   uint64 // below 2^48
}

func (p place) cursor(k *kind) ent.Cursor {
	return ent.Cursor{ID: id.Stamp(k.prefix, p.found, p.feed, p.seq)}
}

// readPlace reads a cursor of that kind; nil is none.
func readPlace(k *kind, c *ent.Cursor) (*place, error) {
	if c == nil {
		return nil, nil
	}
	if !id.Is(k.prefix, c.ID) {
		return nil, problem.New(problem.Invalid, "after: the cursor is another subscription's")
	}
	p := &place{}
	p.found, p.feed, p.seq = id.ReadStamp(c.ID)
	return p, nil
}

// marks are the cursors of what a subscription tells, in order: for a transport
// that has a place for them beside the answer.
type marks struct {
	mu   sync.Mutex
	list []ent.Cursor
}

type marksKey struct{}

// withMarks gives the subscription of a context marks to leave.
func withMarks(ctx context.Context) (context.Context, *marks) {
	m := &marks{}
	return context.WithValue(ctx, marksKey{}, m), m
}

func (m *marks) push(c ent.Cursor) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, c)
}

// pop takes the first one; nil: there is none.
func (m *marks) pop() *ent.Cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) == 0 {
		return nil
	}
	c := m.list[0]
	m.list = m.list[1:]
	return &c
}
