package statistics

import (
	"time"

	"datapusher/internal/problem"
)

const (
	// maxSteps is how many steps a span has at most.
	maxSteps = 500
	// fewSteps is how many steps are made when nobody says how long they are.
	fewSteps = 120
	// longestStep is how long a step may be: a week, which begins on a Monday.
	longestStep = 7 * 24 * time.Hour
	// longSpan is from how much on whole hours are read from the rows of hours.
	longSpan = 6 * time.Hour
	// defaultSpan is how much is looked at when nobody says since when.
	defaultSpan = time.Hour
)

// steps are those that are chosen from.
var steps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// Question is what somebody wants to know. What is nil is up to [Question.span].
type Question struct {
	AccountID, DestinationID string // "": of no certain one
	From, To                 *time.Time
	Step                     *time.Duration
}

// span is a question's time, in steps.
type span struct {
	from, to time.Time
	step     time.Duration
	hourly   bool // rows of hours are read
}

// span says over which rows the question goes, and what is wrong with it.
func (q Question) span(now time.Time) (span, error) {
	var wrong problem.Fields
	to := now
	if q.To != nil && q.To.Before(now) {
		to = q.To.UTC()
	}
	from := to.Add(-defaultSpan)
	if q.From != nil {
		from = q.From.UTC()
	}
	old := from.Before(now.Add(-KeepMinutes + time.Minute))
	step := stepFor(to.Sub(from), old)
	if q.Step != nil {
		step = *q.Step
	}
	switch {
	case !from.Before(to):
		wrong.Add("from", "must lie before to, and before now")
	case from.Before(now.Add(-KeepHours - 24*time.Hour)):
		wrong.Add("from", "must be at most 91 days ago: statistics are kept for 90")
	case step < time.Minute || step%time.Minute != 0 || step > longestStep:
		wrong.Add("step", "must be whole minutes, 7d at most")
	case old && step%time.Hour != 0:
		wrong.Add("step", "must be whole hours, since from is more than 2 days ago")
	}
	if err := wrong.Err(); err != nil {
		return span{}, err
	}
	s := span{from: from.UTC().Truncate(step), step: step}
	n := int((to.Sub(s.from) + step - 1) / step)
	if n > maxSteps {
		wrong.Add("step", "must be longer: this makes more than %d steps", maxSteps)
		return span{}, wrong.Err()
	}
	s.to = s.from.Add(time.Duration(n) * step) //nolint:durationcheck // a number of steps
	s.hourly = step%time.Hour == 0 && (old || to.Sub(s.from) > longSpan)
	return s, nil
}

// stepFor is the shortest step that makes few.
func stepFor(length time.Duration, old bool) time.Duration {
	for _, s := range steps {
		if length <= fewSteps*s && (!old || s >= time.Hour) {
			return s
		}
	}
	return steps[len(steps)-1]
}

// count is how many steps there are.
func (s span) count() int { return int(s.to.Sub(s.from) / s.step) }

// ids are the range of a subject's rows, its end not included.
func (s span) ids(subject string) (from, to string) {
	p := prefix(subject, s.hourly)
	return p + moment(s.from.Unix()/60), p + moment(s.to.Unix()/60)
}
