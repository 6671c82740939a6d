package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// run is what the connections share.
type run struct {
	o     Options
	order []int
	heavy []bool
	file  *file
	start time.Time
	wall  int64         // the start in nanoseconds since 1970
	end   time.Duration // since the start; 0 is never
	next  atomic.Int64  // request of the closed loop
}

// Run sends until the count or the duration is reached or ctx ends, waits for
// the answers that are due, and tells what it measured. Whatever happens to single
// requests is no error.
func Run(ctx context.Context, o Options) (_ *Result, err error) {
	if o, err = o.complete(); err != nil {
		return nil, err
	}
	r := &run{o: o, order: schedule(o.Accounts), heavy: heavy(o.Accounts)}
	if r.file, err = openFile(o.Accepted); err != nil {
		return nil, err
	}
	defer func() {
		if e := r.file.close(); err == nil {
			err = e
		}
	}()
	workers, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	if o.Duration > 0 {
		r.end = o.Warmup + o.Duration
	}
	r.start = time.Now()
	r.wall = r.start.UnixNano()
	if o.Measuring != nil {
		defer time.AfterFunc(o.Warmup, o.Measuring).Stop()
	}
	var used int
	var unsent int64
	if o.Rate == 0 {
		used = r.closed(ctx, workers)
	} else if used, unsent, err = r.open(ctx, workers); err != nil {
		return nil, err
	}
	result := r.sum(workers)
	result.Unsent, result.Next = unsent, o.First+uint64(used)*uint64(o.events())
	return result, nil
}

// sum ends the connections and sums up what they counted.
func (r *run) sum(workers []*worker) *Result {
	var warm, measured tally
	first := ""
	for _, w := range workers {
		w.hangUp()
		w.journal.flush()
		warm.merge(&w.warm)
		measured.merge(&w.measured)
		if first == "" && w.err != nil {
			first = w.err.Error()
		}
	}
	result := measured.result(r.o.Warmup, r.o.Rate > 0)
	result.FirstError = first
	result.Warmup.Requests, result.Warmup.Events = warm.requests, warm.events
	return result
}

// connect opens all connections before the clock runs.
func (r *run) connect(ctx context.Context) ([]*worker, error) {
	perDoor := make([][][]byte, len(r.o.URLs))
	for i, u := range r.o.URLs {
		perDoor[i] = heads(&r.o, u)
	}
	workers := make([]*worker, r.o.Connections)
	for i := range workers {
		door := i % len(r.o.URLs)
		workers[i] = r.newWorker(r.o.URLs[door], perDoor[door])
		if err := workers[i].dial(ctx); err != nil {
			for _, w := range workers[:i] {
				w.hangUp()
			}
			return nil, err
		}
	}
	return workers, nil
}

// closed lets each connection send when it has its answer, and tells how many
// requests there were.
func (r *run) closed(ctx context.Context, workers []*worker) int {
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.closedLoop(ctx) })
	}
	all.Wait()
	used := int(r.next.Load())
	if r.o.Count > 0 {
		used = min(used, r.o.Count) // every connection has tried one more
	}
	return used
}

// open lets connections send what is due, and tells how many requests there were,
// and how many were due but found no free connection.
func (r *run) open(ctx context.Context, workers []*worker) (used int, unsent int64, err error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if r.end > 0 {
		limited, cancel = context.WithDeadline(ctx, r.start.Add(r.end))
	}
	defer cancel()
	clock, err := newSleeper(limited)
	if err != nil {
		return 0, 0, err
	}
	defer clock.close()
	var all sync.WaitGroup
	tickets := make(chan int)
	for _, w := range workers {
		all.Go(func() {
			for ticket := range tickets {
				w.send(ctx, ticket, r.due(ticket))
			}
		})
	}
	used, unsent = r.pace(limited, clock, tickets)
	close(tickets)
	all.Wait()
	return used, unsent, nil
}

func (w *worker) closedLoop(ctx context.Context) {
	r := w.run
	for ctx.Err() == nil {
		now := time.Since(r.start)
		if r.end > 0 && now >= r.end {
			return
		}
		ticket := int(r.next.Add(1)) - 1
		if r.o.Count > 0 && ticket >= r.o.Count {
			return
		}
		if pause := w.send(ctx, ticket, now); pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}
