package delivery

import (
	"context"
	"fmt"
	"slices"

	"datapusher/ent/delivery"
	"datapusher/internal/ingest"
	"datapusher/internal/sender"
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
	if !c.enter() {
		return // its lease ends, and another process takes it up
	}
	_, fresh := c.flights.add(run, rows)
	go func() {
		defer c.wait.Done()
		c.start(context.Background(), fresh)
	}()
}

// prepareTimeout bounds what comes before an attempt: with the attempt's own
// deadline it has to end within the lease.
const prepareTimeout = Lease - sender.DefaultTimeout

// start begins first attempts. What finds no place steps back at once: a run's
// first attempts must not queue up behind a slow destination.
func (c *Core) start(ctx context.Context, flights []flight) {
	preparing, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	ids := make([]string, len(flights))
	for i, f := range flights {
		ids[i] = f.destination
	}
	found, err := c.destinations.get(preparing, ids...)
	if err != nil {
		fail(flights, fmt.Errorf("load the destinations: %w", err))
		return
	}
	placed := make([]flight, 0, len(flights))
	for _, f := range flights {
		label := found[f.destination].display()
		f.label.Store(&label)
		if c.slots.try(f.destination) {
			placed = append(placed, f)
		} else {
			f.finish(c.again(f.entry.row, label, 0), nil)
		}
	}
	if err := c.loadPayloads(preparing, placed); err != nil {
		for _, f := range placed {
			c.slots.release(f.destination)
		}
		fail(placed, fmt.Errorf("load the events: %w", err))
		return
	}
	for _, f := range placed {
		c.wait.Go(func() {
			defer c.slots.release(f.destination)
			f.finish(c.attempt(ctx, f.row, found[f.destination]))
		})
	}
}

func fail(flights []flight, err error) {
	for _, f := range flights {
		f.finish(workflows.Outcome{}, err)
	}
}

// loadPayloads reads the events that were not just accepted in this process,
// each once however many destinations it has.
func (c *Core) loadPayloads(ctx context.Context, flights []flight) error {
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
	payloads, err := c.store.payloads(ctx, slices.Compact(events))
	for i, f := range flights {
		if f.row.payload == nil {
			flights[i].row.payload = payloads[f.event] // nil when the event is gone
		}
	}
	return err
}
