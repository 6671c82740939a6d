package ingest

import (
	"context"
	"time"
)

// Failures stand between a committer and its store. An insert asks Before with
// its number (from 1) and, when it was executed, After; what they return takes
// the place of its answer. ReadBack is asked before each reading back.
type Failures struct {
	Before, After func(n int, events []string) error
	ReadBack      func() error
}

// Fail puts failures into what New will start.
func (o *Options) Fail(f Failures) {
	o.wrap = func(s store) store { return &failing{store: s, f: f} }
}

// Patience is how long a batch is tried.
func (o *Options) Patience(d time.Duration) { o.patience = d }

type failing struct {
	store
	f Failures
	n int
}

func (s *failing) insert(ctx context.Context, batch []*item, run string) ([]row, error) {
	s.n++
	n, ids := s.n, idsOf(batch)
	if s.f.Before != nil {
		if err := s.f.Before(n, ids); err != nil {
			return nil, err
		}
	}
	rows, err := s.store.insert(ctx, batch, run)
	if err == nil && s.f.After != nil {
		if err := s.f.After(n, ids); err != nil {
			return nil, err
		}
	}
	return rows, err
}

func (s *failing) readBack(ctx context.Context, batch []*item) ([]row, error) {
	if s.f.ReadBack != nil {
		if err := s.f.ReadBack(); err != nil {
			return nil, err
		}
	}
	return s.store.readBack(ctx, batch)
}

// ErrNothing is the answer of a reading back that finds nothing.
var ErrNothing = errNothing
