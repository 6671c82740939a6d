package delivery

import (
	"context"
	"sync"

	"datapusher/workflows"
)

// flights are the first attempts that were begun in this process, by run, so
// that the engine's callback joins them instead of making them again.
type flights struct {
	mu sync.Mutex
	by map[string]map[string]*entry
}

// entry is one first attempt. Its outcome may be read when done is closed.
type entry struct {
	row     row
	done    chan struct{}
	outcome workflows.Outcome
	err     error
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

func (f *flights) add(run string, rows []row) []*entry {
	entries := make([]*entry, len(rows))
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
		entries[i] = &entry{row: r, done: make(chan struct{})}
		of[r.id] = entries[i]
	}
	return entries
}

// sweep forgets runs whose attempts have all ended: the rows tell the rest.
func (f *flights) sweep() {
	for run, of := range f.by {
		ended := true
		for _, e := range of {
			select {
			case <-e.done:
			default:
				ended = false
			}
		}
		if ended {
			delete(f.by, run)
		}
	}
}

// join returns the attempts of a run; here tells whether any were begun.
func (f *flights) join(run string) (entries []*entry, here bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of, here := f.by[run]
	for _, e := range of {
		entries = append(entries, e)
	}
	return entries, here
}

// drop forgets the ended attempts of a run.
func (f *flights) drop(run string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.by[run]
	for id, e := range of {
		select {
		case <-e.done:
			delete(of, id)
		default:
		}
	}
	if len(of) == 0 {
		delete(f.by, run)
	}
}

// entry is the attempt of a delivery that is still going on; nil if there is none.
func (f *flights) entry(run, deliveryID string) *entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.by[run][deliveryID]
	if e == nil {
		return nil
	}
	select {
	case <-e.done:
		delete(f.by[run], deliveryID)
		if len(f.by[run]) == 0 {
			delete(f.by, run)
		}
		return nil
	default:
		return e
	}
}
