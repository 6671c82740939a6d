// Package ingest is the only way in for events: the group commit.
//
// Whoever calls [Ingest.Accept] or [Ingest.AcceptAll] waits for a batch. While one
// batch is being committed, the events that arrive form the next: there is no
// timer, so an idle system commits each event at once and a busy one many
// together. A batch takes of each account in turn. It is one transaction: the
// events, their deliveries (read from the destinations by the same statement) and
// the idempotency keys. When Accept returns nil the event is on disk.
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/statistics"
)

// Limits of one event.
const (
	MaxPayload   = 1 << 20 // bytes of the body
	MaxKey       = 255     // characters of an idempotency key
	MaxEventType = 128     // characters
)

// KeyLifetime is how long an idempotency key is remembered, unless
// [Options.KeyLifetime] says otherwise.
const KeyLifetime = 24 * time.Hour

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

// Result is what became of one event of several: its receipt, or the error that
// [Ingest.Accept] would give.
type Result struct {
	Receipt Receipt
	Err     error
}

// Delivery is one committed delivery of a batch.
type Delivery struct {
	ID, EventID, AccountID, DestinationID string
	Parked                                bool // its destination is not sending now
	Deferred                              bool // its first attempt does not begin here
	Payload                               []byte
	CreatedAt                             time.Time
	Since                                 time.Time // before its commit, by the clock of this process
}

// Ticket is a batch's place in a run.
type Ticket interface {
	// Run is the id that the batch's deliveries are written under.
	Run() string
	// Arguments are those of [Options.TxInsert], where that is set.
	Arguments() []any
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
	// TxInsert is a part of the statement that commits a batch, on Postgres: the
	// engine gets the run by it, see workflows.TxDispatcher. nil: it gets it later.
	TxInsert func(first int, condition string) string
	// Lease is how long a first attempt may be going on in this process after
	// the commit, unless its destination has a longer time-out. Zero where nobody
	// begins one.
	Lease time.Duration
	// KeyLifetime is how long an idempotency key is remembered; KeyLifetime if zero.
	// Keys that are there keep the time that they were given.
	KeyLifetime time.Duration
	// MaxBatch events and MaxBatchBytes of payload go into one commit.
	MaxBatch, MaxBatchBytes int
	// MaxWaiting events, with MaxWaitingBytes of payload, wait for a commit; what
	// comes on top is refused, and near that what comes of an account of which
	// much waits already.
	MaxWaiting, MaxWaitingBytes int
	// MaxWait is how long the first of an account may have waited when another
	// comes; 500 ms if zero.
	MaxWait time.Duration
	// Busy reports that of an account, or of all, enough first attempts are under
	// way here: single events wait for that to change, and others' pass by; what
	// came in bulk is accepted and deferred, as it is where there is much of it.
	// nil: nobody is busy.
	Busy func(account string) bool
	// Deferred is told of every commit of deferred events, and how many events
	// wait for the next ones.
	Deferred func(events, waiting int)
	// Changes is told of what was stored; nil: nobody is.
	Changes *changes.Bus
	// Observe is told of every commit: how many events it stored and how long it took.
	Observe func(events int, took time.Duration)
	// Statistics counts what was stored; nil: nobody does.
	Statistics *statistics.Counter

	// Tests put failures between a committer and its store, and lose patience sooner.
	wrap     func(store) store
	patience time.Duration
}

// Ingest takes events in.
type Ingest struct {
	o      Options
	minter id.Minter
	queue  *queue
	wait   sync.WaitGroup

	swept    context.Context // ends with the ingest
	endSweep context.CancelFunc
}

// call is one caller who waits for all of its items.
type call struct {
	items []item
	one   [1]item // room for items, where it is a single one
	left  atomic.Int32
	ended chan struct{}
}

// item is one event that waits.
type item struct {
	Event
	id     string
	key    string // account and idempotency key, where there is one
	hash   []byte // of the payload, where there is an idempotency key
	bulk   bool   // one of many in a call
	defers bool   // accepted, and not begun
	call   *call
	behind *item // of the same account, in the queue
	since  time.Time
	result Result
}

func (it *item) done(r Receipt, err error) {
	it.result = Result{r, err}
	if it.call.left.Add(-1) == 0 {
		close(it.call.ended)
	}
}

// New starts the committer. Close ends it.
func New(o Options) *Ingest {
	if o.MaxBatch == 0 {
		o.MaxBatch = 256
	}
	if o.MaxBatchBytes == 0 {
		o.MaxBatchBytes = 8 << 20
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 16384
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = 64 << 20
	}
	if o.MaxWait == 0 {
		o.MaxWait = 500 * time.Millisecond
	}
	if o.KeyLifetime == 0 {
		o.KeyLifetime = KeyLifetime
	}
	if o.Deferred == nil {
		o.Deferred = func(int, int) {}
	}
	if o.Observe == nil {
		o.Observe = func(int, time.Duration) {}
	}
	if o.patience == 0 {
		o.patience = patience
	}
	in := &Ingest{o: o, queue: newQueue(o.MaxWaiting, o.MaxWaitingBytes, o.MaxWait)}
	in.queue.busy = o.Busy
	c := &committer{Ingest: in, store: newStore(o)}
	if o.wrap != nil {
		c.store = o.wrap(c.store)
	}
	in.wait.Go(c.run)
	in.swept, in.endSweep = context.WithCancel(context.Background())
	in.wait.Go(in.sweep)
	return in
}

// Accept commits an event and its deliveries. Errors: conflict when the
// idempotency key stands for another body; unavailable when the database cannot
// take it now or too many wait. After an error that is not coded, or when ctx
// ends first, the event may have been accepted all the same.
func (in *Ingest) Accept(ctx context.Context, e Event) (Receipt, error) {
	c := &call{ended: make(chan struct{})}
	c.items = c.one[:]
	c.items[0].Event = e
	if err := in.accept(ctx, c); err != nil {
		return Receipt{}, err
	}
	return c.items[0].result.Receipt, c.items[0].result.Err
}

// AcceptAll commits events of one account, each as [Accept] does: their results
// are in the order of the events, and each has an error of its own. They share
// commits with whatever else waits, and need not be committed together. Where
// not all of them find room to wait, none is accepted.
func (in *Ingest) AcceptAll(ctx context.Context, events []Event) []Result {
	results := make([]Result, len(events))
	if len(events) == 0 {
		return results
	}
	c := &call{items: make([]item, len(events)), ended: make(chan struct{})}
	for i, e := range events {
		c.items[i].Event = e
	}
	err := in.accept(ctx, c)
	for i := range results {
		if err != nil {
			results[i].Err = err // the items may still be written to
		} else {
			results[i] = c.items[i].result
		}
	}
	return results
}

// accept waits until a call's items have their results; an error is that of all
// of them.
func (in *Ingest) accept(ctx context.Context, c *call) error {
	for i := range c.items {
		it := &c.items[i]
		it.call, it.bulk = c, len(c.items) > 1
		if it.IdempotencyKey != "" {
			it.key = it.AccountID + "/" + it.IdempotencyKey
			sum := sha256.Sum256(it.Payload)
			it.hash = sum[:]
		}
	}
	c.left.Store(int32(len(c.items))) //nolint:gosec // G115: the queue holds fewer
	if err := in.queue.push(c.items); err != nil {
		return err
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return problem.Wrap(ctx.Err(), problem.Unavailable,
			"the answer did not come in time; send it again with the same Idempotency-Key")
	}
}

// Close commits what waits and ends the committer.
func (in *Ingest) Close() {
	in.queue.close()
	in.endSweep()
	in.wait.Wait()
}

var errNothing = errors.New("nothing was stored under these ids")
