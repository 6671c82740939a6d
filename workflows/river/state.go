package river

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"

	"datapusher/workflows"
)

// minAfter keeps a core that is always early from having an engine turn in circles.
const minAfter = 100 * time.Millisecond

// runState is what a run's job keeps in its row from one turn to the next, as the
// job's output. It is for people, too. One that is lost, with a worker that died,
// is an older one: the core knows what has happened since.
type runState struct {
	Begun    bool           `json:"begun"` // the first attempts are made
	Failures int            `json:"failures,omitempty"`
	Open     []openDelivery `json:"open,omitempty"`
	// Overdue: by the database something is, whatever stands here. Written by whoever
	// hands the run over again.
	Overdue bool `json:"overdue,omitempty"`
}

// openDelivery is one that is not settled.
type openDelivery struct {
	ID       string    `json:"delivery"`
	Attempts int       `json:"attempts,omitempty"`
	Result   string    `json:"result,omitempty"`
	Due      time.Time `json:"due"`
	Failures int       `json:"failures,omitempty"` // of our own side, one after another

	busy bool
}

// loopState is what a loop's job keeps.
type loopState struct {
	Failures int `json:"failures"` // of our own side, one after another
}

// doubt has the core be asked about everything, if something is overdue.
func (s *runState) doubt(now time.Time) {
	if !s.Overdue {
		return
	}
	s.Overdue = false
	for i := range s.Open {
		s.Open[i].Due = now
	}
}

// put notes how a delivery stands after a call.
func (s *runState) put(o workflows.Outcome, now time.Time) {
	at := s.at(o.DeliveryID)
	if o.State == workflows.Settled {
		s.forget(at)
		return
	}
	next := openDelivery{
		ID: o.DeliveryID, Attempts: o.Attempts, Result: o.Result, Due: now.Add(max(o.After, minAfter)),
	}
	if at < 0 {
		s.Open = append(s.Open, next)
	} else {
		s.Open[at] = next
	}
}

// fail notes that our own side has failed for a delivery.
func (s *runState) fail(id string, now time.Time) {
	if at := s.at(id); at >= 0 {
		d := &s.Open[at]
		d.Failures++
		d.Due, d.busy = now.Add(pause(d.Failures)), false
	}
}

// drop forgets deliveries. One that is going on is forgotten when it has ended.
func (s *runState) drop(ids map[string]bool) {
	s.Open = slices.DeleteFunc(s.Open, func(d openDelivery) bool { return ids[d.ID] && !d.busy })
}

func (s *runState) at(id string) int {
	return slices.IndexFunc(s.Open, func(d openDelivery) bool { return d.ID == id })
}

func (s *runState) forget(at int) {
	if at >= 0 {
		s.Open = slices.Delete(s.Open, at, at+1)
	}
}

// next is when the earliest of those is due that nobody is at; ok is false if there is none.
func (s *runState) next() (due time.Time, ok bool) {
	for _, d := range s.Open {
		if !d.busy && (!ok || d.Due.Before(due)) {
			due, ok = d.Due, true
		}
	}
	return due, ok
}

// pause is how long the n-th failure of our own side in a row lasts.
func pause(n int) time.Duration {
	const longest = time.Minute
	if n > 6 {
		return longest
	}
	return min(time.Second<<max(n-1, 0), longest)
}

// output reads what a job has kept; nothing if it has not yet.
func output(job *rivertype.JobRow, state any) error {
	kept := job.Output()
	if len(kept) == 0 {
		return nil
	}
	return unmarshal(kept, state)
}

// snoozes is how often a job has slept.
func snoozes(job *rivertype.JobRow) int64 {
	var metadata struct {
		Snoozes int64 `json:"snoozes"`
	}
	_ = json.Unmarshal(job.Metadata, &metadata) // River's own
	return metadata.Snoozes
}

func unmarshal(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return nil
}

// naming is the part of a job's arguments that names its run.
func naming(run string) string { return named("run", run) }

func named(field, id string) string {
	text, err := json.Marshal(map[string]string{field: id})
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(text)
}
