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

func (s *failing) insert(ctx context.Context, batch []*item, run under) ([]row, error) {
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

// Queue is a queue by itself.
type Queue struct{ q *queue }

// NewQueue makes one with its bounds.
func NewQueue(maxItems, maxBytes int) *Queue {
	return &Queue{newQueue(maxItems, maxBytes, time.Second)}
}

// Busy makes accounts busy.
func (q *Queue) Busy(busy func(account string) bool) { q.q.busy = busy }

// Push puts events of one account into it; several are in bulk.
func (q *Queue) Push(events ...Event) error {
	items := make([]item, len(events))
	for i, e := range events {
		items[i].Event, items[i].bulk = e, len(events) > 1
	}
	return q.q.push(items)
}

// Take waits for a batch. It has no events once the queue is closed and empty.
func (q *Queue) Take(maxItems, maxBytes int) []Event {
	var events []Event
	for _, it := range q.q.take(maxItems, maxBytes) {
		if it.behind != nil {
			panic("what was taken keeps what waits in memory")
		}
		events = append(events, it.Event)
	}
	return events
}

// TakeKind waits for a batch and tells whether it is to be deferred.
func (q *Queue) TakeKind(maxItems int) (events int, deferred bool) {
	batch := q.q.take(maxItems, 1<<30)
	for _, it := range batch {
		if it.defers != batch[0].defers {
			panic("a batch of both kinds")
		}
	}
	return len(batch), batch[0].defers
}

// Close refuses what comes and lets what waits be taken.
func (q *Queue) Close() { q.q.close() }

// Waiting is how much waits, and for how many accounts there is memory.
func (q *Queue) Waiting() (items, bytes, accounts int) {
	q.q.mu.Lock()
	defer q.q.mu.Unlock()
	accounts = len(q.q.lines)
	for l := q.q.spare; l != nil; l = l.next {
		accounts++
	}
	return q.q.waiting.items, q.q.waiting.bytes, accounts
}

// Passes is how each way to hand items over is measured: what puts one
// in, and what takes a batch out.
func Passes() map[string]func() (put func(e *Event), take func(n int) int) {
	return map[string]func() (func(*Event), func(int) int){
		"queue": func() (func(*Event), func(int) int) {
			q := newQueue(1<<20, 1<<40, time.Hour)
			return func(e *Event) {
					items := make([]item, 1)
					items[0].Event = *e
					if err := q.push(items); err != nil {
						panic(err)
					}
				}, func(n int) int {
					return len(q.take(n, 1<<40))
				}
		},
		"channel": func() (func(*Event), func(int) int) {
			c := make(chan *item, 1<<20)
			return func(e *Event) { c <- &item{Event: *e} }, func(n int) int {
				batch := []*item{<-c}
				for len(batch) < n {
					select {
					case it := <-c:
						batch = append(batch, it)
					default:
						return len(batch)
					}
				}
				return len(batch)
			}
		},
	}
}

// Sweep deletes the idempotency keys that have expired.
func (in *Ingest) Sweep(ctx context.Context) error { return in.sweepOnce(ctx) }
