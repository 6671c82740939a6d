package scenarios

import (
	"context"
	"errors"
	"time"

	"datapusher/faults/rig"
)

// move goes from one engine to the other and back, as docs/ENGINES.md tells, while
// events come in. It is no fault: nothing is cut, nothing comes twice.
var move = []rig.Scenario{{
	Name: "move", Fault: "from one engine to the other and back, under load", NoCuts: true, Quiet: taken, Plan: rig.Plan{Both: true},
	Run: func(ctx context.Context, r *rig.Rig) error {
		other := rig.River
		if r.Engine == rig.River {
			other = rig.Temporal
		}
		return errors.Join(moveTo(ctx, r, other), moveTo(ctx, r, r.Engine))
	},
}}

func moveTo(ctx context.Context, r *rig.Rig, engine string) error {
	for _, p := range r.Serves { // one after the other, so that events always find a door
		if err := change(ctx, engine, p); err != nil {
			return err
		}
	}
	if err := change(ctx, engine, r.Workers...); err != nil { // never do both engines work
		return err
	}
	return errors.Join(r.MoveTo(ctx, engine), r.Sleep(ctx, 5*time.Second))
}

// change ends processes in order, and starts them with another engine when all have ended.
func change(ctx context.Context, engine string, processes ...*rig.Process) error {
	for _, p := range processes {
		if err := p.Terminate(); err != nil {
			return err
		}
		p.Use(engine)
	}
	for _, p := range processes {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}
