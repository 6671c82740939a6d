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
func (c *Core) First(ctx context.Context, run string) (outcomes []workflows.Outcome, err error) {
	if !c.enter() {
		return nil, errStopped
	}
	defer c.wait.Done()
	found, err := c.makeFirsts(ctx, run)
	if err == nil && !workflows.Ours(ctx) {
		err = errNotOurs // whoever has the run leases and moves its deliveries
	}
	if err == nil {
		err = c.lookOnce(&found)
	}
	if err != nil {
		// Nobody else gives back what this call has found.
		c.wait.Go(func() { c.giveBack(run, found.freed) })
		return nil, err
	}
	outcomes = found.outcomes
	if len(found.open) > 0 {
		outcomes, err = c.leaveOpen(ctx, run, outcomes, found.open)
		if err != nil {
			return nil, err
		}
	}
	if err := c.release(ctx, run, found.freed); err != nil {
		return nil, err
	}
	c.flights.drop(run)
	if len(found.unplaced) <= fewUnplaced {
		outcomes = append(outcomes, found.unplaced...)
	} else {
		stay, err := c.moveOutcomes(ctx, run, found.unplaced, len(found.unplaced))
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, stay...)
	}
	return c.limit(ctx, run, outcomes)
}

// makeFirsts joins the first attempts of a run that are going on, and begins the others.
func (c *Core) makeFirsts(ctx context.Context, run string) (firsts, error) {
	budget, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	begun, all := c.flights.join(run)
	found, err := c.gather(ctx, budget, begun)
	if err != nil || all && !anyUnsettled(found.outcomes) && len(found.open)+len(found.unplaced)+len(found.left) == 0 {
		return found, err
	}
	rest, err := c.rest(ctx, run, found.without(begun))
	found.add(rest)
	return found, err
}

// fewUnplaced deliveries that found no place may as well be activities of their
// run; more are a run of their own, whose first attempts share an activity.
const fewUnplaced = 8

// moveOutcomes gives deliveries to further runs. Those stay that another process has
// taken meanwhile: it is asked for them when their leases are over.
func (c *Core) moveOutcomes(ctx context.Context, run string, outcomes []workflows.Outcome, atATime int) (stay []workflows.Outcome, err error) {
	for part := range slices.Chunk(outcomes, max(atATime, 1)) {
		ids := make([]string, len(part))
		for i, o := range part {
			ids[i] = o.DeliveryID
		}
		moved, err := c.moveFrom(ctx, run, ids)
		if err != nil {
			return nil, err
		}
		for _, o := range part {
			if !slices.Contains(moved, o.DeliveryID) {
				o.State, o.After = workflows.Open, takenFor
				stay = append(stay, o)
			}
		}
	}
	return stay, nil
}

// lookOnce looks which of the attempts that went on have ended since.
func (c *Core) lookOnce(f *firsts) error {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	open := f.open
	f.open = nil
	more, err := c.gather(context.Background(), over, open)
	f.add(more)
	f.outcomes = append(f.outcomes, c.asked(more.left)...)
	return err
}

// asked has the engine ask for what somebody else gives back, one by one.
func (c *Core) asked(left []*entry) (outcomes []workflows.Outcome) {
	for _, e := range left {
		outcomes = append(outcomes, c.again(e.row, e.display(), laneWait))
	}
	return outcomes
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
			return f, ctx.Err()
		}
		switch ended, made := e.ended(); {
		case !ended:
			f.open = append(f.open, e)
		case made:
			f.outcomes = append(f.outcomes, e.outcome)
		case !e.leave():
			f.left = append(f.left, e)
		case e.unplaced:
			f.unplaced = append(f.unplaced, e.outcome)
			f.freed = append(f.freed, e.row)
		default:
			f.outcomes = append(f.outcomes, c.outcomeOf(e))
			if e.unmade() {
				f.freed = append(f.freed, e.row)
			}
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
	freed    []row               // may be leased to this process, which is not at them
	left     []*entry            // as well, and somebody else gives them back: the rows tell how they stand
}

// without gives those of entries that were not left.
func (f *firsts) without(entries []*entry) []*entry {
	return slices.DeleteFunc(entries, func(e *entry) bool { return slices.Contains(f.left, e) })
}

func (f *firsts) add(more firsts) {
	f.freed = append(f.freed, more.freed...)
	f.outcomes = append(f.outcomes, more.outcomes...)
	f.open = append(f.open, more.open...)
	f.unplaced = append(f.unplaced, more.unplaced...)
	f.left = append(f.left, more.left...)
}

const (
	// startAtOnce deliveries at most are begun together: their events are read with
	// one query, and are in memory. They are fewer where events are large.
	startAtOnce      = 256
	startAtOnceBytes = 8 << 20
)

// rest takes care of the run's deliveries that no attempt was begun for in this
// process: all of them after a crash, or where ingest runs elsewhere.
func (c *Core) rest(ctx context.Context, run string, begun []*entry) (r firsts, err error) {
	rows, err := c.loadRun(ctx, run)
	if err != nil {
		return firsts{}, err
	}
	labels := c.labels(ctx, rows)
	known := make(map[string]bool, len(begun))
	for _, e := range begun {
		known[e.row.id] = true
	}
	var fresh, away []row
	for _, one := range rows {
		switch {
		case known[one.id]:
		case one.attempts > 0, one.due > early: // the latter was postponed
			r.outcomes = append(r.outcomes, c.standing(one, labels[one.destination].display()))
		case one.leased():
			away = append(away, one)
		default:
			fresh = append(fresh, one)
		}
	}
	started, err := c.startInTurn(ctx, run, fresh)
	defer func() {
		if err != nil { // nobody else looks after them
			c.wait.Go(func() { c.giveBackUnmade(run, started.entries) })
		}
	}()
	if err != nil {
		return firsts{}, err
	}
	for _, one := range started.unplaced {
		r.unplaced = append(r.unplaced, c.again(one, labels[one.destination].display(), 0))
	}
	ending, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	ended, err := c.gather(ctx, ending, started.entries)
	r.add(ended)
	r.outcomes = append(r.outcomes, c.asked(ended.left)...)
	if err != nil {
		return r, err
	}
	ended, err = c.await(ctx, ending, run, append(away, started.away...), labels)
	r.add(ended)
	return r, err
}

const (
	// The time between two looks at what other processes are at, while nothing changes.
	awaitLook     = 10 * time.Millisecond
	longAwaitLook = 500 * time.Millisecond
)

// await waits until other processes have made the first attempts that they are at, or
// the budget is used up: their leases are asked for again when they are over.
func (c *Core) await(ctx, budget context.Context, run string, away []row, labels map[string]*destination) (f firsts, err error) {
	for wait := awaitLook; len(away) > 0 && budget.Err() == nil; wait = min(2*wait, longAwaitLook) {
		select {
		case <-time.After(wait):
		case <-budget.Done():
		}
		rows, err := c.loadRun(ctx, run)
		if err != nil {
			return firsts{}, err
		}
		now := make(map[string]row, len(rows))
		for _, one := range rows {
			now[one.id] = one
		}
		still := away[:0]
		for _, one := range away {
			one, unsettled := now[one.id]
			switch {
			case !unsettled:
			case one.leased():
				still = append(still, one)
			case one.attempts > 0, one.due > early:
				f.outcomes = append(f.outcomes, c.standing(one, labels[one.destination].display()))
			default: // it has found no place there
				f.unplaced = append(f.unplaced, c.again(one, labels[one.destination].display(), 0))
			}
		}
		away = still
	}
	for _, one := range away {
		f.outcomes = append(f.outcomes, c.open(one, labels[one.destination].display(), one.lease))
	}
	return f, nil
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

const (
	// turns is how many runs start at the same time: one that has its turn gets
	// through with all its deliveries, where all at once would each get through
	// with a few and have to hand over the others.
	turns = 2
	// turnReserve is what remains of the time of a call when its turn comes last.
	turnReserve = 15 * time.Second
)

// started is what became of deliveries that were to be begun.
type started struct {
	entries  []*entry
	unplaced []row // there was no room for them
	away     []row // another process was faster
}

// startInTurn begins deliveries as there is room for them. While bulk goes first the
// budget stands still.
func (c *Core) startInTurn(ctx context.Context, run string, fresh []row) (s started, err error) {
	if len(fresh) == 0 {
		return s, nil
	}
	c.starting.Add(1)
	defer c.starting.Add(-1)
	patience := Budget // of a call that blocks its engine
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(patience, time.Until(deadline)-turnReserve)
	}
	if patience == Budget && c.bulk.presses() {
		return s, workflows.ErrNoTurn
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-waiting.Done():
		return s, cmp.Or(ctx.Err(), workflows.ErrNoTurn)
	}
	end := time.Now().Add(Budget)
	for size := unknown; len(fresh) > 0; {
		part := fresh[:min(size.deliveries(), len(fresh))]
		yielded, ok := c.bulk.yield(waiting, len(part))
		if !ok {
			break
		}
		end = end.Add(yielded)
		budget, cancel := context.WithDeadline(ctx, end)
		began, err := c.startPart(ctx, budget, run, part, &s, &size)
		cancel()
		if err != nil {
			return s, err
		}
		if !began {
			break
		}
		fresh = fresh[len(part):]
	}
	s.unplaced = fresh
	return s, nil
}

// startPart takes deliveries and begins them as soon as there is room for more; not
// began, when the budget ended before.
func (c *Core) startPart(ctx, budget context.Context, run string, part []row, s *started, size *portion) (began bool, err error) {
	if !c.admit(budget) {
		return false, nil
	}
	if !workflows.Ours(ctx) {
		return false, errNotOurs
	}
	held, away, err := c.takeAll(ctx, run, part)
	if err != nil {
		return false, err
	}
	s.away = append(s.away, away...)
	s.entries = append(s.entries, c.startAll(context.WithoutCancel(ctx), budget, run, held, size)...)
	return true, nil
}

// takeAll takes deliveries with one statement: as many as nobody was faster with.
func (c *Core) takeAll(ctx context.Context, run string, part []row) (held, away []row, err error) {
	ids := make([]string, len(part))
	for i, one := range part {
		ids[i] = one.id
	}
	held, err = c.take(ctx, run, ids, nil, len(ids))
	ours := make(map[string]bool, len(held))
	for _, one := range held {
		ours[one.id] = true
	}
	for _, one := range part {
		if !ours[one.id] {
			one.lease = takenFor
			away = append(away, one)
		}
	}
	return held, away, err
}

// take takes deliveries of a run for their first attempts: of those ids, or any, but for
// some accounts'.
func (c *Core) take(ctx context.Context, run string, ids, without []string, most int) ([]row, error) {
	asked := c.o.Now()
	taken, err := c.store.take(ctx, run, ids, without, most)
	if err != nil {
		return nil, fmt.Errorf("take deliveries for their first attempts: %w", err)
	}
	for i := range taken {
		taken[i].read, taken[i].held = asked, true
	}
	return taken, nil
}

// startAll begins deliveries together, and sets the size for the next.
func (c *Core) startAll(ctx, patience context.Context, run string, held []row, size *portion) []*entry {
	entries, fresh := c.flights.add(run, held)
	c.slots.announceAll(fresh)
	c.start(ctx, patience, fresh)
	*size = max(largest(fresh), 1)
	return entries
}

func largest(flights []flight) (size portion) {
	for _, f := range flights {
		size = max(size, portion(len(f.row.payload)))
	}
	return size
}

// portion tells how many deliveries are begun together. It is the size of the largest
// event of the ones before, in bytes.
type portion int

// unknown is the size of the first events.
const unknown portion = startAtOnceBytes / 16

func (p portion) deliveries() int { return min(max(startAtOnceBytes/int(p), 1), startAtOnce) }

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
	longest += lookTwice - Budget // it may still wait for its place
	for _, e := range open {
		outcomes = append(outcomes, c.open(e.row, e.display(), longest))
	}
	if err := c.store.lease(ctx, run, ids, delivery.StatusDelivering, longest); err != nil {
		return nil, fmt.Errorf("note the open attempts: %w", err)
	}
	rows := make([]row, len(open))
	for i, e := range open {
		rows[i] = e.row
	}
	c.tell(rows)
	return outcomes, nil
}

// release ends the leases of deliveries that were to be attempted at once and were not:
// the next call for them need not wait for anybody. A lease that is over is left alone,
// for it may be another's by now.
func (c *Core) release(ctx context.Context, run string, all []row) error {
	var ids []string
	for _, r := range all {
		if r.held && c.o.Now().Sub(r.read) < cmp.Or(r.lease, Lease) {
			ids = append(ids, r.id)
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
	stay, err := c.moveOutcomes(ctx, run, surplus, maxUnsettled)
	return append(kept, stay...), err
}
