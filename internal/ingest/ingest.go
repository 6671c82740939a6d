// Package ingest is the only way in for events: the group commit.
//
// Whoever calls [Ingest.Accept] waits for a batch. While one batch is being
// committed, the calls that arrive form the next: there is no timer, so an idle
// system commits each event at once and a busy one many together. A batch is one
// transaction: the events, their deliveries (read from the destinations by the
// same statement) and the idempotency keys. When Accept returns nil the event is
// on disk.
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// Limits of one event.
const (
	MaxPayload   = 1 << 20 // bytes of the body
	MaxKey       = 255     // characters of an idempotency key
	MaxEventType = 128     // characters
	KeyLifetime  = 24 * time.Hour
)

// LeaseBeyond is how much longer the lease of a first attempt is than a
// destination's own time-out: the time to prepare and to record it.
const LeaseBeyond = 2 * time.Second

// Event is what a sender pushes. Its payload is checked by the door: JSON.
type Event struct {
	AccountID      string
	EventType      string // "" is none
	IdempotencyKey string // "" is none
	Payload        []byte // kept as it is; must not change afterwards
}

// Receipt is the answer to an accepted event.
type Receipt struct {
	EventID    string
	Deliveries int  // how many destinations get it
	Duplicate  bool // the idempotency key was known: EventID is the first one's
}

// Delivery is one committed delivery of a batch.
type Delivery struct {
	ID, EventID, AccountID, DestinationID string
	Parked                                bool // its destination is not sending now
	Payload                               []byte
	CreatedAt                             time.Time
}

// Ticket is a batch's place in a run.
type Ticket interface {
	// Run is the id that the batch's deliveries are written under.
	Run() string
	// Close tells what has been committed under the run; nothing, if it failed.
	Close([]Delivery)
}

// Runs gives out the runs that own new deliveries.
type Runs interface {
	// Open is called when a batch closes, before its commit.
	Open(eventIDs []string) Ticket
}

// Options of an Ingest.
type Options struct {
	DB     *database.DB
	Runs   Runs
	Logger *slog.Logger
	Now    func() time.Time
	// Lease is how long a first attempt may be going on in this process after
	// the commit, unless its destination has a longer time-out. Zero where nobody
	// begins one.
	Lease time.Duration
	// MaxBatch events and MaxBatchBytes of payload go into one commit.
	MaxBatch, MaxBatchBytes int
	// MaxWaiting calls, with MaxWaitingBytes of payload, wait for a commit; what
	// comes on top is refused.
	MaxWaiting, MaxWaitingBytes int
	// Observe is told of every commit: how many events it stored and how long it took.
	Observe func(events int, took time.Duration)

	// Tests put failures between a committer and its store, and lose patience sooner.
	wrap     func(store) store
	patience time.Duration
}

// Ingest takes events in.
type Ingest struct {
	o      Options
	minter id.Minter
	queue  chan *item
	bytes  atomic.Int64 // of payload, in the queue
	wait   sync.WaitGroup
	closed atomic.Bool
	mu     sync.RWMutex // guards queue against sends after Close
}

// item is one waiting call.
type item struct {
	Event
	id     string
	hash   []byte // of the payload, where there is an idempotency key
	answer chan answer
}

type answer struct {
	receipt Receipt
	err     error
}

func (it *item) done(r Receipt, err error) { it.answer <- answer{r, err} }

// New starts the committers. Close ends them.
func New(o Options) *Ingest {
	if o.MaxBatch == 0 {
		o.MaxBatch = 256
	}
	if o.MaxBatchBytes == 0 {
		o.MaxBatchBytes = 8 << 20
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 4096
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = 256 << 20
	}
	if o.Observe == nil {
		o.Observe = func(int, time.Duration) {}
	}
	if o.patience == 0 {
		o.patience = patience
	}
	in := &Ingest{o: o, queue: make(chan *item, o.MaxWaiting)}
	committers := 1 // SQLite has one writer
	if o.DB.Postgres() {
		// Two: one prepares and answers while the other waits for the disk.
		committers = 2
	}
	for range committers {
		c := &committer{Ingest: in, store: newStore(o.DB, o.Lease, o.Now)}
		if o.wrap != nil {
			c.store = o.wrap(c.store)
		}
		in.wait.Go(c.run)
	}
	return in
}

// Accept commits an event and its deliveries. Errors: conflict when the
// idempotency key stands for another body; unavailable when the database cannot
// take it now or too many wait. After an error that is not coded, or when ctx
// ends first, the event may have been accepted all the same.
func (in *Ingest) Accept(ctx context.Context, e Event) (Receipt, error) {
	it := &item{Event: e, answer: make(chan answer, 1)}
	if e.IdempotencyKey != "" {
		sum := sha256.Sum256(e.Payload)
		it.hash = sum[:]
	}
	if err := in.enqueue(it); err != nil {
		return Receipt{}, err
	}
	select {
	case a := <-it.answer:
		return a.receipt, a.err
	case <-ctx.Done():
		return Receipt{}, problem.Wrap(ctx.Err(), problem.Unavailable,
			"the answer did not come in time; send it again with the same Idempotency-Key")
	}
}

func (in *Ingest) enqueue(it *item) error {
	in.mu.RLock()
	defer in.mu.RUnlock()
	if in.closed.Load() {
		return problem.New(problem.Unavailable, "the server is stopping; send it again")
	}
	size := int64(len(it.Payload))
	if in.bytes.Add(size) <= int64(in.o.MaxWaitingBytes) {
		select {
		case in.queue <- it:
			return nil
		default:
		}
	}
	in.bytes.Add(-size)
	return problem.New(problem.Unavailable, "more events arrive than can be stored; send it again in a second")
}

// Close commits what waits and ends the committers.
func (in *Ingest) Close() {
	in.mu.Lock()
	if in.closed.CompareAndSwap(false, true) {
		close(in.queue)
	}
	in.mu.Unlock()
	in.wait.Wait()
}

var errNothing = errors.New("nothing was stored under these ids")
