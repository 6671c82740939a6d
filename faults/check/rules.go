package check

import (
	"fmt"
	"slices"
	"time"
)

// Rules are the promises, each of which is checked.
var Rules = []Rule{
	{"lost", "what was accepted is in the database, and a receiver has taken it at each of its destinations", lost},
	{"complete", "what is in the database, promised or not, has a delivery to each destination of its account, and is taken there", complete},
	{"refused", "what was refused, each time, is not in the database", refused},
	{"pending", "nothing is left unsettled", pending},
	{"false success", "a delivery that is SUCCEEDED was answered 2xx", falseSuccess},
	{"never accepted", "nothing arrives that is not in the database", neverAccepted},
	{"duplicate", "each copy beyond the first has an attempt before it that a fault overlapped before its result was recorded; an answer that comes too late is one", duplicate},
	{"attempts", "there are as many requests as the database knows attempts, and those that a fault kept it from knowing", attempts},
	{"identity", "each copy of an event has the event's id as its webhook-id", identity},
	{"bytes", "each copy has the very bytes that were sent", sameBytes},
	{"signature", "each signature verifies", signature},
	{"key", "an Idempotency-Key stands for one event, however often it is sent", key},
	{"latency", "the p99 of destinations that are well stays within twice the baseline", latency},
	{"backlog", "what waits drains without a hand", backlog},
	{"cut", "an orderly stop cuts no connection", cut},
	{"stop", "a process that is told to stop ends by itself, with exit code 0", stop},
}

type report = func(format string, args ...any)

func lost(x *index, v *Verdict, broken report) {
	for _, id := range sorted(x.accepted) {
		s := x.accepted[id]
		if _, ok := x.events[id]; !ok {
			v.Lost += max(len(x.of[s.Account]), 1)
			broken("event %s was accepted and is not in the database", id)
			continue
		}
		for _, d := range x.of[s.Account] {
			if wrong := x.missing(id, d); wrong != "" {
				v.Lost++
				broken("event %s was accepted, and %s", id, wrong)
			}
		}
	}
}

// missing is what an event lacks at a destination; "" is nothing.
func (x *index) missing(event string, d Destination) string {
	row, ok := x.deliveries[pair{event, d.ID}]
	switch {
	case !ok:
		return "has no delivery to " + x.name(d.ID)
	case !d.Lost && len(x.taken(event, d.ID)) == 0:
		return fmt.Sprintf("%s has never taken it: the delivery %s is %s", x.name(d.ID), row.ID, row.Status)
	}
	return ""
}

// complete is about those that nobody was promised: their sender was not answered, or a
// replay has made them.
func complete(x *index, _ *Verdict, broken report) {
	for _, id := range sorted(x.events) {
		if _, promised := x.accepted[id]; promised {
			continue
		}
		for _, d := range x.of[x.events[id].Account] {
			if wrong := x.missing(id, d); wrong != "" {
				broken("event %s is in the database, and %s", id, wrong)
			}
		}
	}
}

func refused(x *index, _ *Verdict, broken report) {
	maybe := map[uint64]bool{} // numbers that were not refused each time
	for _, s := range x.Sent {
		if s.Outcome != Refused {
			maybe[s.Number] = true
		}
	}
	for _, s := range x.Sent {
		if all := x.hashes[s.Hash]; !maybe[s.Number] && len(all) > 0 {
			maybe[s.Number] = true // told once
			broken("event number %d was refused, with %d, and is in the database as %s", s.Number, s.Status, all[0].ID)
		}
	}
}

var unsettled = []string{"PENDING", "DELIVERING", "RETRYING", "PARKED"}

func pending(x *index, _ *Verdict, broken report) {
	for _, d := range x.Deliveries {
		if slices.Contains(unsettled, d.Status) && !x.destinations[d.Destination].Lost {
			broken("delivery %s to %s is still %s, after %d attempts", d.ID, x.name(d.Destination), d.Status, d.Attempts)
		}
	}
}

func falseSuccess(x *index, _ *Verdict, broken report) {
	for _, d := range x.Deliveries {
		if d.Status == "SUCCEEDED" && len(x.taken(d.Event, d.Destination)) == 0 {
			broken("delivery %s is SUCCEEDED, and %s has never answered 2xx", d.ID, x.name(d.Destination))
		}
	}
}

func neverAccepted(x *index, _ *Verdict, broken report) {
	for _, r := range x.Received {
		if _, ok := x.deliveries[pair{r.ID, r.Destination}]; !ok && !x.renamed(r) {
			broken("%s got %s, of which the database knows no delivery", x.name(r.Destination), r.ID)
		}
	}
}

// renamed reports whether a request is a copy of an event under an id that is none.
func (x *index) renamed(r Received) bool {
	_, ok := x.events[r.ID]
	return !ok && len(x.hashes[r.Hash]) > 0
}

func duplicate(x *index, v *Verdict, broken report) {
	for _, p := range x.pairs() {
		taken := x.taken(p.id, p.destination)
		if len(taken) == 0 {
			continue
		}
		again, excused := len(taken)-1, x.excused(p, taken)
		v.Duplicates += again
		v.Allowed += excused
		if again > excused {
			broken("%s took %s %d times, at %s of process %d and at %s of %d, and %d attempts were overlapped by a fault", x.name(p.destination), p.id,
				len(taken), taken[0].At.Format(clock), taken[0].PID, taken[1].At.Format(clock), taken[1].PID, excused)
		}
	}
}

func attempts(x *index, v *Verdict, broken report) {
	for _, r := range x.Received {
		if r.PID == 0 {
			v.Unknown++
		}
	}
	for _, p := range x.pairs() {
		row, ok := x.deliveries[p]
		if !ok {
			continue // told by another rule
		}
		arrived := x.arrivals[p]
		if excused := x.excused(p, arrived); len(arrived) > row.Attempts+excused {
			broken("%s got %s %d times, the database knows %d attempts, and %d were overlapped by a fault",
				x.name(p.destination), p.id, len(arrived), row.Attempts, excused)
		}
	}
}

const clock = "15:04:05.000"

func identity(x *index, _ *Verdict, broken report) {
	for _, r := range x.Received {
		if x.renamed(r) {
			broken("%s got %s as %s", x.name(r.Destination), x.hashes[r.Hash][0].ID, r.ID)
		}
	}
}

func sameBytes(x *index, _ *Verdict, broken report) {
	for _, r := range x.Received {
		if e, ok := x.events[r.ID]; ok && e.Hash != r.Hash {
			broken("%s got other bytes as %s than the database has", x.name(r.Destination), r.ID)
		}
	}
	for _, id := range sorted(x.accepted) {
		if e, ok := x.events[id]; ok && e.Hash != x.accepted[id].Hash {
			broken("the database has other bytes of %s than were sent", id)
		}
	}
}

func signature(x *index, _ *Verdict, broken report) {
	for _, r := range x.Received {
		if r.Signature != "" {
			broken("%s got %s: %s", x.name(r.Destination), r.ID, r.Signature)
		}
	}
}

func key(x *index, v *Verdict, broken report) {
	v.Uncertain = len(x.unknown)
	type owned struct{ account, key string }
	answered := map[owned]string{}
	for _, s := range x.Sent {
		if s.Key == "" || s.Outcome != Accepted {
			continue
		}
		k := owned{s.Account, s.Key}
		if first, ok := answered[k]; !ok {
			answered[k] = s.Event
		} else if first != s.Event {
			broken("the key %s was answered with %s and with %s", s.Key, first, s.Event)
		}
	}
	for _, hash := range sorted(x.hashes) { // a payload is sent without a key once
		if same := x.hashes[hash]; len(same) > 1 {
			broken("one event, with the key %q, is in the database as %s and as %s", same[0].Key, same[0].ID, same[1].ID)
		}
	}
}

// noise is a p99 below which nothing is compared: a machine that is busy with other
// things adds as much.
const noise = 100 * time.Millisecond

func latency(x *index, v *Verdict, broken report) {
	if x.Measured == (Window{}) {
		return
	}
	baseline, measured := x.p99(x.Baseline), x.p99(x.Measured)
	v.BaselineMS, v.MeasuredMS = milliseconds(baseline), milliseconds(measured)
	if baseline == 0 {
		broken("nothing was delivered before the faults, so there is no baseline")
		return
	}
	if measured > 2*max(baseline, noise/2) {
		broken("the p99 of destinations that are well was %s, and is %s", baseline, measured)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// p99 is that of the time from when an event was meant to be sent, within a window,
// to its first arrival at destinations that are well; 0 where there was none.
func (x *index) p99(w Window) time.Duration {
	var all []time.Duration
	for p, arrived := range x.arrivals {
		if first := arrived[0]; first.Stamped && x.destinations[p.destination].Well && w.has(first.Pushed) {
			all = append(all, first.At.Sub(first.Pushed))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

func backlog(x *index, _ *Verdict, broken report) {
	if !x.Drained {
		broken("something still waits, and nothing of it has moved for %s", x.Bound)
	}
}

func cut(x *index, v *Verdict, broken report) {
	for _, s := range x.Sent {
		if !s.Cut {
			continue
		}
		v.Cuts++
		if x.NoCuts {
			broken("event number %d at %s: %s", s.Number, s.At.Format(clock), s.Error)
		}
	}
}

func stop(x *index, _ *Verdict, broken report) {
	for _, text := range x.Unclean {
		broken("%s", text)
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
