package ingest

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"datapusher/internal/problem"
)

// queue holds what waits for a commit: a line for each account, first in, first
// out. The lines take turns, so an account that sends much waits behind itself
// and nobody else.
//
// It is bounded in time: where the first of a line has waited for longer than
// its patience nothing is added to it, so that whoever sends more than can be
// taken hears so at once, and not after a queue. It is bounded in items and
// bytes. The last quarter is kept for accounts of which less waits than there is
// room: one that floods leaves room for the others, and those that flood together
// share what there is.
type queue struct {
	max, crowded amount
	patience     time.Duration
	busy         func(account string) bool // has enough for now, and is passed by; nil: nobody
	ahead        *rate.Limiter             // of bulk that is not deferred although nobody is busy

	mu      sync.Mutex
	some    sync.Cond // something waits, or the queue is closed
	lines   map[string]*line
	last    *line // the one whose turn comes last; the lines are a ring
	spare   *line // those that are not used now
	waiting amount
	takes   int
	passed  bool // bulk was, by the last batch
	closed  bool
}

// line is what waits of one account.
type line struct {
	account     string
	first, last *item
	waiting     amount
	next        *line
	asked       int // the take that asked whether its account is busy
	busy        bool
}

// amount is how much waits.
type amount struct{ items, bytes int }

func (a *amount) add(b amount) { a.items, a.bytes = a.items+b.items, a.bytes+b.bytes }
func (a *amount) sub(b amount) { a.items, a.bytes = a.items-b.items, a.bytes-b.bytes }

var (
	errStopping = problem.New(problem.Unavailable, "the server is stopping; send it again")
	errLate     = problem.New(problem.Unavailable, "events of this account have waited too long already; send it again in a second")
	errFull     = problem.New(problem.Unavailable, "more events arrive than can be stored; send it again in a second")
	errCrowded  = problem.New(problem.Unavailable, "more events of this account arrive than can be stored beside those of others; send it again in a second")
)

func newQueue(maxItems, maxBytes int, patience time.Duration) *queue {
	q := &queue{
		patience: patience,
		max:      amount{maxItems, maxBytes},
		crowded:  amount{maxItems - maxItems/4, maxBytes - maxBytes/4},
		ahead:    rate.NewLimiter(bulkAhead, bulkAhead),
		lines:    make(map[string]*line),
	}
	q.some.L = &q.mu
	return q
}

// push puts items of one account behind what waits of it, all of them or none.
func (q *queue) push(items []item) error {
	more := amount{items: len(items)}
	for i := range items {
		more.bytes += len(items[i].Payload)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errStopping
	}
	account := items[0].AccountID
	l := q.lines[account]
	if err := q.admit(l, more); err != nil {
		return err
	}
	if l == nil {
		l = q.open(account)
	}
	now := time.Now()
	for i := range items {
		it := &items[i]
		it.since = now
		if l.last == nil {
			l.first = it
		} else {
			l.last.behind = it
		}
		l.last = it
	}
	l.waiting.add(more)
	q.waiting.add(more)
	q.some.Signal()
	return nil
}

// admit says why there is no room for more in a line; nil is one that is not open.
func (q *queue) admit(l *line, more amount) error {
	after, own := q.waiting, more
	after.add(more)
	if l != nil {
		own.add(l.waiting)
		if time.Since(l.first.since) > q.patience {
			return errLate
		}
	}
	switch {
	case after.items > q.max.items, after.bytes > q.max.bytes:
		return errFull
	case after.items > q.crowded.items && own.items > q.max.items-q.waiting.items,
		after.bytes > q.crowded.bytes && own.bytes > q.max.bytes-q.waiting.bytes:
		return errCrowded
	}
	return nil
}

// open gives an account its line; its turn comes last.
func (q *queue) open(account string) *line {
	l := q.spare
	if l == nil {
		l = &line{}
	} else {
		q.spare = l.next
	}
	l.account = account
	q.lines[account] = l
	if q.last == nil {
		l.next = l
	} else {
		l.next, q.last.next = q.last.next, l
	}
	q.last = l
	return l
}

// busyLook is how often somebody looks whether an account is busy still, where
// nothing waits but what such accounts have sent.
const busyLook = 200 * time.Microsecond

// bulkAhead events a second, and as many at once, may come in bulk without being
// deferred: one request's. Whoever sends more than that wants to get rid of it
// sooner than he wants it delivered.
const bulkAhead = 1024

// take waits for items and takes one of each account, round after round, until
// they are as many as the batch may have, or at least as many bytes. What was
// sent in bulk and has to be deferred, since its account is busy or since there is
// much of it, comes in batches of its own, in turn with those of others. It gives
// nothing once the queue is closed and empty.
func (q *queue) take(maxItems, maxBytes int) []*item {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for q.last == nil && !q.closed {
			q.some.Wait()
		}
		first := q.passed
		batch := q.batch(maxItems, maxBytes, first)
		if len(batch) == 0 {
			batch = q.batch(maxItems, maxBytes, !first)
		}
		if len(batch) > 0 || q.last == nil {
			return batch
		}
		q.mu.Unlock()
		time.Sleep(busyLook)
		q.mu.Lock()
	}
}

// batch takes what does not have to wait; where it defers, what came in bulk.
func (q *queue) batch(maxItems, maxBytes int, defers bool) []*item {
	q.takes++
	q.passed = false
	batch := make([]*item, 0, min(maxItems, q.waiting.items))
	for size, passed := 0, 0; q.last != nil && passed < len(q.lines) && len(batch) < maxItems && size < maxBytes; {
		if l := q.last.next; q.passes(l, defers) {
			q.last = l
			passed++
			continue
		}
		passed = 0
		it := q.next()
		it.defers = defers
		batch, size = append(batch, it), size+len(it.Payload)
	}
	if q.last != nil {
		q.some.Signal() // for another committer
	}
	return batch
}

// passes reports whether a line's turn passes: since its account is busy, or since
// its first item belongs into a batch of the other kind.
func (q *queue) passes(l *line, defers bool) bool {
	if q.busy == nil || q.closed {
		return false
	}
	if defers {
		return !l.first.bulk
	}
	if l.asked != q.takes {
		l.asked, l.busy = q.takes, q.busy(l.account)
	}
	if !l.busy && (!l.first.bulk || q.ahead.Allow()) {
		return false
	}
	q.passed = q.passed || l.first.bulk
	return true
}

// next takes the first item of the line whose turn it is.
func (q *queue) next() *item {
	l := q.last.next
	it := l.first
	l.first, it.behind = it.behind, nil
	one := amount{1, len(it.Payload)}
	l.waiting.sub(one)
	q.waiting.sub(one)
	if l.first != nil {
		q.last = l
		return it
	}
	if l == q.last {
		q.last = nil
	} else {
		q.last.next = l.next
	}
	delete(q.lines, l.account)
	*l = line{next: q.spare}
	q.spare = l
	return it
}

// length is how many items wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.items
}

// close refuses what comes and lets what waits be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}
