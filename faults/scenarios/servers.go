package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"datapusher/faults/proxy"
	"datapusher/faults/rig"
)

// network are the faults between processes and their servers.
var network = []rig.Scenario{
	between(rig.Scenario{Name: "postgres-cut-answers", Fault: "one answer of Postgres in fifty is lost with its connection, for 15 s"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			return p.postgres.count(ctx, r, "a connection is cut after the statement was executed", func() error { return p.postgres.CutAnswers(2) })
		}),
	between(rig.Scenario{Name: "postgres-cut-commits", Fault: "one COMMIT in two is cut, before or after Postgres has it, for 15 s"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			return p.postgres.count(ctx, r, "a connection is cut at its COMMIT", func() error { return p.postgres.CutCommits(50) })
		}),
	between(rig.Scenario{Name: "postgres-cut", Fault: "all connections to Postgres are cut, twenty times"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			return repeat(20, func(context.Context, *rig.Rig) error {
				defer r.Inject("connections to Postgres are cut", true)()
				return p.postgres.Cut()
			})(ctx, r)
		}),
	between(rig.Scenario{Name: "postgres-slow", Fault: "each way to and from Postgres takes 25 to 75 ms longer, for 15 s"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			return p.postgres.during(ctx, r, "Postgres is slow", false, 15*time.Second, func() error {
				return p.postgres.Slow(50*time.Millisecond, 25*time.Millisecond)
			})
		}),
	between(rig.Scenario{Name: "postgres-stall", Fault: "Postgres stands still for 5 s and for 25 s: what is asked arrives late, and so do answers"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			for _, way := range []proxy.Way{proxy.ToServer, proxy.FromServer} {
				for _, d := range []time.Duration{5 * time.Second, 25 * time.Second} {
					err := p.postgres.during(ctx, r, "Postgres stands still", true, d, func() error { return p.postgres.Hold(way) })
					if err := errors.Join(err, r.Sleep(ctx, 2*time.Second)); err != nil {
						return err
					}
				}
			}
			return nil
		}),
	between(rig.Scenario{Name: "postgres-one-way", Fault: "what is sent to Postgres, then what it sends, is lost for 10 s"},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			for _, way := range []proxy.Way{proxy.ToServer, proxy.FromServer} {
				err := p.postgres.during(ctx, r, "one way of Postgres is lost", true, 10*time.Second, func() error { return p.postgres.Lose(way) })
				if err := errors.Join(err, r.Sleep(ctx, 2*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}),
	between(rig.Scenario{Name: "temporal-network", Fault: "Temporal slow, unreachable, standing still, lost one way, each for 8 s", Engines: []string{rig.Temporal}},
		func(ctx context.Context, r *rig.Rig, p *proxies) error {
			for name, fault := range map[string]func() error{
				"Temporal is slow":               func() error { return p.temporal.Slow(200*time.Millisecond, 100*time.Millisecond) },
				"Temporal stands still":          func() error { return p.temporal.Hold(proxy.FromServer) },
				"what Temporal is asked is lost": func() error { return p.temporal.Lose(proxy.ToServer) },
				"what Temporal answers is lost":  func() error { return p.temporal.Lose(proxy.FromServer) },
				"Temporal's answers are cut":     func() error { return p.temporal.CutAnswers(5) },
			} {
				// Results are in the database: no attempt is repeated for that.
				if err := p.temporal.during(ctx, r, name, false, 8*time.Second, fault); err != nil {
					return err
				}
			}
			defer r.Inject("Temporal cannot be reached", false)()
			p.temporal.Down()
			return errors.Join(r.Sleep(ctx, 8*time.Second), p.temporal.Up())
		}),
}

// servers are the faults of the servers themselves.
var servers = []rig.Scenario{
	{Name: "postgres-crash", Fault: "Postgres stopped in immediate mode, twenty times", Quiet: taken, Run: repeat(20, crashPostgres)},
	{Name: "postgres-connections", Fault: "Postgres out of connections for 10 s, after all of ours were ended", Run: takeConnections},
	{
		Name: "temporal-kill", Fault: "SIGKILL of Temporal, five times", Engines: []string{rig.Temporal},
		Run: repeat(5, killTemporal, func(ctx context.Context, r *rig.Rig) error { return r.Sleep(ctx, 3*time.Second) }),
	},
	{
		Name: "temporal-wiped", Fault: "Temporal killed, its databases dropped, and started empty, twice", Engines: []string{rig.Temporal},
		Run: repeat(2, wipeTemporal, func(ctx context.Context, r *rig.Rig) error { return r.Sleep(ctx, 5*time.Second) }),
	},
	{
		Name: "river-wiped", Fault: "River's jobs are deleted, all of them, five times", Engines: []string{rig.River},
		Run: repeat(5, wipeEngine, func(ctx context.Context, r *rig.Rig) error { return r.Sleep(ctx, 3*time.Second) }),
	},
	{
		Name: "temporal-store", Fault: "5 % of what Temporal asks its store for fails, half of the writes after they were made, for 30 s",
		Engines: []string{rig.Temporal}, Run: failTemporalStore,
	},
}

// proxies stand between the processes and their servers.
type proxies struct{ postgres, temporal *link }

type link struct{ *proxy.Proxy }

// between gives a scenario proxies.
func between(s rig.Scenario, run func(ctx context.Context, r *rig.Rig, p *proxies) error) rig.Scenario {
	standing := map[*rig.Rig]*proxies{} // one scenario runs at a time
	s.Plan.Between = func(r *rig.Rig, where rig.Addresses) (rig.Addresses, error) {
		p := &proxies{}
		standing[r] = p
		for _, one := range []struct {
			name    string
			link    **link
			address *string
		}{{"postgres", &p.postgres, &where.Postgres}, {"temporal", &p.temporal, &where.Temporal}} {
			if *one.address == "" {
				continue
			}
			stands, err := proxy.New(fmt.Sprintf("%s %p", one.name, r), *one.address)
			if err != nil {
				return where, err
			}
			r.OnClose(stands.Close)
			*one.link, *one.address = &link{stands}, stands.Address()
		}
		return where, nil
	}
	s.Run = func(ctx context.Context, r *rig.Rig) error {
		defer delete(standing, r)
		return run(ctx, r, standing[r])
	}
	return s
}

// asksAgain is how long a fault of a connection goes on beyond its end: who has no
// answer asks again only when it has noticed that there will be none.
const asksAgain = 4 * time.Second

// during has a fault for a time.
func (l *link) during(ctx context.Context, r *rig.Rig, name string, repeats bool, d time.Duration, fault func() error) error {
	defer r.Inject(name, repeats)()
	return errors.Join(fault(), r.Sleep(ctx, d), l.Mend(), r.Sleep(ctx, asksAgain))
}

// count has a fault that cuts connections, and notes each that was cut.
func (l *link) count(ctx context.Context, r *rig.Rig, name string, fault func() error) error {
	const (
		lasts = 15 * time.Second
		look  = 20 * time.Millisecond
	)
	if err := fault(); err != nil {
		return err
	}
	noted := int64(0)
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		if err := r.Sleep(ctx, look); err != nil {
			return err
		}
		for ; noted < l.Cuts(); noted++ {
			r.Inject(name, true)()
		}
	}
	if noted == 0 {
		return errors.New("no connection was cut")
	}
	return l.Mend()
}

// disturbances are what the proxies can do, each for some seconds.
func (p *proxies) disturbances() (all []action) {
	add := func(l *link, server string) {
		during := func(what string, repeats bool, fault func() error) {
			all = append(all, func(ctx context.Context, r *rig.Rig) error {
				return l.during(ctx, r, server+" "+what, repeats && l == p.postgres, 5*time.Second, fault)
			})
		}
		during("is slow", false, func() error { return l.Slow(50*time.Millisecond, 25*time.Millisecond) })
		during("stands still", true, func() error { return l.Hold(proxy.ToServer) })
		during("answers late", true, func() error { return l.Hold(proxy.FromServer) })
		during("is not told", true, func() error { return l.Lose(proxy.ToServer) })
		during("is not heard", true, func() error { return l.Lose(proxy.FromServer) })
		during("is cut off now and then", true, func() error { return l.CutAnswers(2) })
	}
	add(p.postgres, "Postgres")
	if p.temporal != nil {
		add(p.temporal, "Temporal")
	}
	return append(all, func(ctx context.Context, r *rig.Rig) error {
		defer r.Inject("connections to Postgres are cut", true)()
		return p.postgres.Cut()
	}, func(ctx context.Context, r *rig.Rig) error {
		return p.postgres.during(ctx, r, "COMMITs are cut", true, 5*time.Second, func() error { return p.postgres.CutCommits(50) })
	})
}

// takeConnections ends the connections of Data Pusher and takes their places and
// all others that there are.
func takeConnections(ctx context.Context, r *rig.Rig) error {
	defer r.Inject("Postgres is out of connections", true)()
	release, err := r.TakeConnections(ctx)
	if err != nil {
		return err
	}
	defer release()
	return r.Sleep(ctx, 10*time.Second)
}

func wipeTemporal(ctx context.Context, r *rig.Rig) error {
	return errors.Join(r.KillTemporal(), r.Stack.DropTemporal(ctx), r.StartTemporal(ctx))
}

// wipeEngine has the engine forget everything.
func wipeEngine(ctx context.Context, r *rig.Rig) error {
	if r.Engine == rig.Temporal {
		return wipeTemporal(ctx, r)
	}
	return r.WipeRiver(ctx)
}

// failTemporalStore has Temporal run for a while on a store that fails.
func failTemporalStore(ctx context.Context, r *rig.Rig) error {
	restart := func(args ...string) error {
		r.Stack.TemporalArgs = args
		err := errors.Join(r.KillTemporal(), r.StartTemporal(ctx))
		for try := 1; err != nil && try < 5; try++ {
			err = r.StartTemporal(ctx) // its store may have failed as it started
		}
		return err
	}
	if err := restart("-fault-rate", "0.05"); err != nil {
		return err
	}
	end := r.Inject("Temporal's store fails", false)
	err := r.Sleep(ctx, 30*time.Second)
	end()
	return errors.Join(err, restart())
}
