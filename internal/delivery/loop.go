package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"datapusher/workflows"
)

// The prefixes of the ids of loops.
const (
	lanePrefix   = "destination/"
	replayPrefix = "replay/"
)

// Lane is the loop of a destination that does not simply send: it parks, probes
// and drains.
func Lane(destinationID string) string { return lanePrefix + destinationID }

// Replay is the loop of a replay.
func Replay(replayID string) string { return replayPrefix + replayID }

// Step implements workflows.Core.
func (c *Core) Step(ctx context.Context, loop string) (again time.Duration, done bool, err error) {
	if !c.enter() {
		return 0, false, errStopped
	}
	defer c.wait.Done()
	if id, ok := strings.CutPrefix(loop, lanePrefix); ok {
		return c.lane(ctx, id)
	}
	if id, ok := strings.CutPrefix(loop, replayPrefix); ok {
		return c.replay(ctx, id)
	}
	return 0, true, fmt.Errorf("there is no loop %q", loop)
}

var _ workflows.Core = (*Core)(nil)
