package breaker_test

import (
	"fmt"
	"slices"
	"time"

	"datapusher/internal/breaker"
)

// kind is what can happen to a destination.
type kind int

const (
	failed kind = iota
	succeeded
	gone
	pause
	resume
	disable
	drained
	tick
)

// event is something that happens.
type event struct {
	kind
	failure breaker.Failure // of failed
	end     time.Duration   // of pause; 0: none
	rate    float64         // of resume
}

// One more than it takes, so that a sixth is seen, too.
var deliveries = []string{"d1", "d2", "d3", "d4", "d5", "d6"}

var alphabet = func() []event {
	all := []event{
		{kind: succeeded}, {kind: gone}, {kind: pause}, {kind: pause, end: pauseFor}, {kind: resume},
		{kind: resume, rate: 50}, {kind: disable}, {kind: drained}, {kind: tick},
	}
	for _, d := range deliveries {
		for _, probe := range []bool{false, true} {
			f := breaker.Failure{Delivery: d, Reason: "http_503", Probe: probe, Random: .5} // no jitter
			all = append(all, event{kind: failed, failure: f})
		}
	}
	return all
}()

func (e event) happens(s breaker.Standing, now time.Time) breaker.Standing {
	switch e.kind {
	case failed:
		return s.Failed(now, e.failure, disableAfter)
	case succeeded:
		return s.Succeeded(now)
	case gone:
		return s.Gone(now)
	case pause:
		if e.end > 0 {
			return s.Pause(now, now.Add(e.end), "")
		}
		return s.Pause(now, time.Time{}, "maintenance")
	case resume:
		return s.Resume(now, e.rate)
	case disable:
		return s.Disable(now, breaker.ReasonOwner)
	case drained:
		return s.Drained()
	default:
		return s.Tick(now, disableAfter)
	}
}

func (e event) String() string {
	switch name := []string{"Failed", "Succeeded", "Gone", "Pause", "Resume", "Disable", "Drained", "Tick"}[e.kind]; {
	case e.failure.Probe:
		return fmt.Sprintf("%s(%s, probe)", name, e.failure.Delivery)
	case e.kind == failed:
		return fmt.Sprintf("%s(%s)", name, e.failure.Delivery)
	case e.end > 0:
		return fmt.Sprintf("%s(%s)", name, e.end)
	case e.rate > 0:
		return fmt.Sprintf("%s(%v/s)", name, e.rate)
	default:
		return name
	}
}

// table is the machine once more, as simple as it gets: what each event makes of
// each state. Never is a place that nothing leads to.
var table = map[string][4]breaker.State{
	//                         SENDING           PAUSED            OPEN              DISABLED
	"failed":                 {breaker.Sending, breaker.Paused, breaker.Open, breaker.Disabled},
	"failed, the fifth":      {breaker.Open, breaker.Paused, never, breaker.Disabled},
	"failed, for too long":   {breaker.Disabled, breaker.Paused, breaker.Disabled, breaker.Disabled},
	"succeeded":              {breaker.Sending, breaker.Paused, breaker.Sending, breaker.Disabled},
	"gone":                   {breaker.Disabled, breaker.Disabled, breaker.Disabled, breaker.Disabled},
	"pause":                  {breaker.Paused, breaker.Paused, breaker.Paused, breaker.Disabled},
	"resume":                 {breaker.Sending, breaker.Sending, breaker.Sending, breaker.Sending},
	"disable":                {breaker.Disabled, breaker.Disabled, breaker.Disabled, breaker.Disabled},
	"drained":                {breaker.Sending, breaker.Paused, breaker.Open, breaker.Disabled},
	"tick":                   {breaker.Sending, breaker.Paused, breaker.Open, breaker.Disabled},
	"tick at a pause's end":  {never, breaker.Sending, never, never},
	"tick, failing too long": {breaker.Disabled, breaker.Paused, breaker.Disabled, breaker.Disabled},
}

const never breaker.State = ""

var states = []breaker.State{breaker.Sending, breaker.Paused, breaker.Open, breaker.Disabled}

// row is where a step is found in the table.
func row(x step) string {
	s := x.before
	tooLong := !s.FailingSince.IsZero() && x.now.Sub(s.FailingSince) >= disableAfter
	switch x.kind {
	case failed:
		switch {
		case tooLong:
			return "failed, for too long"
		case fifth(x):
			return "failed, the fifth"
		}
		return "failed"
	case tick:
		switch {
		case pauseEnds(x):
			return "tick at a pause's end"
		case tooLong:
			return "tick, failing too long"
		}
		return "tick"
	}
	return []string{"", "succeeded", "gone", "pause", "resume", "disable", "drained"}[x.kind]
}

// fifth reports whether four other deliveries have failed before this one.
func fifth(x step) bool {
	return x.kind == failed && len(x.before.Failing) == 4 && !slices.Contains(x.before.Failing, x.failure.Delivery)
}

// pauseEnds reports whether the time alone ends a pause.
func pauseEnds(x step) bool {
	until := x.before.PausedUntil
	return x.kind == tick && x.before.State == breaker.Paused && !until.IsZero() && !x.now.Before(until)
}
