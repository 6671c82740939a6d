package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	// bulkShare events are accepted for each delivery that begins while bulk
	// queues up at the door.
	bulkShare = 8
	// bulkPause is how long after the last of it bulk has ended.
	bulkPause = 100 * time.Millisecond
	// bulkCredit is how many events may have been accepted ahead.
	bulkCredit = 2 * bulkShare * startAtOnce
)

// bulk lets what queues up at the door in bulk go before deliveries that wait for
// their first attempts. Its sender waits for the answers, and as soon as it has
// them the deliveries have the machine to themselves.
type bulk struct {
	mu     sync.Mutex
	credit int       // events that were accepted and have not let a delivery begin
	last   time.Time // when some were accepted while more waited
}

// came notes events that were accepted, and how many wait.
func (b *bulk) came(events, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if waiting < events {
		b.last = time.Time{} // the door keeps up
		return
	}
	b.last = time.Now()
	b.credit = min(b.credit+events, bulkCredit)
}

// yield returns when n deliveries may begin, and how long that took; not ok, when
// ctx has ended before.
func (b *bulk) yield(ctx context.Context, n int) (yielded time.Duration, ok bool) {
	began := time.Now()
	ok = lookUntil(ctx, func() bool { return b.may(n) })
	return time.Since(began), ok
}

func (b *bulk) may(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.pressing() {
		b.credit = 0
		return true
	}
	if b.credit < n*bulkShare {
		return false
	}
	b.credit -= n * bulkShare
	return true
}

// presses reports whether bulk queues up at the door.
func (b *bulk) presses() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pressing()
}

func (b *bulk) pressing() bool { return !b.last.IsZero() && time.Since(b.last) <= bulkPause }
