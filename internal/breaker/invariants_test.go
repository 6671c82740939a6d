package breaker_test

import (
	"slices"
	"time"

	"datapusher/internal/breaker"
)

// ofStandings holds for every standing that can be reached, at any time.
var ofStandings = []struct {
	name  string
	holds func(s breaker.Standing, now time.Time) bool
}{
	{"the state is one of the four", func(s breaker.Standing, _ time.Time) bool {
		return slices.Contains(states, s.State)
	}},
	{"ProbeAt is set exactly in OPEN", func(s breaker.Standing, _ time.Time) bool {
		return s.ProbeAt.IsZero() == (s.State != breaker.Open)
	}},
	{"PausedUntil is set in PAUSED alone", func(s breaker.Standing, _ time.Time) bool {
		return s.PausedUntil.IsZero() || s.State == breaker.Paused
	}},
	{"only who sends drains", func(s breaker.Standing, _ time.Time) bool {
		return !s.Draining || s.State == breaker.Sending
	}},
	{"only who drains has a rate", func(s breaker.Standing, _ time.Time) bool {
		return s.Rate == 0 || s.Draining
	}},
	{"a reason is given exactly where it does not send", func(s breaker.Standing, _ time.Time) bool {
		return (s.Reason == "") == (s.State == breaker.Sending)
	}},
	{"all but DISABLED is enabled", func(s breaker.Standing, _ time.Time) bool {
		return s.Enabled() == (s.State != breaker.Disabled)
	}},
	{"the failing are different ones, at most five", func(s breaker.Standing, _ time.Time) bool {
		for i, d := range s.Failing {
			if slices.Contains(s.Failing[:i], d) {
				return false
			}
		}
		return len(s.Failing) <= 5
	}},
	{"FailingSince is set exactly while deliveries fail", func(s breaker.Standing, now time.Time) bool {
		return s.FailingSince.IsZero() == (len(s.Failing) == 0) && !s.FailingSince.After(now)
	}},
	{"OPEN knows all five, SENDING fewer", func(s breaker.Standing, _ time.Time) bool {
		return (s.State != breaker.Open || len(s.Failing) == 5) && (s.State != breaker.Sending || len(s.Failing) < 5)
	}},
	{"SENDING remembers probes while it drains alone", func(s breaker.Standing, _ time.Time) bool {
		return s.State != breaker.Sending || s.Probed == "" && (s.Probes == 0 || s.Draining)
	}},
	{"who was probed with has failed", func(s breaker.Standing, _ time.Time) bool {
		return s.Probed == "" || s.Probes > 0
	}},
	{"a success changes exactly what is troubled", func(s breaker.Standing, now time.Time) bool {
		return s.Troubled() == !s.Succeeded(now).Equal(s)
	}},
	{"one success closes the breaker, whenever it comes", func(s breaker.Standing, now time.Time) bool {
		after := s.Succeeded(now)
		return s.State != breaker.Open || after.State == breaker.Sending && after.Draining && !after.Troubled()
	}},
	{"nothing but failures disables at once when it is time, and no moment before", func(s breaker.Standing, _ time.Time) bool {
		if s.FailingSince.IsZero() || s.State == breaker.Paused || s.State == breaker.Disabled {
			return true
		}
		disables := func(at time.Time) [2]bool {
			return [2]bool{
				s.Tick(at, disableAfter).State == breaker.Disabled,
				s.Failed(at, breaker.Failure{Delivery: "d1"}, disableAfter).State == breaker.Disabled,
			}
		}
		end := s.FailingSince.Add(disableAfter)
		return disables(end) == [2]bool{true, true} && disables(end.Add(-1)) == [2]bool{false, false}
	}},
	{"a pause is over at its end, and no moment before", func(s breaker.Standing, _ time.Time) bool {
		end := s.PausedUntil
		return end.IsZero() || s.Tick(end, disableAfter).State == breaker.Sending &&
			s.Tick(end.Add(-1), disableAfter).State == breaker.Paused
	}},
	{"Resume leads to SENDING without a memory", func(s breaker.Standing, now time.Time) bool {
		return s.Resume(now, 7).Equal(breaker.Standing{State: breaker.Sending, Since: now, Draining: true, Rate: 7})
	}},
}

// ofSteps holds for everything that can happen to every standing.
var ofSteps = []struct {
	name  string
	holds func(x step) bool
}{
	{"the state becomes what the table says", func(x step) bool {
		return x.after.State == table[row(x)][slices.Index(states, x.before.State)]
	}},
	{"only the failure of a fifth different delivery in a row opens", func(x step) bool {
		return !x.turnsTo(breaker.Open) || x.before.State == breaker.Sending && fifth(x)
	}},
	{"only Resume leaves DISABLED", func(x step) bool {
		return !x.leaves(breaker.Disabled) || x.kind == resume
	}},
	{"only Resume, its end, Disable and 410 leave PAUSED", func(x step) bool {
		return !x.leaves(breaker.Paused) || x.kind == resume || x.kind == disable || x.kind == gone || pauseEnds(x)
	}},
	{"failures and time disable after disableAfter and not before", func(x step) bool {
		byTime := x.turnsTo(breaker.Disabled) && (x.kind == failed || x.kind == tick)
		since := x.after.FailingSince
		return !byTime || !since.IsZero() && x.now.Sub(since) >= disableAfter
	}},
	{"a failure leaves nothing in OPEN after disableAfter", func(x step) bool {
		return x.kind != failed || x.after.State != breaker.Open || x.now.Sub(x.after.FailingSince) < disableAfter
	}},
	{"who comes to SENDING drains", func(x step) bool {
		return !x.turnsTo(breaker.Sending) && !x.resumed() || x.after.Draining
	}},
	{"only Drained ends the draining of who sends", func(x step) bool {
		return !x.before.Draining || x.after.Draining || x.after.State != breaker.Sending || x.kind == drained
	}},
	{"nobody drains for nothing", func(x step) bool {
		return !x.after.Draining || x.before.Draining || x.turnsTo(breaker.Sending) || x.resumed()
	}},
	{"the rate is that of the Resume, until it is over", func(x step) bool {
		switch {
		case x.kind == resume:
			return x.after.Rate == x.rate
		case x.before.State == breaker.Sending && x.after.Draining:
			return x.after.Rate == x.before.Rate
		}
		return x.after.Rate == 0
	}},
	{"Since is when the state changed or the draining began", func(x step) bool {
		if x.turnsTo(x.after.State) || x.resumed() {
			return x.after.Since.Equal(x.now)
		}
		return x.after.Since.Equal(x.before.Since)
	}},
	{"the reason is that of the last change", func(x step) bool {
		switch {
		case x.turnsTo(breaker.Open):
			return x.after.Reason == "failing: http_503"
		case x.kind == pause && x.after.State == breaker.Paused:
			return x.after.Reason == map[bool]string{true: breaker.ReasonPaused, false: "maintenance"}[x.end > 0]
		case x.turnsTo(breaker.Disabled):
			return x.after.Reason == map[kind]string{
				gone: "http_410", disable: breaker.ReasonOwner, failed: "failing for too long: http_503",
				tick: "failing for too long: no delivery was accepted",
			}[x.kind]
		}
		return x.after.State == breaker.Sending || x.after.Reason == x.before.Reason
	}},
	{"a pause ends when its owner said last", func(x step) bool {
		switch {
		case x.after.State != breaker.Paused:
			return true
		case x.kind != pause:
			return x.after.PausedUntil.Equal(x.before.PausedUntil)
		case x.end == 0:
			return x.after.PausedUntil.IsZero()
		}
		return x.after.PausedUntil.Equal(x.now.Add(x.end))
	}},
	{"failures are remembered until a success or a Resume", func(x step) bool {
		want, since := x.before.Failing, x.before.FailingSince
		switch {
		case x.kind == succeeded || x.resumed():
			want, since = nil, time.Time{}
		case x.kind == failed:
			if len(want) < 5 && !slices.Contains(want, x.failure.Delivery) {
				want = append(slices.Clone(want), x.failure.Delivery)
			}
			if since.IsZero() {
				since = x.now
			}
		}
		return slices.Equal(x.after.Failing, want) && x.after.FailingSince.Equal(since)
	}},
	{"probes count on until a draining ends or somebody resumes", func(x step) bool {
		switch {
		case x.resumed(), x.kind == drained && x.before.State == breaker.Sending:
			return x.after.Probes == 0
		case x.probeFailed():
			return x.after.Probes == x.before.Probes+1
		}
		return x.after.Probes == x.before.Probes
	}},
	{"the last probe is remembered until the breaker closes", func(x step) bool {
		switch {
		case x.probeFailed():
			return x.after.Probed == x.failure.Delivery
		case x.after.State == breaker.Sending:
			return x.after.Probed == ""
		}
		return x.after.Probed == x.before.Probed
	}},
	{"the next probe is due after its wait, and nothing else moves it", func(x step) bool {
		switch {
		case x.after.State != breaker.Open:
			return true
		case x.turnsTo(breaker.Open) || x.probeFailed():
			return x.after.ProbeAt.Equal(x.now.Add(probeWait(x.after.Probes)))
		}
		return x.after.ProbeAt.Equal(x.before.ProbeAt)
	}},
	{"waits for probes keep their bounds and never shrink", func(x step) bool {
		if x.after.State != breaker.Open || !x.turnsTo(breaker.Open) && !x.probeFailed() {
			return true
		}
		wait := x.after.ProbeAt.Sub(x.now)
		return wait >= probeWait(x.before.Probes) && wait >= 5*time.Second && wait <= 5*time.Minute
	}},
}

func (x step) turnsTo(s breaker.State) bool { return x.after.State == s && x.before.State != s }
func (x step) leaves(s breaker.State) bool  { return x.before.State == s && x.after.State != s }

// resumed reports whether somebody let it go on, or the end of its pause did.
func (x step) resumed() bool { return x.kind == resume || pauseEnds(x) }

func (x step) probeFailed() bool {
	return x.kind == failed && x.failure.Probe && x.before.State == breaker.Open
}

// probeWait is the wait for a probe after so many have failed, without jitter.
func probeWait(failed int) time.Duration {
	seconds := []int{5, 10, 20, 40, 80, 160, 300}
	return time.Duration(seconds[min(failed, len(seconds)-1)]) * time.Second
}
