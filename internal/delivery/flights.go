package delivery

import (
	"context"
	"sync"
	"sync/atomic"

	"datapusher/workflows"
)

// flights are the first attempts that were begun in this process, by run, so
// that the engine's callback joins them instead of making them again.
type flights struct {
	mu       sync.Mutex
	by       map[string]map[string]*entry
	deferred map[string]bool // runs with deliveries that were not begun
	own      map[string]bool // runs that were committed in this process
}

// entry is one first attempt. Its outcome may be read when done is closed.
type entry struct {
	row     row                    // without its payload: an entry may be kept for long
	label   atomic.Pointer[string] // of the destination, once that is loaded
	done    chan struct{}
	outcome workflows.Outcome
	err     error
	// unplaced: this process was at its limit, so it was not begun.
	unplaced bool
	left     atomic.Bool // somebody gives it back that was not attempted
}

// leave reports whether it is the caller's to give back what was not attempted.
func (e *entry) leave() bool { return e.left.CompareAndSwap(false, true) }

func (e *entry) display() string {
	if l := e.label.Load(); l != nil {
		return *l
	}
	return ""
}

// ended reports whether the attempt is over, and made whether it came about.
func (e *entry) ended() (ended, made bool) {
	select {
	case <-e.done:
		return true, e.err == nil && (e.outcome.State == workflows.Settled || e.outcome.Attempts > 0)
	default:
		return false, false
	}
}

// unmade reports whether an attempt that has ended was not made, and nobody else is at it.
func (e *entry) unmade() bool {
	return e.err != nil || e.outcome.State == workflows.Again && e.outcome.Attempts == 0
}

func (e *entry) finish(o workflows.Outcome, err error) {
	e.outcome, e.err = o, err
	close(e.done)
}

// wait gives the outcome as soon as the attempt has ended.
func (e *entry) wait(ctx context.Context) (workflows.Outcome, error) {
	select {
	case <-e.done:
		return e.outcome, e.err
	case <-ctx.Done():
		return workflows.Outcome{}, ctx.Err()
	}
}

// maxFlights bounds the runs that are remembered for an engine that does not
// come for them: it is down, or works in another process.
const maxFlights = 1000

// flight is one attempt to be begun.
type flight struct {
	row
	*entry
	announced int // bytes that places were told of
}

// add notes the first attempts of rows. Those of fresh have to be begun; the
// others are going on, or have just been made, for another call.
func (f *flights) add(run string, rows []row) (entries []*entry, fresh []flight) {
	entries = make([]*entry, len(rows))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = make(map[string]map[string]*entry)
	}
	if len(f.by) >= maxFlights {
		f.sweep()
	}
	of := f.by[run]
	if of == nil {
		of = make(map[string]*entry, len(rows))
		f.by[run] = of
	}
	for i, r := range rows {
		if e := of[r.id]; e != nil {
			if ended, made := e.ended(); made || !ended {
				entries[i] = e
				continue
			}
		}
		e := &entry{row: r, done: make(chan struct{})}
		e.row.content = content{}
		entries[i], of[r.id] = e, e
		fresh = append(fresh, flight{row: r, entry: e})
	}
	return entries, fresh
}

// sweep forgets runs whose attempts have all ended: the rows tell the rest.
func (f *flights) sweep() {
	for run, of := range f.by {
		ended := true
		for _, e := range of {
			if over, _ := e.ended(); !over {
				ended = false
				break
			}
		}
		if ended {
			f.forget(run)
		}
	}
}

// deferTo notes that a run has deliveries that are not begun.
func (f *flights) deferTo(run string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deferred == nil {
		f.deferred = make(map[string]bool)
	}
	if len(f.deferred) >= maxFlights {
		clear(f.deferred) // of runs that the engine does not come for; the reconciler does
	}
	f.deferred[run] = true
}

// addOwn does so for a run that was committed in this process.
func (f *flights) addOwn(run string, rows []row) (fresh []flight) {
	_, fresh = f.add(run, rows)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own == nil {
		f.own = make(map[string]bool)
	}
	if f.by[run] != nil {
		f.own[run] = true
	}
	return fresh
}

// join returns the attempts of a run; all tells that they are all of the run's.
func (f *flights) join(run string) (entries []*entry, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.by[run] {
		entries = append(entries, e)
	}
	return entries, f.own[run] && !f.deferred[run]
}

// drop forgets the ended attempts of a run.
func (f *flights) drop(run string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.deferred, run)
	of := f.by[run]
	for id, e := range of {
		if ended, _ := e.ended(); ended {
			delete(of, id)
		}
	}
	if len(of) == 0 {
		f.forget(run)
	}
}

func (f *flights) forget(run string) {
	delete(f.by, run)
	delete(f.own, run)
}

// entry is the attempt of a delivery that is still going on; nil if there is none.
func (f *flights) entry(run, deliveryID string) *entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.by[run][deliveryID]
	if e == nil {
		return nil
	}
	if ended, _ := e.ended(); ended {
		delete(f.by[run], deliveryID)
		if len(f.by[run]) == 0 {
			f.forget(run)
		}
		return nil
	}
	return e
}
