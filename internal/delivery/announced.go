package delivery

import (
	"context"
	"time"

	"datapusher/workflows"
)

const (
	// announcedWait is how long an announced first attempt waits for room in this
	// process, before the engine may have it.
	announcedWait = laneWait
	// placedWithin is how long after its start a first attempt has its place, or has
	// found none.
	placedWithin = Budget + laneWait
	// maxAnnounced runs are looked after at the same time; the engine comes for more.
	maxAnnounced = 64
	// takers of them take deliveries at the same time.
	takers = 4
)

// Announced is told of runs whose deliveries another process has committed, which makes
// no attempts itself. It takes what nobody has and this process has room for, and begins
// it without waiting for the engine; it returns at once. What is announced and not taken
// waits for the engine, and so does all of it once ctx has ended.
func (c *Core) Announced(ctx context.Context, runs []string) {
	for _, run := range runs {
		if c.announced.Add(1) > maxAnnounced {
			c.announced.Add(-1)
			continue
		}
		c.background(func() {
			defer c.announced.Add(-1)
			c.takeAnnounced(ctx, run)
		})
	}
}

// takeAnnounced takes what there is of a run, in portions.
func (c *Core) takeAnnounced(ctx context.Context, run string) {
	for {
		portion := portion(c.usual.Load())
		most := portion.deliveries()
		entries, fresh, err := c.takePortion(ctx, run, most)
		if err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("an announced run waits for the engine", "run", run, "error", err)
		}
		if len(entries) == 0 {
			return
		}
		patience, cancel := context.WithTimeout(context.Background(), announcedWait)
		c.start(context.Background(), patience, fresh)
		cancel()
		c.usual.Store(int64(max(largest(fresh), portion/2, 1)))
		c.wait.Go(func() { c.seeOff(run, entries) })
		if len(entries) < most {
			return
		}
	}
}

// takePortion takes deliveries in its turn, if there is room for them: of accounts that
// have not enough.
func (c *Core) takePortion(ctx context.Context, run string, most int) ([]*entry, []flight, error) {
	waiting, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	select {
	case c.takers <- struct{}{}:
		defer func() { <-c.takers }()
	case <-waiting.Done():
		return nil, nil, workflows.ErrNoTurn
	}
	if c.slots.crowded() || ctx.Err() != nil {
		return nil, nil, nil
	}
	taking, cancel := context.WithTimeout(context.WithoutCancel(ctx), prepareTimeout)
	defer cancel()
	held, err := c.take(taking, run, nil, c.slots.busyAccounts(), most)
	if err != nil {
		return nil, nil, err
	}
	for i := range held {
		held[i].begun = true
	}
	entries, fresh := c.flights.add(run, held)
	c.slots.announceAll(fresh)
	return entries, fresh, nil
}

// seeOff gives back what was taken and found no place, unless the engine's call has
// joined it, and forgets the rest when it has ended: the rows tell how it stands.
func (c *Core) seeOff(run string, entries []*entry) {
	c.giveBackUnmade(run, entries)
	for _, e := range entries {
		<-e.done
	}
	c.giveBackUnmade(run, entries) // few end so late that were not made
	c.flights.drop(run)
}

// giveBackUnmade has the engine come at once for what finds no place.
func (c *Core) giveBackUnmade(run string, entries []*entry) {
	placed := time.NewTimer(placedWithin)
	defer placed.Stop()
	late := false
	var unmade []row
	for _, e := range entries {
		if !late {
			select {
			case <-e.done:
			case <-placed.C:
				late = true // what is open now goes on
			}
		}
		if ended, _ := e.ended(); ended && e.unmade() && e.leave() {
			unmade = append(unmade, e.row)
		}
	}
	if len(unmade) > 0 {
		c.giveBack(run, unmade)
	}
}
