package rig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datapusher/bench/stack"
)

// Pause has a destination park what comes for it.
func (r *Rig) Pause(ctx context.Context, destination string) error {
	return r.steer(ctx, "pauseDestination(input: $in) { destination { id } }", "PauseDestinationInput",
		map[string]any{"destinationID": r.Destination(destination).ID})
}

// Resume has it send again, what has parked first.
func (r *Rig) Resume(ctx context.Context, destination string) error {
	return r.steer(ctx, "resumeDestination(input: $in) { destination { id } }", "ResumeDestinationInput",
		map[string]any{"destinationID": r.Destination(destination).ID, "rate": 1000})
}

// Replay replays all events that the account of a destination has sent up to now,
// so many a second.
func (r *Rig) Replay(ctx context.Context, destination string, rate float64) error {
	return r.steer(ctx, "replayEvents(input: $in) { replay { id } }", "ReplayEventsInput", map[string]any{
		"filter": map[string]any{"accountID": r.Destination(destination).account}, "rate": rate,
	})
}

// steer asks the doors for something until one of them does it: faults may be going
// on.
func (r *Rig) steer(ctx context.Context, what, input string, in any) error {
	ctx, cancel := context.WithTimeout(ctx, restoring)
	defer cancel()
	for {
		var data any
		err := r.Operator().Query(ctx, fmt.Sprintf("mutation($in: %s!) { %s }", input, what), in, &data)
		if err == nil {
			return nil
		}
		if !pause(ctx, time.Second) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// Replayed waits until no bulk replay runs any more.
func (r *Rig) Replayed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restoring)
	defer cancel()
	for {
		var running int
		err := r.DB.Read.QueryRowContext(ctx, `SELECT count(*) FROM replays WHERE status = 'RUNNING'`).Scan(&running)
		if err == nil && running == 0 {
			return nil
		}
		if !pause(ctx, look) {
			return errors.Join(fmt.Errorf("%d replays run", running), err, ctx.Err())
		}
	}
}

// Use has a process that does not run start with that engine from now on.
func (p *Process) Use(engine string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Command.Env = append(slices.Clone(p.Command.Env), "DATAPUSHER_ENGINE="+engine)
}

// MoveTo gives what waits in the other engine to this one, by the command for that.
func (r *Rig) MoveTo(ctx context.Context, engine string) error {
	defer r.Inject("move to "+engine, false)()
	return r.Stack.Run(ctx, stack.Command{Name: "engine move", Args: []string{"engine", "move", "--to=" + engine}})
}
