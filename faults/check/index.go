package check

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// pair is a webhook-id at a destination.
type pair struct{ id, destination string }

// index is the facts, found by what they are about.
type index struct {
	Facts
	accepted     map[string]Sent // first acceptance, by event
	unknown      map[uint64]bool // numbers whose sender never got to know
	events       map[string]Event
	hashes       map[string][]Event // by hash, without what a replay has made
	deliveries   map[pair]Delivery  // by event and destination
	destinations map[string]Destination
	arrivals     map[pair][]Received      // in order of time
	of           map[string][]Destination // by account
}

func newIndex(f Facts) *index {
	x := &index{
		Facts: f, accepted: map[string]Sent{}, unknown: map[uint64]bool{}, events: map[string]Event{},
		hashes: map[string][]Event{}, deliveries: map[pair]Delivery{}, destinations: map[string]Destination{},
		arrivals: map[pair][]Received{}, of: map[string][]Destination{},
	}
	known := map[uint64]bool{}
	for _, s := range f.Sent {
		switch s.Outcome {
		case Accepted:
			known[s.Number] = true
			if _, again := x.accepted[s.Event]; !again {
				x.accepted[s.Event] = s
			}
		case Ambiguous:
			x.unknown[s.Number] = true
		case Refused:
		}
	}
	maps.DeleteFunc(x.unknown, func(n uint64, _ bool) bool { return known[n] })
	for _, e := range f.Events {
		x.events[e.ID] = e
		if !e.Replay {
			x.hashes[e.Hash] = append(x.hashes[e.Hash], e)
		}
	}
	for _, d := range f.Deliveries {
		x.deliveries[pair{d.Event, d.Destination}] = d
	}
	for _, d := range f.Destinations {
		x.destinations[d.ID] = d
		x.of[d.Account] = append(x.of[d.Account], d)
	}
	for _, r := range f.Received {
		p := pair{r.ID, r.Destination}
		x.arrivals[p] = append(x.arrivals[p], r)
	}
	for _, all := range x.arrivals {
		slices.SortFunc(all, func(a, b Received) int { return a.At.Compare(b.At) })
	}
	return x
}

// pairs are those of the arrivals, in order, so that what is told does not change
// from one comparison to the next.
func (x *index) pairs() []pair {
	return slices.SortedFunc(maps.Keys(x.arrivals), func(a, b pair) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.destination, b.destination))
	})
}

// taken are the requests of an event that a destination has answered 2xx.
func (x *index) taken(event, destination string) (all []Received) {
	for _, r := range x.arrivals[pair{event, destination}] {
		if r.took() {
			all = append(all, r)
		}
	}
	return all
}

// name is what people call a destination.
func (x *index) name(destination string) string {
	if d, ok := x.destinations[destination]; ok && d.Name != "" {
		return d.Name
	}
	return destination
}

const (
	// beforeArrival is how long before its arrival an attempt may have begun: a
	// request waits in the kernel's buffers, and its sender may be gone meanwhile.
	beforeArrival = time.Second
	// afterAnswer is how long after the answer its result is recorded, at the latest,
	// on a machine that is very busy, where it is not known when it was.
	afterAnswer = 10 * time.Second
)

// excused counts the attempts at a destination that may have been made again, each of
// them once: those that a fault overlapped until they were recorded, those whose answer
// did not come, or too late, and those of a process that stood still meanwhile, and so
// made one that another had made.
func (x *index) excused(p pair, attempts []Received) int {
	settled := x.deliveries[p].Settled
	n := 0
	for i, r := range attempts {
		last := i == len(attempts)-1
		until := r.Answered.Add(afterAnswer)
		if !settled.IsZero() && settled.Before(until) {
			until = settled // nothing that was begun later is excused by what came later
			if until.Before(r.Answered) {
				until = r.Answered
			}
		}
		if !last && (r.Dropped || x.late(r)) || slices.ContainsFunc(x.Faults, func(f Fault) bool {
			stood := f.To.Sub(f.From) > standstill
			return f.Repeats && f.hits(r) && !f.From.After(until) && !f.To.Before(r.At.Add(-beforeArrival)) &&
				(stood || !last || len(attempts) == 1) // nothing was made again after the last of several
		}) {
			n++
		}
	}
	return n
}

// late reports whether an attempt was answered when its sender was about to give up, or
// had done so: on a machine that is too busy the receiver is the fault.
func (x *index) late(r Received) bool {
	timeout := cmp.Or(x.destinations[r.Destination].Timeout, 15*time.Second)
	return r.Answered.Sub(r.At) > timeout-timeout/5
}

// standstill is longer than a kill takes.
const standstill = time.Second

// hits reports whether a fault may have hit the process that made an attempt.
func (f Fault) hits(r Received) bool { return f.PID == 0 || r.PID == 0 || f.PID == r.PID }
