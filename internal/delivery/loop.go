package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"datapusher/internal/dispatch"
	"datapusher/workflows"
)

// lanePrefix begins the ids of the loops that drain a destination.
const lanePrefix = "destination/"

// Lane is the loop that drains a destination's parked deliveries.
func Lane(destinationID string) string { return lanePrefix + destinationID }

// Step implements workflows.Core: a turn of a destination's lane moves the oldest
// parked deliveries to a run of their own. It ends when nothing is parked or the
// destination does not send.
func (c *Core) Step(ctx context.Context, loop string) (again time.Duration, done bool, err error) {
	id, ok := strings.CutPrefix(loop, lanePrefix)
	if !ok {
		return 0, true, fmt.Errorf("there is no loop %q", loop)
	}
	// Not from the cache: a lane is woken because the state has just changed, in
	// another process perhaps.
	found, err := c.store.destinations(ctx, []string{id})
	if err != nil {
		return 0, false, fmt.Errorf("load the destination: %w", err)
	}
	switch {
	case len(found) == 0 || found[0].deleted:
		if err := c.store.cancelParked(ctx, id, "destination_deleted"); err != nil {
			return 0, false, fmt.Errorf("cancel what is parked: %w", err)
		}
		return 0, true, nil
	case found[0].state != "SENDING":
		return 0, true, nil
	}
	run := dispatch.NewBatch(c.o.Now())
	ids, err := c.store.unpark(ctx, id, run, perDestination)
	if err != nil {
		return 0, false, fmt.Errorf("unpark: %w", err)
	}
	if len(ids) == 0 {
		return 0, true, nil
	}
	if err := c.engine.Dispatch(ctx, describe(run, ids)); err != nil {
		return 0, false, fmt.Errorf("hand over what was parked: %w", err)
	}
	return drainEvery, false, nil
}

// drainEvery is the time between two batches of a lane that drains.
const drainEvery = 250 * time.Millisecond

var _ workflows.Core = (*Core)(nil)
