// Package dispatch hands committed deliveries to the engine, at a pace.
//
// One workflow costs the engine the same whatever it carries, so the batch is
// the lever. The first dispatch leaves at once; the next not before a pace later.
// A commit of one event that may leave at once is a run of its own, "event/<id>";
// otherwise a run "batch/<ulid>" is open from the last dispatch to the next and
// every commit between is written under it. Up to ten events a second each have
// a workflow of their own, and above that the engine's cost is bounded: under
// load the pace slows down.
//
// Nothing depends on a dispatch to succeed: what the engine did not take is
// overdue soon, and the reconciler hands it over again.
//
// An engine that can join the transaction gets a run with its first commit, once,
// to begin when the last one is in. It is told of the run's end only where somebody
// waits for the engine: where first attempts have begun nobody does.
package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/workflows"
)

const (
	// workers hand over runs at the same time: a slow engine must not hold the
	// next run back, a stopped one not gather goroutines.
	workers = 4
	// backlog is how many closed runs may wait for a worker.
	backlog = 256
	// handOver is how long the engine may take for one run.
	handOver = 5 * time.Second
	// Up to that load, in events a second, runs leave at the pace. Above it they
	// leave as much more slowly, until the pace is slowest times as long. Where
	// first attempts have begun nobody waits for a run; where they wait for it,
	// few runs are worth it only when they would keep the engine busy.
	leisurely        = 20
	leisurelyWaiting = 1000
	slowest          = 5
	// behind is how long after a run may have left the engine begins it by itself: by
	// then its last commit is in. What comes later is the reconciler's.
	behind = 500 * time.Millisecond
	// maxRun deliveries are the end of a run, whatever the pace: its first attempts
	// are one activity, and its outcomes one answer.
	maxRun = 5000
	// maxDetails is the size of a run's list of deliveries in the engine's UI.
	maxDetails = 18_000
)

// HeadStart begins the first attempts of deliveries that were just committed
// under a run, without waiting for the engine.
type HeadStart interface {
	Begin(run string, deliveries []ingest.Delivery)
	// Defer tells that a run has deliveries that are not begun.
	Defer(run string)
}

// Crier announces to processes that make attempts what this one commits, which makes
// none. They begin first attempts without waiting for the engine, as far as they hear it
// and have room.
type Crier interface {
	// Announce says that there is something new under a run. It does not block.
	Announce(run string)
	// Heeded reports whether somebody hears that, most probably.
	Heeded() bool
}

// Options of a Dispatcher.
type Options struct {
	Engine workflows.Engine
	// HeadStart is nil where this process does not make attempts.
	HeadStart HeadStart
	// Crier is nil where nothing is announced.
	Crier Crier
	// Pace is the shortest time between two runs, as long as few events come in, and
	// Waiting that where first attempts wait for the engine; 0: the same.
	Pace, Waiting time.Duration
	Logger        *slog.Logger
	Now           func() time.Time
}

// Dispatcher gives runs to the batches of ingest and hands them to the engine.
type Dispatcher struct {
	o     Options
	tx    workflows.TxDispatcher // nil: the engine cannot join a transaction
	queue chan workflows.Run
	wait  sync.WaitGroup
	ctx   context.Context // ends soon after Close, whatever the engine does
	stop  context.CancelFunc

	mu     sync.Mutex
	left   time.Time // when the last run did
	next   time.Time // before this no run may leave
	open   *run      // takes every commit until its timer fires
	timer  *time.Timer
	closed bool
}

// run is a group of commits that the engine gets as one.
type run struct {
	id         string
	tickets    int // commits that are still going on
	announced  int // events of all its commits
	sealed     bool
	deferred   bool // some of its first attempts have not begun
	ahead      bool // first attempts begin without waiting for the engine, most probably
	deliveries []string
	events     int

	begins time.Time // when the engine begins it that got it with a commit; zero: at once
	held   bool      // the engine has it from a commit
}

// New starts a dispatcher. Close ends it.
func New(o Options) *Dispatcher {
	d := &Dispatcher{o: o, queue: make(chan workflows.Run, backlog)}
	d.tx, _ = o.Engine.(workflows.TxDispatcher)
	d.ctx, d.stop = context.WithCancel(context.Background())
	for range workers {
		d.wait.Go(d.work)
	}
	return d
}

// TxInsert is what ingest needs for its Options of the same name; nil where the
// engine cannot join its transaction.
func (d *Dispatcher) TxInsert() func(first int, condition string) string {
	if d.tx == nil {
		return nil
	}
	return d.tx.TxInsert
}

// Open implements ingest.Runs.
func (d *Dispatcher) Open(eventIDs []string) ingest.Ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.o.Now()
	if d.open == nil && (!now.Before(d.next) || d.closed) {
		// Nothing has left for a pace: this commit leaves by itself.
		ahead := d.ahead()
		d.left, d.next = now, now.Add(d.base(ahead))
		r := &run{tickets: 1, sealed: true, ahead: ahead}
		if len(eventIDs) == 1 {
			r.id = "event/" + eventIDs[0]
		} else {
			r.id = id.NewBatch(now)
		}
		if ahead {
			r.begins = now.Add(behind) // its first attempts have begun long before
		}
		return &ticket{d: d, run: r, events: len(eventIDs)}
	}
	if d.open == nil {
		d.open = &run{id: id.NewBatch(now), begins: d.next.Add(behind), ahead: d.ahead()}
		opened := d.open
		d.timer = time.AfterFunc(d.next.Sub(now), func() { d.seal(opened) })
	}
	d.open.tickets++
	d.open.announced += len(eventIDs)
	return &ticket{d: d, run: d.open, events: len(eventIDs)}
}

// seal closes a run to further commits, if it still is the open one.
func (d *Dispatcher) seal(r *run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r == d.open {
		d.closeOpen()
		d.leave(r)
	}
}

func (d *Dispatcher) closeOpen() {
	r := d.open
	d.open = nil
	d.timer.Stop()
	now := d.o.Now()
	d.next = now.Add(d.pace(r, now.Sub(d.left)))
	d.left = now
	r.sealed = true
}

// ahead reports whether first attempts begin without waiting for the engine.
func (d *Dispatcher) ahead() bool {
	return d.o.HeadStart != nil || d.o.Crier != nil && d.o.Crier.Heeded()
}

// base is the shortest time between two runs.
func (d *Dispatcher) base(ahead bool) time.Duration {
	if ahead || d.o.Waiting == 0 {
		return d.o.Pace
	}
	return d.o.Waiting
}

// pace is the time until the next run leaves, after one to which so many events came.
func (d *Dispatcher) pace(r *run, within time.Duration) time.Duration {
	load := float64(r.announced) / max(within, time.Millisecond).Seconds() / leisurelyWaiting
	if r.ahead {
		load *= leisurelyWaiting / leisurely
	}
	return time.Duration(float64(d.base(r.ahead)) * min(max(load, 1), slowest))
}

// leave queues a run once it is sealed and its last commit has ended.
func (d *Dispatcher) leave(r *run) {
	if !r.sealed || r.tickets > 0 || len(r.deliveries) == 0 {
		return
	}
	if d.closed {
		return // too late: the reconciler takes it
	}
	if r.held && (r.begins.IsZero() || r.ahead && !r.deferred) {
		return
	}
	select {
	case d.queue <- r.describe():
	default:
		d.o.Logger.Warn("the engine does not keep up; the reconciler will hand the run over", "run", r.id, "deliveries", len(r.deliveries))
	}
}

func (r *run) describe() workflows.Run {
	list := strings.Join(r.deliveries, "\n")
	if len(list) > maxDetails {
		list = list[:maxDetails] + "\n…"
	}
	return workflows.Run{
		ID:      r.id,
		Summary: fmt.Sprintf("%d event(s), %d delivery(ies)", r.events, len(r.deliveries)),
		Details: list,
	}
}

func (d *Dispatcher) work() {
	for r := range d.queue {
		ctx, cancel := context.WithTimeout(d.ctx, handOver)
		if err := d.o.Engine.Dispatch(ctx, r); err != nil {
			d.o.Logger.Warn("a run could not be handed to the engine; the reconciler will", "run", r.ID, "error", err)
		}
		cancel()
	}
}

// Close hands over what is committed and ends; an engine that does not answer
// cannot hold it longer than the time for one run. Ingest has to be closed before.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	if r := d.open; r != nil {
		d.closeOpen()
		d.leave(r)
	}
	if !d.closed {
		d.closed = true
		close(d.queue)
	}
	d.mu.Unlock()
	late := time.AfterFunc(handOver, d.stop)
	d.wait.Wait()
	late.Stop()
	d.stop()
}

// ticket is one commit's place in a run.
type ticket struct {
	d      *Dispatcher
	run    *run
	events int
	joined bool // the engine gets the run with this commit
}

// Run implements ingest.Ticket.
func (t *ticket) Run() string { return t.run.id }

// Arguments implements ingest.Ticket: the run for the first commit, and none for
// those after it.
func (t *ticket) Arguments() []any {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if t.run.held {
		return t.d.tx.TxArguments(workflows.Run{}, 0)
	}
	t.joined = true
	summary := fmt.Sprintf("%d event(s)", t.events)
	if !t.run.sealed {
		summary += " and what came right after"
	}
	after := time.Duration(0)
	if !t.run.begins.IsZero() {
		after = max(t.run.begins.Sub(t.d.o.Now()), 0)
	}
	return t.d.tx.TxArguments(workflows.Run{ID: t.run.id, Summary: summary}, after)
}

// Close implements ingest.Ticket. The head start comes first: a dispatched run
// finds its first attempts going on.
func (t *ticket) Close(committed []ingest.Delivery) {
	sending := make([]ingest.Delivery, 0, len(committed))
	deferred := false
	for _, c := range committed {
		if !c.Parked {
			sending = append(sending, c)
			deferred = deferred || c.Deferred // of a commit all are, or none
		}
	}
	switch {
	case len(sending) == 0:
	case t.d.o.HeadStart == nil:
		if t.d.o.Crier != nil {
			t.d.o.Crier.Announce(t.run.id)
		}
	case deferred:
		t.d.o.HeadStart.Defer(t.run.id)
	default:
		t.d.o.HeadStart.Begin(t.run.id, sending)
	}
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.run.tickets--
	if len(sending) > 0 {
		t.run.events += t.events
		t.run.deferred = t.run.deferred || deferred
		t.run.held = t.run.held || t.joined
		for _, s := range sending {
			t.run.deliveries = append(t.run.deliveries, s.ID)
		}
	}
	if t.run == t.d.open && len(t.run.deliveries) >= maxRun {
		t.d.closeOpen()
	}
	t.d.leave(t.run)
}
