// Package scenarios is the list of what is injected, each with the plan of what
// stands meanwhile.
package scenarios

import (
	"context"
	"slices"
	"time"

	"datapusher/faults/rig"
)

// All are the scenarios, in the order in which they run.
var All = slices.Concat(frame, move, points, servers, network, receivers, rows)

// Find gives the scenario with that name.
func Find(name string) (rig.Scenario, bool) {
	i := slices.IndexFunc(All, func(s rig.Scenario) bool { return s.Name == name })
	if i < 0 {
		return rig.Scenario{}, false
	}
	return All[i], true
}

// Quick is a little of everything that the frame can inject, in some seconds.
func Quick() rig.Scenario {
	return rig.Scenario{
		Name: "quick", Fault: "SIGKILL, SIGTERM and SIGSTOP of serve and worker, once each",
		Run: func(ctx context.Context, r *rig.Rig) error {
			for _, a := range []action{killServe, killWorker, terminateServe, terminateWorker, stopWorker(time.Second)} {
				if err := repeat(1, a)(ctx, r); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// Small stands up one serve and one worker, kills them so many times, and waits until
// all has drained or nothing has moved for so long. It is for mutants.
func Small(fault string, serves, workers int, drain time.Duration) rig.Scenario {
	return rig.Scenario{
		Name: "small", Fault: fault, Plan: rig.Plan{Serves: 1, Workers: 1}, Drain: drain,
		Run: func(ctx context.Context, r *rig.Rig) error {
			if serves+workers == 0 {
				return r.Sleep(ctx, 4*time.Second)
			}
			if err := repeat(serves, killServe)(ctx, r); err != nil {
				return err
			}
			return repeat(workers, killWorker)(ctx, r)
		},
	}
}

// TwoWorkers stands up one serve and two workers, and has nothing happen.
func TwoWorkers(fault string, drain time.Duration) rig.Scenario {
	s := Small(fault, 0, 0, drain)
	s.Plan.Workers = 2
	return s
}

// Forgotten stands up one serve and one worker, has the engine forget everything, and
// waits as Small does.
func Forgotten(fault string, drain time.Duration) rig.Scenario {
	return rig.Scenario{
		Name: "forgotten", Fault: fault, Plan: rig.Plan{Serves: 1, Workers: 1}, Drain: drain, Run: repeat(3, wipeEngine),
	}
}

// Soak injects at random moments, one thing after the other, for so long: what
// happens to processes as often as what happens to servers and between.
func Soak(d time.Duration) rig.Scenario {
	processes := []action{
		killServe, killServe, killWorker, killWorker, terminateServe, terminateWorker,
		stopWorker(5 * time.Second), stopWorker(30 * time.Second),
	}
	s := rig.Scenario{Name: "soak", Fault: "all of it, at random, for " + d.String(), Drain: 5 * time.Minute}
	return between(s, func(ctx context.Context, r *rig.Rig, p *proxies) error {
		kinds := [][]action{processes, slices.Concat([]action{crashPostgres, takeConnections, killTemporal, wipeEngine}, p.disturbances())}
		for end := time.Now().Add(d); time.Now().Before(end); {
			if err := r.SleepBetween(ctx, 100*time.Millisecond, 5*time.Second); err != nil {
				return err
			}
			actions := kinds[r.Rand.IntN(len(kinds))]
			if err := actions[r.Rand.IntN(len(actions))](ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// crashPostgres stops the database server as a crash does, for a moment. Whoever
// was starting meanwhile is started again.
func crashPostgres(ctx context.Context, r *rig.Rig) error {
	if err := r.StopPostgres("immediate"); err != nil {
		return err
	}
	if err := r.SleepBetween(ctx, 0, 2*time.Second); err != nil {
		return err
	}
	return r.ResumePostgres()
}

// killTemporal kills Temporal and starts it again; with another engine it does
// nothing.
func killTemporal(ctx context.Context, r *rig.Rig) error {
	if r.Engine != rig.Temporal {
		return nil
	}
	if err := r.KillTemporal(); err != nil {
		return err
	}
	if err := r.SleepBetween(ctx, 0, 2*time.Second); err != nil {
		return err
	}
	return r.StartTemporal(ctx)
}
