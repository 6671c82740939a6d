package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datapusher/ent/delivery"
	"datapusher/workflows"
)

// First implements workflows.Core.
func (c *Core) First(ctx context.Context, run string) ([]workflows.Outcome, error) {
	if !c.enter() {
		return nil, errStopped
	}
	defer c.wait.Done()
	budget, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	begun, here, all := c.flights.join(run)
	found, err := c.gather(ctx, budget, begun)
	if err != nil {
		return nil, err
	}
	if !all || anyUnsettled(found.outcomes) || len(found.open) > 0 || len(found.unplaced) > 0 {
		rest, err := c.rest(ctx, run, begun, here)
		if err != nil {
			return nil, err
		}
		found.add(rest)
	}
	if !workflows.Ours(ctx) {
		return nil, errNotOurs // whoever has the run leases and moves its deliveries
	}
	outcomes := found.outcomes
	if len(found.open) > 0 {
		outcomes, err = c.leaveOpen(ctx, run, outcomes, found.open)
		if err != nil {
			return nil, err
		}
	}
	if err := c.release(ctx, run, append(slices.Clip(outcomes), found.unplaced...)); err != nil {
		return nil, err
	}
	c.flights.drop(run)
	if len(found.unplaced) <= fewUnplaced {
		outcomes = append(outcomes, found.unplaced...)
	} else if err := c.moveOutcomes(ctx, run, found.unplaced, len(found.unplaced)); err != nil {
		return nil, err
	}
	return c.limit(ctx, run, outcomes)
}

// fewUnplaced deliveries that found no place may as well be activities of their
// run; more are a run of their own, whose first attempts share an activity.
const fewUnplaced = 8

func (c *Core) moveOutcomes(ctx context.Context, run string, outcomes []workflows.Outcome, atATime int) error {
	ids := make([]string, len(outcomes))
	for i, o := range outcomes {
		ids[i] = o.DeliveryID
	}
	for part := range slices.Chunk(ids, atATime) {
		if err := c.moveFrom(ctx, run, part); err != nil {
			return err
		}
	}
	return nil
}

func anyUnsettled(all []workflows.Outcome) bool {
	for _, o := range all {
		if o.State != workflows.Settled {
			return true
		}
	}
	return false
}

// gather waits for attempts until they end or the budget is used up. Attempts
// that our own side failed count as not made: they are due again at once.
func (c *Core) gather(ctx, budget context.Context, entries []*entry) (f firsts, err error) {
	for _, e := range entries {
		select {
		case <-e.done:
		case <-budget.Done(): // stays so: the others are only looked at
		}
		if ctx.Err() != nil {
			return firsts{}, ctx.Err()
		}
		switch ended, _ := e.ended(); {
		case !ended:
			f.open = append(f.open, e)
		case e.unplaced:
			f.unplaced = append(f.unplaced, e.outcome)
		default:
			f.outcomes = append(f.outcomes, c.outcomeOf(e))
		}
	}
	return f, nil
}

func (c *Core) outcomeOf(e *entry) workflows.Outcome {
	switch {
	case e.err == nil:
		return e.outcome
	case errors.Is(e.err, workflows.ErrNotOwner):
		o := c.standing(e.row, e.display())
		o.State = workflows.Settled
		return o
	case errors.Is(e.err, errNotOurs):
		return c.again(e.row, e.display(), 0)
	}
	c.o.Logger.Error("a first attempt did not come about", "delivery", e.row.id, "error", e.err)
	return c.again(e.row, e.display(), 0)
}

// firsts is how the first attempts of a run stand.
type firsts struct {
	outcomes []workflows.Outcome
	open     []*entry            // go on beyond the budget
	unplaced []workflows.Outcome // were not begun: the process was at its limit
}

func (f *firsts) add(more firsts) {
	f.outcomes = append(f.outcomes, more.outcomes...)
	f.open = append(f.open, more.open...)
	f.unplaced = append(f.unplaced, more.unplaced...)
}

const (
	// startAtOnce deliveries at most are begun together: their events are read with
	// one query, and are in memory. They are fewer where events are large.
	startAtOnce      = 256
	startAtOnceBytes = 8 << 20
)

// rest takes care of the run's deliveries that no attempt was begun for in this
// process: all of them after a crash, or where ingest runs elsewhere.
func (c *Core) rest(ctx context.Context, run string, begun []*entry, here bool) (firsts, error) {
	rows, err := c.loadRun(ctx, run)
	if err != nil {
		return firsts{}, err
	}
	labels := c.labels(ctx, rows)
	known := make(map[string]bool, len(begun))
	for _, e := range begun {
		known[e.row.id] = true
	}
	var (
		r     firsts
		fresh []row
	)
	for _, one := range rows {
		switch {
		case known[one.id]:
		case one.attempts > 0, one.due > early: // the latter was postponed
			r.outcomes = append(r.outcomes, c.standing(one, labels[one.destination].display()))
		case !here && one.leased():
			// The process that committed it may be at it; it is asked for when that is over.
			r.outcomes = append(r.outcomes, c.open(one, labels[one.destination].display(), one.lease))
		default:
			fresh = append(fresh, one)
		}
	}
	if len(fresh) == 0 {
		return r, nil
	}
	entries, unplaced, err := c.startInTurn(ctx, run, fresh)
	if err != nil {
		return firsts{}, err
	}
	for _, one := range unplaced {
		r.unplaced = append(r.unplaced, c.again(one, labels[one.destination].display(), 0))
	}
	ending, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	started, err := c.gather(ctx, ending, entries)
	r.add(started)
	return r, err
}

func (c *Core) loadRun(ctx context.Context, run string) ([]row, error) {
	asked := c.o.Now()
	rows, err := c.store.loadRun(ctx, run, 100*maxUnsettled)
	if err != nil {
		return nil, fmt.Errorf("load the run: %w", err)
	}
	for i := range rows {
		rows[i].read = asked
	}
	return rows, nil
}

// readAgain looks at all that waits to be begun, with one query. What is not as it was
// is left to be looked at by itself.
func (c *Core) readAgain(ctx context.Context, run string, fresh []row) error {
	rows, err := c.loadRun(ctx, run)
	now := make(map[string]row, len(rows))
	for _, one := range rows {
		if one.status == delivery.StatusPending && one.attempts == 0 && one.due <= early && !one.leased() {
			now[one.id] = one
		}
	}
	for i, one := range fresh {
		if as, ok := now[one.id]; ok {
			fresh[i] = as
		}
	}
	return err
}

const (
	// turns is how many runs start at the same time: one that has its turn gets
	// through with all its deliveries, where all at once would each get through
	// with a few and have to hand over the others.
	turns = 2
	// turnReserve is what remains of the time of a call when its turn comes last.
	turnReserve = 15 * time.Second
)

// startInTurn begins deliveries as there is room for them. What does not begin
// within the budget comes back; while bulk goes first the budget stands still.
func (c *Core) startInTurn(ctx context.Context, run string, fresh []row) (entries []*entry, unplaced []row, err error) {
	c.starting.Add(1)
	defer c.starting.Add(-1)
	patience := Budget // of a call that blocks its engine
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(patience, time.Until(deadline)-turnReserve)
	}
	if patience == Budget && c.bulk.presses() {
		return nil, nil, workflows.ErrNoTurn
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-waiting.Done():
		return nil, nil, cmp.Or(ctx.Err(), workflows.ErrNoTurn)
	}
	end := time.Now().Add(Budget)
	for size := startAtOnceBytes / 16; len(fresh) > 0; { // nothing is known of the first
		part := fresh[:min(max(startAtOnceBytes/size, 1), startAtOnce, len(fresh))]
		yielded, ok := c.bulk.yield(waiting, len(part))
		if !ok {
			return entries, fresh, nil
		}
		end = end.Add(yielded)
		if c.stale(part[0]) {
			if err := c.readAgain(ctx, run, fresh); err != nil {
				return entries, fresh, err
			}
		}
		added, largest, began := c.startPart(ctx, run, part, end)
		if !began {
			return entries, fresh, nil
		}
		fresh = fresh[len(part):]
		entries = append(entries, added...)
		size = max(largest, 1)
	}
	return entries, nil, nil
}

// startPart begins deliveries as soon as there is room for more, and tells how
// large the largest of their events is, in bytes; not began, when the end came
// before.
func (c *Core) startPart(ctx context.Context, run string, part []row, end time.Time) (entries []*entry, largest int, began bool) {
	budget, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if !c.admit(budget) {
		return nil, 0, false
	}
	entries, fresh := c.flights.add(run, part)
	c.slots.announceAll(fresh)
	c.start(context.WithoutCancel(ctx), budget, fresh)
	for _, f := range fresh {
		largest = max(largest, len(f.row.payload))
	}
	return entries, largest, true
}

// labels reads the destinations of rows for what the engine's UI shows of them,
// which is no reason to fail.
func (c *Core) labels(ctx context.Context, rows []row) map[string]*destination {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.destination
	}
	found, err := c.destinations.get(ctx, ids...)
	if err != nil {
		c.o.Logger.Warn("deliveries are shown without their destinations", "error", err)
	}
	return found
}

// leaveOpen notes the attempts that go on beyond the budget. They record
// themselves; their engine asks again after their deadline.
func (c *Core) leaveOpen(ctx context.Context, run string, outcomes []workflows.Outcome, open []*entry) ([]workflows.Outcome, error) {
	ids := make([]string, len(open))
	destinations := make([]string, len(open))
	for i, e := range open {
		ids[i], destinations[i] = e.row.id, e.row.destination
	}
	found, err := c.destinations.get(ctx, destinations...)
	if err != nil {
		return nil, fmt.Errorf("load the destinations: %w", err)
	}
	longest := Lease
	for _, d := range found {
		if d != nil {
			longest = max(longest, d.timeout+recordTime)
		}
	}
	for _, e := range open {
		outcomes = append(outcomes, c.open(e.row, e.display(), longest-Budget))
	}
	if err := c.store.lease(ctx, run, ids, delivery.StatusDelivering, longest-Budget); err != nil {
		return nil, fmt.Errorf("note the open attempts: %w", err)
	}
	rows := make([]row, len(open))
	for i, e := range open {
		rows[i] = e.row
	}
	c.tell(rows)
	return outcomes, nil
}

// release ends the lease of deliveries that were to be attempted at once and
// were not: the next call for them need not wait for anybody.
func (c *Core) release(ctx context.Context, run string, outcomes []workflows.Outcome) error {
	var ids []string
	for _, o := range outcomes {
		if o.State == workflows.Again && o.Attempts == 0 {
			ids = append(ids, o.DeliveryID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := c.store.lease(ctx, run, ids, delivery.StatusPending, 0); err != nil {
		return fmt.Errorf("release the deliveries that found no place: %w", err)
	}
	return nil
}

// limit moves what is unsettled beyond maxUnsettled to further runs. What is
// being attempted stays: its result is recorded under this run.
func (c *Core) limit(ctx context.Context, run string, outcomes []workflows.Outcome) ([]workflows.Outcome, error) {
	room := maxUnsettled
	for _, o := range outcomes {
		if o.State == workflows.Open {
			room--
		}
	}
	kept := outcomes[:0]
	var surplus []workflows.Outcome
	for _, o := range outcomes {
		if o.State == workflows.Again {
			if room--; room < 0 {
				surplus = append(surplus, o)
				continue
			}
		}
		kept = append(kept, o)
	}
	return kept, c.moveOutcomes(ctx, run, surplus, maxUnsettled)
}
