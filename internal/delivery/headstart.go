package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/breaker"
	"datapusher/internal/ingest"
	"datapusher/workflows"
)

// Begin implements dispatch.HeadStart: it starts the first attempts of what was
// committed under a run, in this process, and returns at once. First joins them.
func (c *Core) Begin(run string, committed []ingest.Delivery) {
	rows := make([]row, len(committed))
	for i, d := range committed {
		rows[i] = row{
			id: d.ID, account: d.AccountID, event: d.EventID, destination: d.DestinationID, run: run,
			status: delivery.StatusPending, read: d.Since, held: true, begun: true, content: content{payload: d.Payload},
		}
	}
	if !c.enter() {
		return // its lease ends, and another process takes it up
	}
	fresh := c.flights.addOwn(run, rows)
	c.slots.announceAll(fresh)
	go func() {
		defer c.wait.Done()
		patience, cancel := context.WithTimeout(context.Background(), Budget)
		defer cancel()
		c.start(context.Background(), patience, fresh)
	}()
}

// arrive takes an attempt's announcement back.
func (c *Core) arrive(f flight) { c.slots.announce(f.account, -1, -f.announced) }

// admitLook is how often somebody who has to wait looks whether there is room.
const admitLook = 2 * time.Millisecond

// admit returns when this process has room for further first attempts; false,
// when ctx has ended before.
func (c *Core) admit(ctx context.Context) bool {
	return lookUntil(ctx, func() bool { return !c.slots.crowded() }) && ctx.Err() == nil
}

// lookUntil returns when ready says so; false, when ctx has ended before.
func lookUntil(ctx context.Context, ready func() bool) bool {
	for !ready() {
		select {
		case <-time.After(admitLook):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Busy reports whether an account, or all together, have enough first attempts
// for now. A fast door must not fill up what is behind it.
func (c *Core) Busy(account string) bool { return c.slots.busy(account) || c.slots.crowded() }

// Deferred tells that events were accepted whose first attempts were not begun,
// and how many wait to be accepted.
func (c *Core) Deferred(events, waiting int) { c.bulk.came(events, waiting) }

// Defer implements dispatch.HeadStart.
func (c *Core) Defer(run string) { c.flights.deferTo(run) }

// prepareTimeout bounds what comes before an attempt: with the attempt's own
// deadline it has to end within the lease.
const prepareTimeout = recordTime

const (
	// laneWait is how long a first attempt waits for a place. A destination that
	// is merely busy gets everything in its time; behind a slow one nothing queues
	// up for long, for its further attempts are the engine's.
	laneWait = 500 * time.Millisecond
	// maxWaiting first attempts, and a few more, wait for a place, and keep that
	// many bytes of events in memory.
	maxWaiting      = 8192
	maxWaitingBytes = 32 << 20
)

// start begins first attempts. What finds no place soon steps back, and all that
// has not begun when patience ends.
func (c *Core) start(ctx, patience context.Context, flights []flight) {
	preparing, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	ids := make([]string, len(flights))
	for i, f := range flights {
		ids[i] = f.destination
	}
	found, err := c.destinations.get(preparing, ids...)
	if err == nil {
		err = c.loadContents(preparing, flights)
	}
	var late map[string][]placing // whose account, or the process, is at its limit
	var unsent map[standstill][]placing
	for _, f := range flights {
		if err != nil {
			c.arrive(f)
			f.finish(workflows.Outcome{}, fmt.Errorf("prepare the attempt: %w", err))
			continue
		}
		p := placing{f, found[f.destination]}
		if p.row.held && p.row.lease == 0 { // as its commit leased it
			p.row.lease = Lease
			if p.d != nil {
				p.row.lease = max(Lease, p.d.timeout+recordTime)
			}
		}
		label := p.d.display()
		f.label.Store(&label)
		if status, reason := notSent(f.row, p.d); status != "" {
			if unsent == nil {
				unsent = make(map[standstill][]placing)
			}
			why := standstill{f.destination, status, reason}
			unsent[why] = append(unsent[why], p)
			c.arrive(f)
			continue
		}
		taken, ours := c.slots.try(f.destination, f.account, len(f.row.payload), 1, f.announced)
		if !taken && ours {
			if late == nil {
				late = make(map[string][]placing)
			}
			late[f.account] = append(late[f.account], p)
			continue
		}
		c.begin(ctx, p, taken)
	}
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for why, all := range unsent {
		waiting.Go(func() { c.settleTogether(preparing, all, why.status, why.reason) })
	}
	for account, all := range late {
		waiting.Go(func() { c.startLate(ctx, patience, account, all) })
	}
}

// standstill is why deliveries to a destination are not sent.
type standstill struct {
	destination string
	status      delivery.Status
	reason      string
}

// placing is a flight that is to get a place at its destination.
type placing struct {
	flight
	d *destination
}

// startLate begins attempts of an account as there is room for them, one after
// the other and not each waiting in a goroutine of its own.
func (c *Core) startLate(ctx, patience context.Context, account string, all []placing) {
	for _, p := range all {
		for {
			if !c.slots.room(patience, account) {
				c.arrive(p.flight)
				p.unplaced = true
				p.finish(c.again(p.entry.row, p.d.display(), 0), nil)
				break
			}
			if taken, ours := c.slots.try(p.destination, account, len(p.row.payload), 1, p.announced); taken || !ours {
				c.begin(ctx, p, taken)
				break
			}
		}
	}
}

// begin makes an attempt, with the place that it has or waits for.
func (c *Core) begin(ctx context.Context, p placing, placed bool) {
	c.wait.Go(func() {
		switch {
		case placed:
			p.finish(c.attempt(ctx, p.row, p.d))
		case c.place(ctx, p.flight):
			p.finish(c.attempt(ctx, p.row, p.d))
		case c.slots.crowds(p.destination):
			p.finish(c.queueUp(ctx, p.row, p.d))
		default:
			p.unplaced = true
			p.finish(c.again(p.entry.row, p.d.display(), 0), nil)
		}
	})
}

// place waits for a slot of a first attempt. At a destination that is fast, and
// merely full, it is worth waiting longer.
func (c *Core) place(ctx context.Context, f flight) bool {
	size := int64(len(f.row.payload))
	room := c.waitingBytes.Add(size) <= maxWaitingBytes
	defer c.waitingBytes.Add(-size)
	c.arrive(f)
	for waited := laneWait; room; waited += laneWait {
		waiting, cancel := context.WithTimeout(ctx, laneWait)
		got := c.slots.acquire(waiting, f.destination, f.account, int(size))
		cancel()
		if got || waited >= Budget || !c.slots.fast(f.destination) {
			return got
		}
	}
	return false
}

// queueUp parks a delivery whose destination has no place left, and so everything
// that comes after it: the lane sends in order what the destination can take. One
// that does not answer at all would otherwise cost an activity for each event
// until its first attempts have run into their deadline.
func (c *Core) queueUp(ctx context.Context, r row, d *destination) (o workflows.Outcome, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slotWait)
	defer cancel()
	held := r.held
	if o, err := c.hold(ctx, &r, d); o != nil || err != nil {
		return deref(o), err
	}
	if r.held && !held {
		defer func() {
			if err != nil || o.State == workflows.Again { // whoever comes next need not wait for the lease
				c.giveBack(r.run, []row{r})
			}
		}()
	}
	if d = c.destinations.latest(d); d.sending() {
		if _, err := c.change(ctx, d.id, func(s breaker.Standing) breaker.Standing { return s.Crowded() }); err != nil {
			return workflows.Outcome{}, fmt.Errorf("let deliveries queue up: %w", err)
		}
		d = c.destinations.latest(d)
	}
	if d.sending() || d.deleted {
		return c.again(r, d.display(), 0), nil // it has places again, or is gone
	}
	return c.settle(ctx, r, d, delivery.StatusParked, whyParked(d))
}

// loadContents reads the events that were not just accepted in this process,
// each once however many destinations it has.
func (c *Core) loadContents(ctx context.Context, flights []flight) error {
	var events []string
	for _, f := range flights {
		if f.row.payload == nil {
			events = append(events, f.event)
		}
	}
	if len(events) == 0 {
		return nil
	}
	slices.Sort(events)
	found, err := c.store.contents(ctx, slices.Compact(events))
	for i, f := range flights {
		if f.row.payload == nil {
			flights[i].row.content = found[owned{f.account, f.event}] // nothing when the event is gone
		}
	}
	return err
}
