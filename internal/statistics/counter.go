// Package statistics counts what happens and tells how it went. Whoever commits
// events or records attempts adds to counts in memory; every few seconds a process
// writes its own rows as they stand (ent/schema/statistic.go), a minute and an hour
// of each destination, of each account and of everything. So counting costs the
// hot path a look into a map, and reading a span costs a row for each of its
// minutes or hours, however much happened in them.
//
// What is not written yet is lost with a process that is killed: at most the last
// ten seconds of minutes and the last minute of hours. The rows of events,
// deliveries and attempts are the truth; this is how to see it at a glance.
package statistics

import (
	"log/slog"
	"sync"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/id"
)

const (
	// every is the time between two writes.
	every = 10 * time.Second
	// hoursEvery is the same for the rows of hours, which only long spans read.
	hoursEvery = time.Minute
	// KeepMinutes is how long the rows of minutes are kept.
	KeepMinutes = 48 * time.Hour
	// KeepHours is how long the rows of hours are kept.
	KeepHours = 90 * 24 * time.Hour
)

// Options of a [Counter]. DB is needed.
type Options struct {
	DB *database.DB
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Every is the time between two writes; default 10 s. Negative: none but by
	// [Counter.Flush].
	Every time.Duration
	// Logger hears of counts that could not be written.
	Logger *slog.Logger
}

// Counter counts for one process. Close writes what is left.
type Counter struct {
	o      Options
	writer string // names the process; its time is when that began

	mu    sync.Mutex      // guards what follows: held for no longer than a few additions
	fresh map[key]*counts // since they were taken last
	last  key             // what was added to last, as often as not the next, too
	cell  *counts
	// latest is the newest minute that was counted in. A clock that is set back
	// counts on in it: what stands of an older one may be forgotten already.
	latest int64

	flushing sync.Mutex // guards what follows
	minutes  map[row]*standing
	hours    map[row]*standing
	hoursAt  time.Time // when hours were written last
	beat     time.Time // the minute in which anything was written last
	swept    time.Time

	stop chan struct{}
	done sync.WaitGroup
}

// key is what is counted together at first.
type key struct {
	minute      int64 // since 1970
	account     string
	destination string // "": of the account as such
}

// New starts a counter.
func New(o Options) *Counter {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Every == 0 {
		o.Every = every
	}
	now := o.Now()
	c := &Counter{
		o: o, writer: id.New(id.Process, now), fresh: map[key]*counts{},
		minutes: map[row]*standing{}, hours: map[row]*standing{}, hoursAt: now, stop: make(chan struct{}),
	}
	if o.Every > 0 {
		c.done.Go(c.run)
	}
	return c
}

// Writer is the name of this process in what it writes.
func (c *Counter) Writer() string { return c.writer }

// at finds the counts to add to. The lock is held.
func (c *Counter) at(now time.Time, account, destination string) *counts {
	c.latest = max(c.latest, now.Unix()/60)
	k := key{c.latest, account, destination}
	if c.cell != nil && k == c.last {
		return c.cell
	}
	cell := c.fresh[k]
	if cell == nil {
		cell = &counts{}
		c.fresh[k] = cell
	}
	c.last, c.cell = k, cell
	return cell
}

// Fanned is one event's delivery to a destination.
type Fanned struct{ Account, Destination string }

// Accepted counts events that were committed, by the accounts that they are of,
// and their deliveries.
func (c *Counter) Accepted(accounts []string, deliveries []Fanned) {
	if c == nil {
		return
	}
	now := c.o.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range accounts {
		c.at(now, a, "").events++
	}
	for _, d := range deliveries {
		c.at(now, d.Account, d.Destination).deliveries++
	}
}

// Attempt is one that has been recorded.
type Attempt struct {
	Account, Destination, Event string
	Status                      int    // of the answer; 0: none came
	Class                       string // why none came
	Took                        time.Duration
	Ended                       time.Time
	Succeeded, Failed           bool // the delivery, for good
	NoTry                       bool // nothing was sent: only the delivery's end counts
}

// Attempted counts attempts.
func (c *Counter) Attempted(all []Attempt) {
	if c == nil {
		return
	}
	now := c.o.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range all {
		a := &all[i]
		cell := c.at(now, a.Account, a.Destination)
		if !a.NoTry {
			cell.attempts++
			cell.result(a.Status, a.Class)
			if a.Status < 200 || a.Status > 299 {
				cell.failedAttempts++
			}
			if a.Status != 0 {
				cell.detail.Attempts.add(a.Took)
			}
		}
		switch {
		case a.Succeeded:
			cell.succeeded++
			cell.detail.Deliveries.add(a.Ended.Sub(id.TimeOf(a.Event)))
		case a.Failed:
			cell.failed++
		}
	}
}

// Close writes what is left, and ends.
func (c *Counter) Close() {
	close(c.stop)
	c.done.Wait()
	c.flushLast()
}
