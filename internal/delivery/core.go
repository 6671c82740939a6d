// Package delivery is the core that every engine calls back: load, send, decide,
// record. What it decides is a pure function of what happened (policy.go); what
// it knows is in the database; an engine adds nothing but time and durability.
//
// Only the run that owns a delivery attempts and records it: both compare the
// row's run. A failure of our own side is an error and uses up no attempt; a
// receiver's failure is an outcome.
package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/internal/breaker"
	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/statistics"
	"datapusher/workflows"
)

const (
	// Budget is how long the first attempts of a run may hold up its workflow's
	// first task. What is still open then goes on by itself.
	Budget = 2 * time.Second
	// recordTime is what an attempt may take beside its own deadline.
	recordTime = ingest.LeaseBeyond
	// Lease is how long after its commit a first attempt that began at once may
	// be going on: the attempt's deadline and the time to record it. A destination
	// with a deadline of its own has a lease to fit.
	Lease = sender.DefaultTimeout + recordTime
	// takenFor is the lease of a first attempt that a process took, for a destination
	// without a deadline of its own: the attempt may begin so much later.
	takenFor = Lease + lookTwice
	// maxLease is the longest of them.
	maxLease = sender.MaxTimeout + recordTime + lookTwice
	// maxUnsettled is how many unsettled deliveries one run keeps: engines limit
	// what one workflow may have pending.
	maxUnsettled = 500
)

// Sender makes one attempt.
type Sender interface {
	Send(ctx context.Context, r *sender.Request) sender.Result
}

// Options of a Core.
type Options struct {
	DB     *database.DB
	Box    *secret.Box
	Sender Sender
	Logger *slog.Logger
	Now    func() time.Time
	// Random gives numbers from 0 up to 1, for the jitter.
	Random func() float64
	// DisableAfter is how long a destination may fail without a success before it is
	// disabled; 0 is [breaker.DefaultDisableAfter].
	DisableAfter time.Duration
	// Changes is told of what changes; nil: nobody is.
	Changes *changes.Bus
	// Observe is told of every attempt.
	Observe func(r sender.Result, d Decision)
	// Statistics counts attempts, and what replays make; nil: nobody does.
	Statistics *statistics.Counter
}

// Core implements workflows.Core.
type Core struct {
	o            Options
	store        store
	destinations *destinations
	recorder     *recorder
	flights      flights
	slots        *slots
	bulk         bulk
	turns        chan struct{} // held by runs that start
	starting     atomic.Int64  // runs that start, or wait for their turn
	takers       chan struct{} // held by announced runs that are being taken
	usual        atomic.Int64  // size of the largest event that was announced lately, in bytes
	announced    atomic.Int64  // runs of which deliveries are being taken, or wait for that
	waitingBytes atomic.Int64  // of events whose first attempts wait for a place
	minter       id.Minter
	drains       sync.Map // destination id → *pace

	engine workflows.Engine // set by Use

	mu     sync.Mutex // guards closed, so that nothing is counted once Close waits
	closed bool
	wait   sync.WaitGroup // calls and attempts that are going on
}

// New makes a core. Use has to be called before anything runs, Close at the end.
func New(o Options) *Core {
	if o.DisableAfter == 0 {
		o.DisableAfter = breaker.DefaultDisableAfter
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Observe == nil {
		o.Observe = func(sender.Result, Decision) {}
	}
	o.Sender = mutatedSender(o.Sender)
	st := newStore(o.DB, o.Now)
	c := &Core{
		o: o, store: st,
		destinations: newDestinations(st, o.Box, o.Now),
		slots:        newSlots(o.Now),
		turns:        make(chan struct{}, turns),
		takers:       make(chan struct{}, takers),
	}
	c.usual.Store(int64(unknown))
	c.recorder = newRecorder(st, o.Logger, c.note)
	return c
}

// Use names the engine that the core hands further runs to. The two know each
// other, so one of them has to come later.
func (c *Core) Use(e workflows.Engine) { c.engine = e }

// Changed drops what is cached of an account's destinations.
func (c *Core) Changed(accountID string) { c.destinations.forget(accountID) }

// Backlog counts what is not settled.
func (c *Core) Backlog(ctx context.Context) (Backlog, error) { return c.store.backlog(ctx) }

// enter counts a call until wait.Done; false says that the core is closed. What
// is counted may count further goroutines without asking.
func (c *Core) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wait.Add(1)
	return true
}

// background does something that nobody waits for, unless the core is closed.
func (c *Core) background(f func()) {
	if c.enter() {
		go func() {
			defer c.wait.Done()
			f()
		}()
	}
}

// Close waits for the attempts that are going on and records them. Calls that
// come later fail.
func (c *Core) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wait.Wait()
	c.recorder.close()
	c.store.close()
}
