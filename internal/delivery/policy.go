package delivery

import (
	"strconv"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/sender"
)

// Schedule is the wait after each failed attempt; when it is used up the
// delivery has failed.
type Schedule []time.Duration

// DefaultSchedule is the table that Standard Webhooks recommends
// (https://www.standardwebhooks.com, "retries"): ten attempts in 75 hours.
var DefaultSchedule = Schedule{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// jitter is how far a wait may be off its schedule, both ways, so that the
// retries of a crowd do not stay one.
const jitter = 0.2

// Decision is what an attempt's result means for its delivery.
type Decision struct {
	Status delivery.Status // SUCCEEDED, RETRYING or FAILED
	Reason string          // why it is not SUCCEEDED
	After  time.Duration   // with RETRYING
}

// Decide says how a delivery goes on after the attempt with that number (from 1).
// Random is a number from 0 up to 1.
func (s Schedule) Decide(r sender.Result, number int, random float64) Decision {
	if r.Status >= 200 && r.Status < 300 {
		return Decision{Status: delivery.StatusSucceeded}
	}
	reason := ResultOf(r)
	if r.Status != 0 {
		reason = "http_" + reason
	}
	if r.Class.Permanent() {
		return Decision{Status: delivery.StatusFailed, Reason: reason}
	}
	if number > len(s) {
		return Decision{Status: delivery.StatusFailed, Reason: "attempts_exhausted: " + reason}
	}
	wait := float64(s[number-1])
	return Decision{
		Status: delivery.StatusRetrying, Reason: reason,
		After: time.Duration(wait * (1 + jitter*(2*random-1))),
	}
}

// ResultOf is the one word that an attempt came to: its HTTP status or the class
// of its failure.
func ResultOf(r sender.Result) string {
	if r.Status != 0 {
		return strconv.Itoa(r.Status)
	}
	return string(r.Class)
}
