package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"datapusher/workflows"
)

// Step implements workflows.Core.
func (c *Core) Step(ctx context.Context, loop string) (again time.Duration, done bool, err error) {
	if !c.enter() {
		return 0, false, errStopped
	}
	defer c.wait.Done()
	if id, ok := strings.CutPrefix(loop, workflows.LanePrefix); ok {
		return c.lane(ctx, id)
	}
	if id, ok := strings.CutPrefix(loop, workflows.ReplayPrefix); ok {
		return c.replay(ctx, id)
	}
	return 0, true, fmt.Errorf("there is no loop %q", loop)
}

var _ workflows.Core = (*Core)(nil)
