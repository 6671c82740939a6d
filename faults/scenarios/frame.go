package scenarios

import (
	"context"
	"errors"
	"time"

	"datapusher/faults/rig"
)

// frame are the scenarios that need nothing but the processes themselves.
var frame = []rig.Scenario{
	{
		Name: "none", Fault: "none", Latency: true, NoCuts: true, Quiet: taken,
		Run: func(ctx context.Context, r *rig.Rig) error { return r.Sleep(ctx, 10*time.Second) },
	},
	{
		Name: "kill-serve", Fault: "SIGKILL of a serve at random moments, fifty times", Run: repeat(50, killServe),
	},
	{
		Name: "kill-worker", Fault: "SIGKILL of a worker at random moments, fifty times", Quiet: taken, Run: repeat(50, killWorker),
	},
	{
		Name: "kill-whole", Fault: "SIGKILL of one of two serve --worker at random moments, fifty times",
		Plan: rig.Plan{Whole: 2}, Quiet: taken, Run: repeat(50, killServe),
	},
	{
		Name: "terminate", Fault: "SIGTERM of a serve and of a worker under load, ten times each", NoCuts: true,
		Run: repeat(10, terminateServe, terminateWorker),
	},
	{
		Name: "terminate-whole", Fault: "SIGTERM of one of two serve --worker under load, ten times", NoCuts: true,
		Plan: rig.Plan{Whole: 2}, Run: repeat(10, terminateServe),
	},
	{
		Name: "stop-whole", Fault: "SIGSTOP of one of two serve --worker for half a minute, twice", Quiet: taken,
		Plan: rig.Plan{Whole: 2}, Run: repeat(2, stopWorker(30*time.Second)),
	},
	{
		Name: "stop-worker", Fault: "SIGSTOP of a worker for a minute", Quiet: taken, Run: stopWorker(time.Minute),
	},
}

// taken is longer than it takes until the work of a process that has died is taken up
// by another, or found by the reconciler: copies that this makes have come by then.
const taken = 40 * time.Second

// action injects one fault and ends it.
type action func(ctx context.Context, r *rig.Rig) error

// repeat takes actions in turn, each so many times, at random moments.
func repeat(times int, actions ...action) action {
	return func(ctx context.Context, r *rig.Rig) error {
		for range times {
			for _, a := range actions {
				if err := errors.Join(r.SleepBetween(ctx, 50*time.Millisecond, 600*time.Millisecond), a(ctx, r)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func killServe(ctx context.Context, r *rig.Rig) error  { return kill(ctx, r.Pick(r.Serves)) }
func killWorker(ctx context.Context, r *rig.Rig) error { return kill(ctx, r.Pick(r.Workers)) }

func kill(ctx context.Context, p *rig.Process) error { return errors.Join(p.Kill(), p.Start(ctx)) }

func terminateServe(ctx context.Context, r *rig.Rig) error  { return terminate(ctx, r.Pick(r.Serves)) }
func terminateWorker(ctx context.Context, r *rig.Rig) error { return terminate(ctx, r.Pick(r.Workers)) }

func terminate(ctx context.Context, p *rig.Process) error {
	return errors.Join(p.Terminate(), p.Start(ctx))
}

// stopWorker has a worker stand still for a time.
func stopWorker(d time.Duration) action {
	return func(ctx context.Context, r *rig.Rig) error {
		p := r.Pick(r.Workers)
		return errors.Join(p.Stop(), r.Sleep(ctx, d), p.Continue())
	}
}
