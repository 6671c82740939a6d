package delivery

import (
	"strconv"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/schedule"
	"datapusher/internal/sender"
)

const (
	// jitter is how far a wait may be off its schedule, both ways, so that the
	// retries of a crowd do not stay one.
	jitter = 0.2
	// overloaded is the least wait after an answer that says "too much": a 429, or
	// none in time.
	overloaded = time.Minute
)

// Policy is how a destination wants its deliveries tried.
type Policy struct {
	Schedule schedule.Schedule
	// GiveUpAfter is the age at which a delivery is given up, 0 for never. The time
	// that it was parked does not count.
	GiveUpAfter time.Duration
}

// Asker is who wanted an attempt.
type Asker string

// The askers: the values of attempts.asked_by.
const (
	bySchedule Asker = "SCHEDULE"
	byOperator Asker = "OPERATOR"
	byReplay   Asker = "REPLAY" // the first attempt of a replay's delivery
	byProbe    Asker = "PROBE"  // of an open breaker
)

// Try is what a decision has to know of the attempt beside its result.
type Try struct {
	Step    int           // waits of the schedule that are used up
	Age     time.Duration // of the delivery, without the time that it was parked
	Asker   Asker
	Sending bool      // whether the destination is; an operator may ask in any state
	Now     time.Time // for a Retry-After that is a date
	Random  float64   // from 0 up to 1, for the jitter
}

// Decision is what an attempt's result means for its delivery.
type Decision struct {
	Status delivery.Status // SUCCEEDED, RETRYING, PARKED or FAILED
	Reason string          // why it is not SUCCEEDED
	After  time.Duration   // with RETRYING
	Step   int             // waits that are used up now
}

// Decide says how a delivery goes on after an attempt.
//
//	2xx                              succeeded
//	what can never be sent           failed, without an attempt
//	410                              parked: the destination is disabled
//	a probe                          parked: it waits on with the others
//	an operator's, not sending       parked, unless the schedule was used up
//	everything else                  the schedule's next wait, or failed at its end
//
// 3xx are not followed and no success. A wait has a jitter of a fifth; Retry-After
// prolongs it within one to two times the schedule's own; after 429 and timeouts
// it is a minute at least. Only what the schedule asked for uses up a wait of it:
// after an operator's attempt a delivery waits as long as before.
func (p Policy) Decide(r sender.Result, t Try) Decision {
	d := Decision{Reason: reasonOf(r), Step: t.Step}
	switch {
	case r.Status >= 200 && r.Status < 300:
		d.Status, d.Reason = delivery.StatusSucceeded, ""
	case r.Class.Permanent():
		d.Status = delivery.StatusFailed
	case r.Status == gone && t.Step <= schedule.MaxWaits, t.Asker == byProbe: // beyond every schedule is a test: it has one shot
		d.Status = delivery.StatusParked
	case p.exhausted(t):
		d.Status, d.Reason, d.Step = delivery.StatusFailed, "attempts_exhausted: "+d.Reason, max(t.Step, len(p.Schedule)+1)
	case !t.Sending:
		d.Status = delivery.StatusParked
	default:
		d.After = p.wait(r, t)
		if p.GiveUpAfter > 0 && t.Age+d.After > p.GiveUpAfter {
			return Decision{Status: delivery.StatusFailed, Reason: "given_up: " + d.Reason, Step: t.Step}
		}
		d.Status = delivery.StatusRetrying
		if t.Asker != byOperator {
			d.Step++
		}
	}
	return d
}

// gone is the status with which a receiver asks for no more.
const gone = 410

// exhausted reports whether no wait is left. A delivery in its last wait is not
// lost by an operator's attempt; one that has failed is beyond it.
func (p Policy) exhausted(t Try) bool {
	if t.Asker == byOperator {
		return t.Step > len(p.Schedule) || len(p.Schedule) == 0
	}
	return t.Step >= len(p.Schedule)
}

func (p Policy) wait(r sender.Result, t Try) time.Duration {
	step := t.Step
	if t.Asker == byOperator {
		step = max(step-1, 0) // as long as before
	}
	own := p.Schedule[step]
	spread := 1 + jitter*(2*t.Random-1)
	wait := time.Duration(float64(own) * spread)
	if asked, ok := sender.RetryAfter(r.RetryAfter, t.Now); ok {
		wait = max(wait, min(max(asked, own), 2*own))
	}
	if r.Status == 429 || r.Class == sender.Timeout {
		wait = max(wait, time.Duration(float64(overloaded)*(1+jitter*t.Random)))
	}
	return wait
}

// reasonOf is the word that an attempt's failure is known by. Of one that was
// blocked it is the one sentence that owners hear everywhere.
func reasonOf(r sender.Result) string {
	switch {
	case r.Status != 0:
		return "http_" + ResultOf(r)
	case r.Class == sender.Blocked:
		return r.Class.Text()
	}
	return ResultOf(r)
}

// ResultOf is the one word that an attempt came to: its HTTP status or the class
// of its failure.
func ResultOf(r sender.Result) string {
	if r.Status != 0 {
		return strconv.Itoa(r.Status)
	}
	return string(r.Class)
}
