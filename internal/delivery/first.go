package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datapusher/ent/delivery"
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
			status: delivery.StatusPending, payload: d.Payload,
		}
	}
	entries := c.flights.add(run, rows)
	c.wait.Go(func() { c.start(context.Background(), rows, entries) })
}

// start begins the attempts of rows. What finds no place steps back at once: a
// run's first attempts must not queue up behind a slow destination.
func (c *Core) start(ctx context.Context, rows []row, entries []*entry) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.destination
	}
	found, err := c.destinations.get(ctx, ids...)
	for i, r := range rows {
		e := entries[i]
		if err != nil {
			e.finish(workflows.Outcome{}, fmt.Errorf("load the destination: %w", err))
			continue
		}
		d := found[r.destination]
		if !c.slots.try(r.destination) {
			e.finish(c.again(r, d, 0), nil)
			continue
		}
		c.wait.Go(func() {
			defer c.slots.release(r.destination)
			e.finish(c.attempt(ctx, r, d))
		})
	}
}

// First implements workflows.Core.
func (c *Core) First(ctx context.Context, run string) ([]workflows.Outcome, error) {
	budget := time.NewTimer(Budget)
	defer budget.Stop()
	begun, here := c.flights.join(run)
	outcomes, open, err := c.gather(ctx, begun, budget.C)
	if err != nil {
		return nil, err
	}
	if !here || anyUnsettled(outcomes) || len(open) > 0 {
		rest, err := c.rest(ctx, run, begun, here, budget.C)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, rest.outcomes...)
		open = append(open, rest.open...)
	}
	if len(open) > 0 {
		outcomes, err = c.leaveOpen(ctx, run, outcomes, open)
		if err != nil {
			return nil, err
		}
	}
	if err := c.release(ctx, run, outcomes); err != nil {
		return nil, err
	}
	c.flights.drop(run)
	return c.limit(ctx, run, outcomes)
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
func (c *Core) gather(ctx context.Context, entries []*entry, budget <-chan time.Time) (outcomes []workflows.Outcome, open []*entry, err error) {
	over := false
	for _, e := range entries {
		if !over {
			select {
			case <-e.done:
			case <-budget:
				over = true
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
		select {
		case <-e.done:
			outcomes = append(outcomes, c.outcomeOf(e))
		default:
			open = append(open, e)
		}
	}
	return outcomes, open, nil
}

func (c *Core) outcomeOf(e *entry) workflows.Outcome {
	switch {
	case e.err == nil:
		return e.outcome
	case errors.Is(e.err, workflows.ErrNotOwner):
		o := c.standing(e.row, nil)
		o.State = workflows.Settled
		return o
	}
	c.o.Logger.Error("a first attempt did not come about", "delivery", e.row.id, "error", e.err)
	return c.again(e.row, nil, 0)
}

type remainder struct {
	outcomes []workflows.Outcome
	open     []*entry
}

// rest takes care of the run's deliveries that no attempt was begun for in this
// process: all of them after a crash, or where ingest runs elsewhere.
func (c *Core) rest(ctx context.Context, run string, begun []*entry, here bool, budget <-chan time.Time) (remainder, error) {
	rows, err := c.store.loadRun(ctx, run, 100*maxUnsettled)
	if err != nil {
		return remainder{}, fmt.Errorf("load the run: %w", err)
	}
	known := make(map[string]bool, len(begun))
	for _, e := range begun {
		known[e.row.id] = true
	}
	var (
		r     remainder
		fresh []row
	)
	for _, one := range rows {
		switch {
		case known[one.id]:
		case one.attempts > 0:
			r.outcomes = append(r.outcomes, c.standing(one, nil))
		case !here && one.lease > early:
			// The process that committed it may be at it; it is asked for when that is over.
			r.outcomes = append(r.outcomes, c.open(one, nil, one.lease))
		default:
			fresh = append(fresh, one)
		}
	}
	if len(fresh) == 0 {
		return r, nil
	}
	entries := c.flights.add(run, fresh)
	c.start(context.WithoutCancel(ctx), fresh, entries)
	outcomes, open, err := c.gather(ctx, entries, budget)
	r.outcomes, r.open = append(r.outcomes, outcomes...), open
	return r, err
}

// leaveOpen notes the attempts that go on beyond the budget. They record
// themselves; their engine asks again after their deadline.
func (c *Core) leaveOpen(ctx context.Context, run string, outcomes []workflows.Outcome, open []*entry) ([]workflows.Outcome, error) {
	ids := make([]string, len(open))
	for i, e := range open {
		ids[i] = e.row.id
		outcomes = append(outcomes, c.open(e.row, nil, Lease-Budget))
	}
	if err := c.store.lease(ctx, run, ids, delivery.StatusDelivering, Lease-Budget); err != nil {
		return nil, fmt.Errorf("note the open attempts: %w", err)
	}
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

// limit moves what is unsettled beyond maxUnsettled to further runs.
func (c *Core) limit(ctx context.Context, run string, outcomes []workflows.Outcome) ([]workflows.Outcome, error) {
	kept := outcomes[:0]
	var surplus []string
	unsettled := 0
	for _, o := range outcomes {
		if o.State != workflows.Settled {
			if unsettled++; unsettled > maxUnsettled {
				surplus = append(surplus, o.DeliveryID)
				continue
			}
		}
		kept = append(kept, o)
	}
	for part := range slices.Chunk(surplus, maxUnsettled) {
		if err := c.moveFrom(ctx, run, part); err != nil {
			return nil, err
		}
	}
	return kept, nil
}
