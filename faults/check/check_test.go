package check_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/faults/check"
)

var began = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

// sound are the facts of a run in which nothing went wrong: ten events of one
// account, a second apart, to two destinations. The first request of the third was
// not answered.
func sound() *check.Facts {
	f := &check.Facts{
		Destinations: []check.Destination{{ID: "dst_a", Account: "acc", Name: "well", Well: true}, {ID: "dst_b", Account: "acc", Name: "slow"}},
		Drained:      true, Bound: time.Minute,
	}
	for n := range 10 {
		event, hash, key := fmt.Sprintf("evt_%d", n), fmt.Sprintf("hash %d", n), fmt.Sprintf("key-%d", n)
		s := check.Sent{Number: uint64(n), Account: "acc", Key: key, Hash: hash, At: at(1000 * n), Outcome: check.Accepted, Event: event}
		if n == 2 {
			lost := s
			lost.Outcome, lost.Event, lost.Error = check.Ambiguous, "", "EOF"
			f.Sent = append(f.Sent, lost)
			s.Duplicate = true
		}
		f.Sent = append(f.Sent, s)
		f.Events = append(f.Events, check.Event{ID: event, Account: "acc", Key: key, Hash: hash})
		for i, d := range f.Destinations {
			f.Deliveries = append(f.Deliveries, check.Delivery{
				ID: fmt.Sprintf("dlv_%d%d", n, i), Event: event, Destination: d.ID, Status: "SUCCEEDED", Attempts: 1,
			})
			f.Received = append(f.Received, check.Received{
				Destination: d.ID, ID: event, Number: uint64(n), Stamped: true, Pushed: s.At, Hash: hash,
				At: s.At.Add(10 * time.Millisecond), Answered: s.At.Add(20 * time.Millisecond), Status: 200,
			})
		}
	}
	return f
}

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	got := check.Check(*sound())
	require.Empty(t, got.Violations)
	require.Equal(t, check.Verdict{Requests: 11, Accepted: 10, Received: 20, Unknown: 20}, got)
	require.Empty(t, check.Check(check.Facts{Drained: true}).Violations)
}

// again adds a copy of a request, so much later.
func again(f *check.Facts, n, ms int) *check.Received {
	r := f.Received[n]
	r.At, r.Answered = r.At.Add(time.Duration(ms)*time.Millisecond), r.Answered.Add(time.Duration(ms)*time.Millisecond)
	f.Received = append(f.Received, r)
	return &f.Received[len(f.Received)-1]
}

// without removes a request.
func without(f *check.Facts, n int) { f.Received = slices.Delete(f.Received, n, n+1) }

func TestEachRuleGoesRed(t *testing.T) {
	t.Parallel()
	red := map[string]bool{}
	for name, c := range map[string]struct {
		spoil func(f *check.Facts)
		want  []string // rules
	}{
		"an accepted event is not in the database": {func(f *check.Facts) {
			f.Events, f.Deliveries, f.Received = f.Events[1:], f.Deliveries[2:], f.Received[2:]
		}, []string{"lost"}},
		"an accepted event has no delivery": {func(f *check.Facts) {
			f.Deliveries = f.Deliveries[1:]
			without(f, 0)
		}, []string{"lost"}},
		"a failed delivery is lost": {func(f *check.Facts) {
			f.Deliveries[3].Status, f.Received[3].Status = "FAILED", 503
		}, []string{"lost"}},
		"a delivery has not been attempted": {func(f *check.Facts) {
			f.Deliveries[3].Status, f.Drained = "PENDING", false
			without(f, 3)
		}, []string{"lost", "pending", "backlog"}},
		"a delivery waits although it was taken": {func(f *check.Facts) { f.Deliveries[3].Status = "RETRYING" }, []string{"pending"}},
		"a destination that is lost may keep waiting": {func(f *check.Facts) {
			f.Destinations[1].Lost, f.Deliveries[3].Status = true, "PARKED"
			without(f, 3)
		}, nil},
		"a success that nobody has answered": {func(f *check.Facts) { without(f, 3) }, []string{"lost", "false success"}},
		"a success of a destination that is lost": {func(f *check.Facts) {
			f.Destinations[1].Lost, f.Received[3].Status = true, 0
		}, []string{"false success"}},
		"an arrival that nobody accepted": {func(f *check.Facts) {
			r := again(f, 3, 0)
			r.ID, r.Hash = "evt_x", "hash x"
		}, []string{"never accepted"}},
		"an arrival at somebody else's": {func(f *check.Facts) { again(f, 3, 0).Destination = "dst_x" }, []string{"never accepted"}},
		"a copy":                        {func(f *check.Facts) { again(f, 3, 20_000) }, []string{"duplicate", "attempts"}},
		"a copy that a fault explains": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Faults = []check.Fault{{Name: "kill", From: at(1015), To: at(1015), Repeats: true}}
		}, nil},
		"a copy of which the fault was long over": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Faults = []check.Fault{{Name: "stop", From: began.Add(-time.Hour), To: at(-100), Repeats: true}}
		}, []string{"duplicate", "attempts"}},
		"a copy of which the fault came later": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Faults = []check.Fault{{Name: "kill", From: at(11_100), To: at(11_100), Repeats: true}}
		}, []string{"duplicate", "attempts"}},
		"a copy that the kill of its own process explains": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Received[3].PID = 5
			f.Faults = []check.Fault{{Name: "kill", From: at(1015), To: at(1015), Repeats: true, PID: 5}}
		}, nil},
		"a copy while another process was killed": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Received[3].PID = 5
			f.Faults = []check.Fault{{Name: "kill", From: at(1015), To: at(1015), Repeats: true, PID: 6}}
		}, []string{"duplicate", "attempts"}},
		"a copy of a process that stood still when another was faster": {func(f *check.Facts) {
			again(f, 3, 20_000).PID = 6
			f.Received[3].PID = 5
			f.Faults = []check.Fault{{Name: "stop", From: at(900), To: at(20_990), Repeats: true, PID: 6}}
		}, nil},
		"a copy whose own process was killed afterwards": {func(f *check.Facts) {
			again(f, 3, 20_000).PID = 6
			f.Received[3].PID = 5
			f.Faults = []check.Fault{{Name: "kill", From: at(21_015), To: at(21_015), Repeats: true, PID: 6}}
		}, []string{"duplicate", "attempts"}},
		"a copy after an answer that came too late": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Received[3].Answered = f.Received[3].At.Add(13 * time.Second)
		}, nil},
		"a copy whose own answer came too late": {func(f *check.Facts) {
			r := again(f, 3, 20_000)
			r.Answered = r.At.Add(13 * time.Second)
		}, []string{"duplicate", "attempts"}},
		"a copy whose own answer was dropped": {func(f *check.Facts) {
			again(f, 3, 20_000).Dropped = true
		}, []string{"duplicate", "attempts"}},
		"a copy after a late answer that was in time": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Received[3].Answered, f.Destinations[1].Timeout = f.Received[3].At.Add(13*time.Second), 30*time.Second
		}, []string{"duplicate", "attempts"}},
		"a copy beside an orderly stop": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Faults = []check.Fault{{Name: "terminate", From: at(1015), To: at(2000)}}
		}, []string{"duplicate", "attempts"}},
		"two copies and one fault": {func(f *check.Facts) {
			again(f, 3, 10_000)
			again(f, 3, 20_000)
			f.Faults = []check.Fault{{Name: "kill", From: at(1015), To: at(1015), Repeats: true}}
		}, []string{"duplicate", "attempts"}},
		"two copies and two faults": {func(f *check.Facts) {
			again(f, 3, 10_000)
			again(f, 3, 20_000)
			f.Faults = []check.Fault{
				{Name: "kill", From: at(1015), To: at(1015), Repeats: true}, {Name: "kill", From: at(11_015), To: at(11_015), Repeats: true},
			}
		}, nil},
		"a failure before is no copy": {func(f *check.Facts) {
			again(f, 3, 1000)
			f.Received[3].Status, f.Deliveries[3].Attempts = 503, 2
		}, nil},
		"a failed attempt that nobody has counted": {func(f *check.Facts) {
			again(f, 3, 1000)
			f.Received[3].Status = 503
		}, []string{"attempts"}},
		"a failed attempt that a kill kept from being counted": {func(f *check.Facts) {
			again(f, 3, 1000)
			f.Received[3].Status = 503
			f.Faults = []check.Fault{{Name: "kill", From: at(1015), To: at(1015), Repeats: true}}
		}, nil},
		"a copy of what was recorded before the kill": {func(f *check.Facts) {
			again(f, 3, 20_000)
			f.Deliveries[3].Settled = at(1025)
			f.Faults = []check.Fault{{Name: "kill", From: at(3000), To: at(3000), Repeats: true}}
		}, []string{"duplicate", "attempts"}},
		"two copies of which one was made when all was recorded": {func(f *check.Facts) {
			again(f, 3, 10_000)
			again(f, 3, 20_000)
			f.Deliveries[3].Settled = at(11_025)
			f.Faults = []check.Fault{
				{Name: "kill", From: at(1015), To: at(1015), Repeats: true}, {Name: "kill", From: at(12_000), To: at(12_000), Repeats: true},
			}
		}, []string{"duplicate", "attempts"}},
		"many faults have an attempt made again once": {func(f *check.Facts) {
			again(f, 3, 10_000)
			again(f, 3, 20_000)
			for n := range 50 {
				f.Faults = append(f.Faults, check.Fault{Name: "cut", From: at(1015 + n), To: at(1015 + n), Repeats: true})
			}
		}, []string{"duplicate", "attempts"}},
		"a copy after an answer that was dropped": {func(f *check.Facts) {
			again(f, 3, 1000)
			f.Received[3].Dropped = true
		}, nil},
		"an event that nobody was promised, without its delivery": {func(f *check.Facts) {
			f.Sent[1].Outcome, f.Sent[1].Event = check.Ambiguous, ""
			f.Deliveries = slices.Delete(f.Deliveries, 3, 4)
			without(f, 3)
		}, []string{"complete"}},
		"an event of a replay that did not arrive": {func(f *check.Facts) {
			e := f.Events[1]
			e.ID, e.Key, e.Replay = "evt_x", "", true
			f.Events = append(f.Events, e)
			for _, d := range f.Destinations {
				f.Deliveries = append(f.Deliveries, check.Delivery{ID: "dlv_" + d.ID, Event: "evt_x", Destination: d.ID, Status: "CANCELED"})
			}
		}, []string{"complete"}},
		"a destination that is lost has no delivery at all": {func(f *check.Facts) {
			f.Destinations[1].Lost = true
			f.Deliveries = slices.Delete(f.Deliveries, 3, 4)
			without(f, 3)
		}, []string{"lost"}},
		"what was refused is there": {func(f *check.Facts) {
			f.Sent[1].Outcome, f.Sent[1].Status, f.Sent[1].Event = check.Refused, 429, ""
		}, []string{"refused"}},
		"what was refused and then accepted is there": {func(f *check.Facts) {
			s := f.Sent[1]
			s.Outcome, s.Status, s.Event = check.Refused, 429, ""
			f.Sent = append(f.Sent, s)
		}, nil},
		"another id per retry": {func(f *check.Facts) {
			r := again(f, 3, 1000)
			r.ID = "evt_x"
			f.Received[3].Status = 503
		}, []string{"lost", "false success", "identity"}},
		"other bytes": {func(f *check.Facts) { f.Received[3].Hash = "other" }, []string{"bytes"}},
		"other bytes in the database": {func(f *check.Facts) {
			f.Events[1].Hash, f.Received[2].Hash, f.Received[3].Hash = "other", "other", "other"
		}, []string{"bytes"}},
		"a wrong signature": {func(f *check.Facts) { f.Received[3].Signature = "no signature fits" }, []string{"signature"}},
		"a key that is answered with two events": {func(f *check.Facts) {
			s := f.Sent[1]
			s.Event = "evt_5"
			s.Hash = f.Events[5].Hash
			f.Sent = append(f.Sent, s)
		}, []string{"key"}},
		"a key that is two events": {func(f *check.Facts) {
			e := f.Events[1]
			e.ID = "evt_x"
			f.Events = append(f.Events, e)
		}, []string{"complete", "key"}},
		"a key that the database has forgotten": {func(f *check.Facts) {
			e := f.Events[1]
			e.ID, e.Key = "evt_x", ""
			f.Events[1].Key = ""
			f.Events = append(f.Events, e)
		}, []string{"complete", "key"}},
		"a replay is an event of its own": {func(f *check.Facts) {
			e := f.Events[1]
			e.ID, e.Key, e.Replay = "evt_x", "", true
			f.Events = append(f.Events, e)
			for i, d := range f.Destinations {
				f.Deliveries = append(f.Deliveries, check.Delivery{ID: "dlv_" + d.ID, Event: "evt_x", Destination: d.ID, Status: "SUCCEEDED", Attempts: 1})
				again(f, 2+i, 1000).ID = "evt_x"
			}
		}, nil},
		"the healthy have become slow": {func(f *check.Facts) {
			f.Baseline, f.Measured = check.Window{From: at(0), To: at(5000)}, check.Window{From: at(5000), To: at(10_000)}
			f.Received[12].At = f.Received[12].At.Add(200 * time.Millisecond)
		}, []string{"latency"}},
		"the slow have become slower": {func(f *check.Facts) {
			f.Baseline, f.Measured = check.Window{From: at(0), To: at(5000)}, check.Window{From: at(5000), To: at(10_000)}
			f.Received[13].At = f.Received[13].At.Add(200 * time.Millisecond)
		}, nil},
		"nothing to compare with": {func(f *check.Facts) {
			f.Baseline, f.Measured = check.Window{From: at(-5000), To: at(0)}, check.Window{From: at(5000), To: at(10_000)}
		}, []string{"latency"}},
		"the backlog stays":                {func(f *check.Facts) { f.Drained = false }, []string{"backlog"}},
		"a process did not stop":           {func(f *check.Facts) { f.Unclean = []string{"worker-1 was killed after a minute"} }, []string{"stop"}},
		"a connection was cut":             {func(f *check.Facts) { f.NoCuts, f.Sent[2].Cut = true, true }, []string{"cut"}},
		"a connection was cut that may be": {func(f *check.Facts) { f.Sent[2].Cut = true }, nil},
	} {
		f := sound()
		c.spoil(f)
		got := check.Check(*f)
		if c.want == nil {
			require.Empty(t, got.Violations, name)
		} else {
			require.Equal(t, c.want, got.Rules(), "%s: %v", name, got.Violations)
		}
		for _, rule := range c.want {
			red[rule] = true
		}
	}
	for _, rule := range check.Rules {
		require.True(t, red[rule.Name], "the rule %q was never broken here", rule.Name)
	}
}

func TestTheVerdictCounts(t *testing.T) {
	t.Parallel()
	f := sound()
	f.Sent = append(f.Sent, check.Sent{Number: 99, Outcome: check.Ambiguous, Cut: true}, check.Sent{Number: 98, Outcome: check.Refused})
	again(f, 3, 10)
	again(f, 3, 20)
	f.Faults = []check.Fault{{From: at(1015), To: at(1015), Repeats: true, PID: 7}}
	f.Received[3].PID = 7
	for i := range f.Received {
		if f.Received[i].PID == 0 {
			f.Received[i].PID = 8
		}
	}
	// The second kill came when the attempt that it hit was recorded.
	f.Faults = append(f.Faults, check.Fault{From: at(6500), To: at(6500), Repeats: true, PID: 9})
	f.Received[13].PID = 9
	for i := range f.Deliveries {
		f.Deliveries[i].Settled = f.Received[i].Answered
	}
	without(f, 0)
	got := check.Check(*f)
	require.Equal(t, 1, got.Allowed)
	require.Equal(t, 1, got.Lost)
	require.Equal(t, 1, got.Uncertain)
	require.Equal(t, 2, got.Duplicates)
	require.Equal(t, 1, got.Cuts)
	require.Equal(t, 10, got.Accepted)
	require.Equal(t, "duplicate: slow took evt_1 3 times, at 12:00:01.010 of process 7 and at 12:00:01.020 of 8, and 1 attempts were overlapped by a fault",
		got.Violations[slices.Index(got.Rules(), "duplicate")].String())
	for _, r := range check.Rules {
		require.NotEmpty(t, r.Says)
	}
}
