// Package breaker decides whether a destination gets its deliveries now. It is
// a state machine of pure functions: what happened goes in, how the destination
// stands comes out. What it knows lies in the destination's row (row.go), so that
// every process sees the same.
//
//	          5 deliveries in a row fail
//	SENDING ──────────────────────────────▶ OPEN ◀─┐ a probe fails
//	   ▲ ▲ ◀──────────────────────────────── │ ────┘
//	   │ │        anything succeeds          │
//	   │ │                                   │ 5 days of nothing but failures
//	   │ └── Resume, or its time ── PAUSED   ▼
//	   └──── Resume ─────────────────────── DISABLED ◀── 410 from any state, or its owner
//
// In every state but SENDING deliveries park: they wait in the database, without
// attempts and without workflows. Back in SENDING the destination drains: what is
// parked goes out in order of acceptance, new deliveries queue up behind it, and
// only when none is left do deliveries go out at once again.
package breaker

import (
	"slices"
	"strings"
	"time"
)

// State says whether deliveries go out.
type State string

// The states.
const (
	Sending  State = "SENDING"
	Paused   State = "PAUSED"   // by its owner, maybe with an end
	Open     State = "OPEN"     // the breaker: now and then one delivery probes
	Disabled State = "DISABLED" // by its owner, by 410, by days of nothing but failures
)

const (
	// Threshold is how many deliveries in a row have to fail before the breaker
	// opens. They are different ones: a single event that a receiver cannot digest
	// keeps its own schedule and holds nobody up.
	Threshold = 5
	// DefaultDisableAfter is how long nothing but failures may go on.
	DefaultDisableAfter = 5 * 24 * time.Hour
)

// The reasons that the machine gives. A failure's own word stands behind the
// colon: "failing: http_503".
const (
	ReasonFailing = "failing: "
	ReasonPaused  = "paused by its owner"
	ReasonOwner   = "disabled by its owner"
	ReasonGone    = "http_410"
	ReasonTooLong = "failing for too long: "
)

// Standing is how a destination stands. Its zero value is a new destination's,
// but for the state, which is Sending.
type Standing struct {
	State       State
	Reason      string    // why it is not Sending
	Since       time.Time // of the state's last change; zero: never
	PausedUntil time.Time // zero: not paused, or without an end

	Draining bool    // what is parked goes first, and new deliveries queue behind it
	Rate     float64 // deliveries a second meanwhile; 0: the ramp

	Failing      []string  // deliveries that have failed since the last success, the first Threshold of them
	FailingSince time.Time // when the first of them failed

	ProbeAt time.Time // Open alone: when the next probe is due
	Probes  int       // that have failed in a row, over closings that did not last
	Probed  string    // the delivery that was probed with last
}

// Enabled is what the API calls so.
func (s Standing) Enabled() bool { return s.State != Disabled }

// InLine is the reason of a delivery that queues up behind those that its
// destination has parked before.
const InLine = "in line"

// Sends reports whether new deliveries go out at once.
func (s Standing) Sends() bool { return s.State == Sending && !s.Draining }

// WhyParked is the reason of a delivery that waits for its destination.
func (s Standing) WhyParked() string {
	switch {
	case s.Reason != "":
		return s.Reason
	case s.Draining:
		return InLine
	}
	return strings.ToLower(string(s.State))
}

// Troubled reports whether a success would change anything.
func (s Standing) Troubled() bool {
	return s.State == Open || len(s.Failing) > 0 || !s.FailingSince.IsZero()
}

// Failure is an attempt that the destination did not accept.
type Failure struct {
	Delivery   string
	Reason     string        // one word: http_503, timeout
	Probe      bool          // it was the probe of an open breaker
	RetryAfter time.Duration // what the receiver asked for; 0: nothing
	Random     float64       // from 0 up to 1, for the jitter of probes
}

// Failed is what an attempt makes of it that the destination did not accept.
// DisableAfter is how long nothing but failures may go on.
func (s Standing) Failed(now time.Time, f Failure, disableAfter time.Duration) Standing {
	if s.FailingSince.IsZero() {
		s.FailingSince = now
	}
	if len(s.Failing) < Threshold && !slices.Contains(s.Failing, f.Delivery) {
		s.Failing = append(slices.Clone(s.Failing), f.Delivery)
	}
	switch {
	case s.State == Sending && len(s.Failing) == Threshold:
		s = s.turn(now, Open, ReasonFailing+f.Reason)
		s.ProbeAt = now.Add(probeAfter(s.Probes, f))
	case s.State == Open && f.Probe:
		s.Probes++
		s.Probed = f.Delivery
		s.ProbeAt = now.Add(probeAfter(s.Probes, f))
	}
	return s.expire(now, f.Reason, disableAfter)
}

// expire disables what has failed for too long.
func (s Standing) expire(now time.Time, reason string, disableAfter time.Duration) Standing {
	if (s.State == Sending || s.State == Open) && !s.FailingSince.IsZero() && now.Sub(s.FailingSince) >= disableAfter {
		return s.turn(now, Disabled, ReasonTooLong+reason)
	}
	return s
}

// Succeeded is what an accepted attempt makes of it, whoever asked for it. A
// pause and a disabled destination stay: they are somebody's will.
func (s Standing) Succeeded(now time.Time) Standing {
	s.Failing, s.FailingSince = nil, time.Time{}
	if s.State == Open {
		s = s.turn(now, Sending, "")
		s.Draining, s.Probed = true, ""
	}
	return s
}

// Gone is what an answer of 410 makes of it: the receiver wants nothing more.
func (s Standing) Gone(now time.Time) Standing {
	if s.State == Disabled {
		return s
	}
	return s.turn(now, Disabled, ReasonGone)
}

// Pause stops deliveries until somebody resumes the destination, or until then;
// zero is without an end. A disabled destination is not paused.
func (s Standing) Pause(now, until time.Time, reason string) Standing {
	if s.State == Disabled {
		return s
	}
	if reason == "" {
		reason = ReasonPaused
	}
	since := s.Since
	again := s.State == Paused
	s = s.turn(now, Paused, reason)
	if again {
		s.Since = since
	}
	s.PausedUntil = until
	return s
}

// Resume lets deliveries go on, from whatever state, and forgets failures. What
// waits drains with that rate a second; 0 is the ramp.
func (s Standing) Resume(now time.Time, rate float64) Standing {
	s = s.turn(now, Sending, "")
	s.Failing, s.FailingSince, s.Probes, s.Probed = nil, time.Time{}, 0, ""
	s.Draining, s.Rate = true, rate
	return s
}

// Disable stops deliveries until somebody resumes the destination.
func (s Standing) Disable(now time.Time, reason string) Standing {
	if s.State == Disabled {
		return s
	}
	return s.turn(now, Disabled, reason)
}

// Crowded is what it makes of more deliveries than are sent to it at once: those
// that find no place queue up, and what comes later behind them.
func (s Standing) Crowded() Standing {
	if s.State == Sending {
		s.Draining = true
	}
	return s
}

// Drained ends the draining: nothing is parked any more. Only now is a closing
// of the breaker believed, and the next probes begin with the shortest wait.
func (s Standing) Drained() Standing {
	s.Draining, s.Rate = false, 0
	if s.State == Sending {
		s.Probes = 0
	}
	return s
}

// Tick is what the time alone makes of it.
func (s Standing) Tick(now time.Time, disableAfter time.Duration) Standing {
	if s.State == Paused && !s.PausedUntil.IsZero() && !now.Before(s.PausedUntil) {
		return s.Resume(now, 0)
	}
	return s.expire(now, "no delivery was accepted", disableAfter)
}

// turn changes the state, and drops what belongs to the old one.
func (s Standing) turn(now time.Time, to State, reason string) Standing {
	s.State, s.Reason, s.Since = to, reason, now
	s.PausedUntil, s.ProbeAt = time.Time{}, time.Time{}
	s.Draining, s.Rate = false, 0
	return s
}

// Equal reports whether two standings are the same.
func (s Standing) Equal(t Standing) bool {
	return s.State == t.State && s.Reason == t.Reason && s.Since.Equal(t.Since) && s.PausedUntil.Equal(t.PausedUntil) &&
		s.Draining == t.Draining && s.Rate == t.Rate && slices.Equal(s.Failing, t.Failing) &&
		s.FailingSince.Equal(t.FailingSince) && s.ProbeAt.Equal(t.ProbeAt) && s.Probes == t.Probes && s.Probed == t.Probed
}

// Idle is what it makes of an open breaker that nothing waits for: the next
// delivery is the probe. Its failure opens the breaker again.
func (s Standing) Idle(now time.Time) Standing {
	if s.State != Open {
		return s
	}
	s = s.turn(now, Sending, "")
	s.Failing = s.Failing[:min(len(s.Failing), Threshold-1)]
	s.Draining = true // what parks at this moment must not be forgotten
	return s
}
