package delivery

import (
	"context"

	"datapusher/workflows"
)

const (
	// announcedWait is how long an announced first attempt waits for room in this
	// process. The engine comes for it soon.
	announcedWait = laneWait
	// maxAnnounced runs are looked after at the same time; the engine comes for more.
	maxAnnounced = 64
	// takers of them take deliveries at the same time.
	takers = 4
)

// Announced is told of runs whose deliveries another process has committed, which makes
// no attempts itself. It takes what nobody has and this process has room for, and begins
// it without waiting for the engine; it returns at once. What is announced and not taken
// waits for the engine.
func (c *Core) Announced(runs []string) {
	for _, run := range runs {
		if c.announced.Add(1) > maxAnnounced {
			c.announced.Add(-1)
			continue
		}
		c.background(func() {
			defer c.announced.Add(-1)
			c.takeAnnounced(run)
		})
	}
}

// takeAnnounced takes what there is of a run, in portions.
func (c *Core) takeAnnounced(run string) {
	for !c.slots.crowded() {
		size := max(portion(c.usual.Load()), 1)
		most := size.deliveries()
		held, err := c.takeInTurn(run, most)
		if err != nil {
			c.o.Logger.Warn("an announced run waits for the engine", "run", run, "error", err)
			return
		}
		if len(held) == 0 {
			return
		}
		c.flights.announce(run)
		patience, cancel := context.WithTimeout(context.Background(), announcedWait)
		entries := c.startAll(context.Background(), patience, run, held, &size)
		cancel()
		c.usual.Store(int64(max(size, portion(c.usual.Load()/2))))
		c.wait.Go(func() { c.giveBackUnplaced(run, entries) })
		if len(held) < most {
			return
		}
	}
}

func (c *Core) takeInTurn(run string, most int) ([]row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
	defer cancel()
	select {
	case c.takers <- struct{}{}:
		defer func() { <-c.takers }()
	case <-ctx.Done():
		return nil, workflows.ErrNoTurn
	}
	held, err := c.take(ctx, run, nil, most)
	for i := range held {
		held[i].begun = true
	}
	return held, err
}

// giveBackUnplaced waits for attempts, and lets the engine have at once what found no
// place, unless the engine's call has joined it.
func (c *Core) giveBackUnplaced(run string, entries []*entry) {
	var unplaced []row
	for _, e := range entries {
		<-e.done
		if e.unplaced && e.leave() {
			unplaced = append(unplaced, e.row)
		}
	}
	if len(unplaced) > 0 {
		c.giveBack(run, unplaced)
	}
}
