package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"datapusher/internal/failpoint"
	"datapusher/internal/id"
	"datapusher/workflows"
)

// moveFrom gives deliveries of a run, all of them where ids is nil, to a new run and
// hands that to the engine: those that nobody is at, which it returns. When it fails half way, the rows have an owner
// that the reconciler will hand over.
func (c *Core) moveFrom(ctx context.Context, from string, ids []string) (moved []string, err error) {
	to := id.NewBatch(c.o.Now())
	moved, err = c.store.move(ctx, from, to, ids)
	if err != nil {
		return nil, fmt.Errorf("move deliveries from %s: %w", from, err)
	}
	if len(moved) == 0 {
		return nil, nil
	}
	failpoint.Hit(failpoint.Moved)
	return moved, c.engine.Dispatch(ctx, describe(to, moved))
}

// describe makes a run of deliveries for the engine.
func describe(run string, ids []string) workflows.Run {
	slices.Sort(ids)
	return workflows.Run{
		ID:      run,
		Summary: fmt.Sprintf("%d delivery(ies)", len(ids)),
		Details: strings.Join(ids[:min(len(ids), maxUnsettled)], "\n"),
	}
}
