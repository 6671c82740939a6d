// Package check compares what three parties wrote down while faults were injected:
// what senders were answered, what the database says, and what receivers got. It
// knows no process and no database: it is a function of [Facts].
//
// Everything in the facts was on disk before whoever wrote it went on: a sender's
// line before it acts on the answer, a receiver's before it answers.
package check

import (
	"fmt"
	"time"
)

// Outcome is what a sender knows of an event after one request.
type Outcome string

const (
	// Accepted is an answer that promises the event's delivery.
	Accepted Outcome = "accepted"
	// Refused is an answer, or a connection that was never made, that promises that
	// the event was not taken.
	Refused Outcome = "refused"
	// Ambiguous is everything else: no answer, or a failure of the server's.
	Ambiguous Outcome = "ambiguous"
)

// Sent is one request of a sender and what it was answered.
type Sent struct {
	Number    uint64    `json:"number"` // of the event, as its payload has it
	Account   string    `json:"account"`
	Key       string    `json:"key,omitempty"` // Idempotency-Key
	Hash      string    `json:"hash"`          // SHA-256 of the payload
	At        time.Time `json:"at"`
	Took      float64   `json:"took_ms"`
	Outcome   Outcome   `json:"outcome"`
	Event     string    `json:"event,omitempty"`     // id, where it was accepted
	Duplicate bool      `json:"duplicate,omitempty"` // the answer said that the key was known
	Status    int       `json:"status,omitempty"`
	Error     string    `json:"error,omitempty"`
	// Cut is a connection that the other side ended while the request was on its way
	// or waited for its answer.
	Cut bool `json:"cut,omitempty"`
}

// Received is one request as a receiver got it.
type Received struct {
	Destination string    `json:"destination"`   // id
	ID          string    `json:"id"`            // webhook-id
	Number      uint64    `json:"number"`        // of the event, as its payload has it
	Stamped     bool      `json:"stamped"`       // the payload has a number
	Pushed      time.Time `json:"pushed"`        // when its sender meant to send it, as the payload has it
	Hash        string    `json:"hash"`          // SHA-256 of the body
	At          time.Time `json:"at"`            // when the body had arrived
	Answered    time.Time `json:"answered"`      // when the answer was decided and written down, just before it left
	Status      int       `json:"status"`        // of the answer; 0 is none
	Connection  uint64    `json:"connection"`    // on which it came
	PID         int       `json:"pid,omitempty"` // of the process that has made the attempt; 0: not known
	// Dropped is an answer that the receiver wrote down and did not give.
	Dropped bool `json:"dropped,omitempty"`
	// Signature is why that does not verify; "" where it does.
	Signature string `json:"signature,omitempty"`
}

func (r Received) took() bool { return r.Status/100 == 2 }

// Event is a row of the database.
type Event struct {
	ID, Account, Key, Hash string
	Replay                 bool // made by a replay, whose payload is another event's
}

// Delivery is a row of the database.
type Delivery struct {
	ID, Event, Destination, Status string
	Attempts                       int       // attempt_count
	Settled                        time.Time // settled_at; zero before
}

// Destination is where the events of an account go.
type Destination struct {
	ID, Account, Name string
	// Timeout is how long an attempt may take; 15 s if zero.
	Timeout time.Duration
	// Lost is one that never answers 2xx: what is for it need not arrive.
	Lost bool
	// Well is one that answers at once, whose latency is compared with the baseline.
	Well bool
}

// Fault is something that was injected. What happens at a moment has From and To
// alike.
type Fault struct {
	Name     string
	From, To time.Time
	// Repeats tells that it may have kept an attempt's result from being recorded, so
	// that the attempt is made again. An orderly stop may not.
	Repeats bool
	// PID is the process that it hit: no other's attempts can be made again for it. 0
	// is all of them.
	PID int
}

// Window is a time in which events were sent.
type Window struct{ From, To time.Time }

func (w Window) has(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// Facts are what is compared.
type Facts struct {
	Sent         []Sent
	Received     []Received
	Events       []Event
	Deliveries   []Delivery
	Destinations []Destination
	Faults       []Fault

	// Drained is whether all that waited was gone in the end, without anybody's help;
	// Bound is for how long nothing of it may have moved.
	Drained bool
	Bound   time.Duration
	// Baseline and Measured are the times whose latencies at destinations that are
	// well are compared. A zero Measured compares nothing.
	Baseline, Measured Window
	// Unclean are processes that were told to stop and did not end in order.
	Unclean []string
	// NoCuts is whether no sender's connection may be cut, whatever was injected.
	NoCuts bool
}

// Violation is a rule that was broken, and an example of how.
type Violation struct {
	Rule string `json:"rule"`
	What string `json:"what"`
	More int    `json:"more,omitempty"` // further cases of the same
}

func (v Violation) String() string {
	if v.More > 0 {
		return fmt.Sprintf("%s: %s (and %d more)", v.Rule, v.What, v.More)
	}
	return v.Rule + ": " + v.What
}

// Verdict is what a comparison found.
type Verdict struct {
	Requests   int     `json:"requests"`
	Accepted   int     `json:"accepted"`  // events that were promised
	Uncertain  int     `json:"uncertain"` // events of which their sender never got to know
	Lost       int     `json:"lost"`      // promised deliveries that no receiver has taken
	Received   int     `json:"received"`  // requests at receivers
	Duplicates int     `json:"duplicates"`
	Allowed    int     `json:"allowed"` // attempts that a fault overlapped: as many duplicates may be
	Unknown    int     `json:"unknown"` // requests of which it is not known which process made them
	Cuts       int     `json:"cuts"`
	BaselineMS float64 `json:"baseline_p99_ms,omitempty"`
	MeasuredMS float64 `json:"measured_p99_ms,omitempty"`

	Violations []Violation `json:"violations,omitempty"`
}

// Rules are the names of the rules that were broken, in their order.
func (v Verdict) Rules() []string {
	names := make([]string, 0, len(v.Violations))
	for _, one := range v.Violations {
		names = append(names, one.Rule)
	}
	return names
}

// Rule is one promise.
type Rule struct {
	Name string
	Says string
	// check reports each case in which it is broken.
	check func(f *index, v *Verdict, broken func(format string, args ...any))
}

// Check compares the facts.
func Check(f Facts) Verdict {
	x := newIndex(f)
	v := Verdict{Requests: len(f.Sent), Received: len(f.Received), Accepted: len(x.accepted)}
	for _, r := range Rules {
		var first Violation
		r.check(x, &v, func(format string, args ...any) {
			if first.Rule == "" {
				first = Violation{Rule: r.Name, What: fmt.Sprintf(format, args...)}
				return
			}
			first.More++
		})
		if first.Rule != "" {
			v.Violations = append(v.Violations, first)
		}
	}
	return v
}
