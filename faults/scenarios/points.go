package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datapusher/faults/rig"
	"datapusher/internal/failpoint"
)

// points are kills at the moments at which a kill hurts most: see package failpoint.
var points = []rig.Scenario{
	{
		Name: "points-intake", Fault: "killed after the commit, before the dispatch; and after it, before the answer",
		Plan: rig.Plan{Program: mayFail}, Run: killAt(serves, 4, failpoint.Committed, failpoint.Dispatched),
	},
	{
		Name: "points-head-start", Fault: "the same with attempts in the same process", Plan: rig.Plan{Whole: 2, Program: mayFail},
		Run: killAt(serves, 3, failpoint.Committed, failpoint.Dispatched, failpoint.Answered),
	},
	{
		Name: "points-attempt", Fault: "killed before an attempt, after the receiver's answer, and after its record",
		Plan: rig.Plan{Program: mayFail}, Run: killAt(workers, 3, failpoint.Sending, failpoint.Answered, failpoint.Recorded),
	},
	{
		Name: "points-reconciler", Fault: "killed in the reconciler, when what was committed is still to be dispatched",
		Plan: rig.Plan{Program: mayFail}, Run: killReconcilers(2),
	},
	{
		Name: "points-lane", Fault: "killed in a drain, when deliveries are taken and not sent",
		Plan: rig.Plan{Workers: 1, Serves: 1, Program: mayFail}, Run: killLanes(2),
	},
	{
		Name: "points-replay", Fault: "killed in a bulk replay, before and after the commit of a turn",
		Plan: rig.Plan{Workers: 1, Serves: 1, Program: mayFail}, Run: killReplays, Check: replayedOnce,
	},
	{
		Name: "panic", Fault: "one attempt in fifty panics", Plan: rig.Plan{Program: mayFail},
		Run: func(ctx context.Context, r *rig.Rig) error {
			tell("sending=panic%2", r.Workers...)
			if err := again(ctx, r.Workers...); err != nil {
				return err
			}
			end := r.Inject("attempts panic", false) // before they are sent
			err := r.Sleep(ctx, 15*time.Second)
			end()
			tell("", r.Workers...)
			return errors.Join(err, again(ctx, r.Workers...))
		},
	},
	{
		Name: "clock", Fault: "the clocks of a serve and of a worker jump by two minutes, forth, back and forth",
		Plan: rig.Plan{Program: mayFail}, Run: jumpClocks,
	},
}

// mayFail is the program that can be told to.
const mayFail = "datapusher-failpoints"

func serves(r *rig.Rig) []*rig.Process  { return r.Serves }
func workers(r *rig.Rig) []*rig.Process { return r.Workers }

// told is the environment of a process that is to fail.
func told(what string) string { return "DATAPUSHER_FAILPOINTS=" + what }

// tell has processes fail from their next start on; "" takes it back.
func tell(what string, of ...*rig.Process) {
	for _, p := range of {
		p.Command.Env = append(slices.Clone(p.Command.Env), told(what))
	}
}

// again ends processes in order and starts them again, as they are told.
func again(ctx context.Context, of ...*rig.Process) error {
	for _, p := range of {
		if err := errors.Join(p.Terminate(), p.Start(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// dieTimeout is how long it may take until a process gets to its point.
const dieTimeout = time.Minute

// died waits until processes have died at a point, and notes it.
func died(ctx context.Context, at failpoint.Point, of ...*rig.Process) error {
	ctx, cancel := context.WithTimeout(ctx, dieTimeout)
	defer cancel()
	for _, p := range of {
		select {
		case <-p.Ended():
			p.MayEnd = true // until it is started again
			p.NoteEnd("killed at " + string(at) + ":")
		case <-ctx.Done():
			return fmt.Errorf("%s did not get to %q: %w", p.Name, at, ctx.Err())
		}
	}
	return nil
}

// revive starts what has died, to fail no more.
func revive(ctx context.Context, of ...*rig.Process) error {
	tell("", of...)
	for _, p := range of {
		if err := p.Start(ctx); err != nil {
			return err
		}
		p.MayEnd = false
	}
	return nil
}

// killAt kills a process, another each time, so many times at each point, at one of
// the first times that it gets there.
func killAt(of func(*rig.Rig) []*rig.Process, times int, at ...failpoint.Point) action {
	return func(ctx context.Context, r *rig.Rig) error {
		for range times {
			for _, point := range at {
				p := r.Pick(of(r))
				tell(fmt.Sprintf("%s=kill@%d", point, 1+r.Rand.IntN(10)), p)
				err := again(ctx, p)
				if err == nil {
					err = died(ctx, point, p)
				}
				if err := errors.Join(err, revive(ctx, p)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// killReconcilers has events that no engine knows, and kills each worker when its
// reconciler has found them.
func killReconcilers(times int) action {
	return func(ctx context.Context, r *rig.Rig) error {
		for range times {
			tell(string(failpoint.Reconciling)+"=kill@1", r.Workers...)
			if err := again(ctx, r.Workers...); err != nil {
				return err
			}
			err := errors.Join(
				orphan(ctx, r), died(ctx, failpoint.Reconciling, r.Workers...), revive(ctx, r.Workers...))
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// orphan has events in the database that the engine does not know. With River they come
// into both with one commit, so that it has to forget them.
func orphan(ctx context.Context, r *rig.Rig) error {
	if r.Engine == rig.River {
		return r.WipeRiver(ctx)
	}
	p := r.Pick(r.Serves)
	tell(string(failpoint.Committed)+"=kill@5", p)
	if err := again(ctx, p); err != nil {
		return err
	}
	return errors.Join(died(ctx, failpoint.Committed, p), revive(ctx, p))
}

// killLanes pauses a destination for a while and kills each worker that begins to
// drain what has parked.
func killLanes(times int) action {
	return func(ctx context.Context, r *rig.Rig) error {
		for range times {
			tell(string(failpoint.Claimed)+"=kill@1", r.Workers...)
			err := errors.Join(
				again(ctx, r.Workers...), r.Pause(ctx, "well"), r.Sleep(ctx, 3*time.Second), r.Resume(ctx, "well"))
			if err != nil {
				return err
			}
			if err := errors.Join(died(ctx, failpoint.Claimed, r.Workers...), revive(ctx, r.Workers...)); err != nil {
				return err
			}
		}
		return nil
	}
}

// killReplays replays all that was accepted up to now, and kills whoever takes a
// turn, before and after its commit.
func killReplays(ctx context.Context, r *rig.Rig) error {
	if err := r.Sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	for i, point := range []failpoint.Point{failpoint.Replaying, failpoint.Replayed, failpoint.Replaying, failpoint.Replayed} {
		tell(fmt.Sprintf("%s=kill@%d", point, 1+i/2), r.Workers...)
		if err := again(ctx, r.Workers...); err != nil {
			return err
		}
		if i == 0 {
			// Slow enough that all of the kills are in it.
			if err := r.Replay(ctx, "well", 10); err != nil {
				return err
			}
		}
		if err := errors.Join(died(ctx, point, r.Workers...), revive(ctx, r.Workers...)); err != nil {
			return err
		}
	}
	return r.Replayed(ctx)
}

// replayedOnce says that each event that matched is there once more, and once.
func replayedOnce(ctx context.Context, r *rig.Rig) error {
	var matched, made, originals int
	err := r.DB.Read.QueryRowContext(ctx, `
SELECT (SELECT count(*) FROM events e WHERE e.account_id = p.account_id AND e.replay_of IS NULL AND e.created_at < p.to_time),
  (SELECT count(*) FROM events e WHERE e.replay_id = p.id),
  (SELECT count(DISTINCT e.replay_of) FROM events e WHERE e.replay_id = p.id)
FROM replays p`).Scan(&matched, &made, &originals)
	switch {
	case err != nil:
		return err
	case matched == 0 || made != matched || originals != matched:
		return fmt.Errorf("%d events matched, %d were made, of %d originals", matched, made, originals)
	}
	return nil
}

// jumpClocks has the wall clocks of one serve and one worker jump while the others'
// are right.
func jumpClocks(ctx context.Context, r *rig.Rig) error {
	tell("clock=120s@4s,clock=-240s@9s,clock=120s@14s", r.Serves[0], r.Workers[0])
	if err := again(ctx, r.Serves[0], r.Workers[0]); err != nil {
		return err
	}
	for range 3 {
		if err := r.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		r.Inject("clocks jump", false)()
	}
	return r.Sleep(ctx, 2*time.Second)
}
