package scenarios

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"datapusher/faults/rig"
	"datapusher/internal/testutil/dnstest"
)

// receivers are the faults of those that get the events, and of how they are found.
var receivers = []rig.Scenario{
	names(),
	{
		Name: "dropped", Fault: "one answer of a receiver in ten is lost with its connection, for 15 s", Quiet: taken,
		Run: func(ctx context.Context, r *rig.Rig) error {
			defer r.Inject("answers of receivers are lost", false)() // each is noted by itself
			for _, d := range r.Destinations {
				m := d.Manner
				m.Drops = 0.1
				d.Behave(m)
				defer d.Behave(d.Manner)
			}
			return r.Sleep(ctx, 15*time.Second)
		},
	},
	{
		Name: "away", Fault: "a destination is away until 10,000 deliveries wait for it", Drain: 5 * time.Minute, Latency: true,
		Plan: rig.Plan{Rate: 250, Destinations: []rig.DestinationSpec{
			{Name: "away", Schedule: many("1s", 20)}, {Name: "well", Schedule: many("1s", 20), Well: true},
		}},
		Run: goAway,
	},
	{
		Name: "fan-out", Fault: "each event has 5,000 destinations, and the workers are killed in the middle of one", Drain: 5 * time.Minute,
		Plan: rig.Plan{Rate: 0.2, Destinations: crowd("each", 5000, rig.DestinationSpec{Schedule: many("1s", 20)})},
		Run: func(ctx context.Context, r *rig.Rig) error {
			if err := r.UnderWay(ctx, 100); err != nil {
				return err
			}
			for _, p := range r.Workers { // one of them is at it
				if err := kill(ctx, p); err != nil {
					return err
				}
			}
			return r.Sleep(ctx, 4*time.Second)
		},
	},
	dead("dead", "500 destinations are dead, half of them without a word", rig.Plan{}),
	dead("dead-whole", "the same with serve --worker", rig.Plan{Whole: 2}),
}

func dead(name, fault string, plan rig.Plan) rig.Scenario {
	plan.Rate = 2
	plan.Destinations = append(
		crowd("well", 5, rig.DestinationSpec{Schedule: many("1s", 20), Well: true}),
		crowd("dead", 500, rig.DestinationSpec{Account: 1, Schedule: many("1s", 20), Timeout: "1s", Lost: true})...)
	return rig.Scenario{
		Name: name, Fault: fault, Latency: true, Plan: plan,
		Run: func(ctx context.Context, r *rig.Rig) error {
			defer r.Inject("500 destinations are dead", false)()
			for i, d := range r.Destinations {
				if d.Lost {
					d.Behave(rig.Manner{Fails: 1, Hangs: i%2 == 0})
				}
			}
			return r.Sleep(ctx, 20*time.Second)
		},
	}
}

// many is a schedule of so many waits.
func many(wait string, n int) []string {
	waits := make([]string, n)
	for i := range waits {
		waits[i] = wait
	}
	return waits
}

// crowd are destinations that are alike but for their names.
func crowd(name string, n int, like rig.DestinationSpec) []rig.DestinationSpec {
	all := make([]rig.DestinationSpec, n)
	for i := range all {
		all[i] = like
		all[i].Name = fmt.Sprintf("%s-%d", name, i)
	}
	return all
}

// goAway has a destination fail until so many deliveries wait for it, and then be
// back.
func goAway(ctx context.Context, r *rig.Rig) error {
	const enough, patience = 10_000, 2 * time.Minute
	end := r.Inject("a destination is away", false)
	away := r.Destination("away")
	away.Behave(rig.Manner{Fails: 1})
	for until := time.Now().Add(patience); ; {
		var waiting int
		err := r.DB.Read.QueryRowContext(ctx, `
SELECT count(*) FROM deliveries WHERE destination_id = $1 AND status IN ('RETRYING', 'PARKED')`, away.ID).Scan(&waiting)
		switch {
		case err != nil:
			return err
		case waiting >= enough:
			away.Behave(rig.Manner{})
			end()
			return nil
		case time.Now().After(until):
			return fmt.Errorf("%d deliveries wait", waiting)
		}
		if err := r.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// host is the name under which the receivers are found where a name server of ours
// is asked.
const host = "hooks.example.net"

// names is a scenario in which the name server fails, is slow, and lies.
func names() rig.Scenario {
	var lie atomic.Pointer[dnstest.Answer]
	truth := dnstest.Answer(func(string) []dnstest.Record { return dnstest.Addresses("127.0.0.1") })
	told := func(addresses ...string) dnstest.Answer {
		return func(string) []dnstest.Record { return dnstest.Addresses(addresses...) }
	}
	return rig.Scenario{
		Name: "names", Fault: "the name server says that there is no such name, takes 3 s, says nothing, and names addresses that are none, forbidden, and others', each for 4 s", Drain: 5 * time.Minute,
		Plan: rig.Plan{
			Program: mayFail, Fresh: true,
			Between: func(r *rig.Rig, where rig.Addresses) (rig.Addresses, error) {
				lie.Store(&truth)
				address, closeAll, err := dnstest.Listen(func(name string) []dnstest.Record { return (*lie.Load())(name) })
				if err != nil {
					return where, err
				}
				r.OnClose(closeAll)
				r.Plan.Env = append(r.Plan.Env, "DATAPUSHER_FAILPOINTS=dns="+address)
				_, port, err := net.SplitHostPort(where.Receivers)
				where.Receivers = net.JoinHostPort(host, port)
				return where, err
			},
		},
		Run: func(ctx context.Context, r *rig.Rig) error {
			for _, one := range []struct {
				name   string
				answer dnstest.Answer
			}{
				{"there is no such name", func(string) []dnstest.Record { return nil }},
				{"the name server is slow", func(name string) []dnstest.Record {
					_ = r.Sleep(ctx, 3*time.Second)
					return truth(name)
				}},
				{"the name server says nothing", func(name string) []dnstest.Record {
					_ = r.Sleep(ctx, time.Minute)
					return nil
				}},
				{"the name has an address at which nobody is", told("127.0.0.2")},
				{"the name has a forbidden address", told("169.254.169.254", "10.0.0.1")},
				{"the name has the right address and wrong ones", told("127.0.0.3", "10.0.0.1", "127.0.0.1")},
			} {
				end := r.Inject(one.name, false)
				lie.Store(&one.answer)
				err := r.Sleep(ctx, 4*time.Second)
				lie.Store(&truth)
				end()
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
