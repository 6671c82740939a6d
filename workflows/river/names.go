package river

import (
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Schema is the schema of Postgres that River's tables have for themselves.
const Schema = "river"

// The queues, apart from one another, so that many of one kind do not hold up
// those of another.
const (
	queueRuns  = "runs"
	queueLoops = "loops"
	queueNotes = "notes" // drops and wakes that have to wait
)

// neverGivenUp is the highest number of attempts that River's table can hold.
// None is used up but by workers that die.
const neverGivenUp = 1<<15 - 1

// unfinished are the states of a job that is still to be worked.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// runArgs are those of the job that carries a run. There is one for each id for
// as long as River remembers it, its end included.
type runArgs struct {
	Run       string    `json:"run" river:"unique"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Summary   string    `json:"summary,omitempty"`
}

// Kind is what River knows the job by.
func (runArgs) Kind() string { return "run" }

// InsertOpts are those of every run.
func (runArgs) InsertOpts() rq.InsertOpts {
	return rq.InsertOpts{
		Queue: queueRuns, MaxAttempts: neverGivenUp,
		UniqueOpts: rq.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()},
	}
}

// loopArgs are those of a loop's job. Once it has ended there may be another.
type loopArgs struct {
	Loop string `json:"loop" river:"unique"`
}

// Kind is what River knows the job by.
func (loopArgs) Kind() string { return "loop" }

// InsertOpts are those of every loop.
func (loopArgs) InsertOpts() rq.InsertOpts {
	return rq.InsertOpts{
		Queue: queueLoops, MaxAttempts: neverGivenUp, UniqueOpts: rq.UniqueOpts{ByArgs: true, ByState: unfinished},
	}
}

// wakeArgs are those of a wake that came while a turn of the loop was taken. All
// that come during the same turn are one.
type wakeArgs struct {
	Loop string `json:"loop" river:"unique"`
	Turn string `json:"turn" river:"unique"`
}

// Kind is what River knows the job by.
func (wakeArgs) Kind() string { return "wake" }

// InsertOpts are those of every wake.
func (wakeArgs) InsertOpts() rq.InsertOpts {
	return rq.InsertOpts{Queue: queueNotes, MaxAttempts: neverGivenUp, UniqueOpts: rq.UniqueOpts{ByArgs: true}}
}

// dropArgs are those of a drop, until the run has forgotten the delivery.
type dropArgs struct {
	Run      string `json:"run" river:"unique"`
	Delivery string `json:"delivery" river:"unique"`
}

// Kind is what River knows the job by.
func (dropArgs) Kind() string { return "drop" }

// InsertOpts are those of every drop.
func (dropArgs) InsertOpts() rq.InsertOpts {
	return rq.InsertOpts{
		Queue: queueNotes, MaxAttempts: neverGivenUp, UniqueOpts: rq.UniqueOpts{ByArgs: true, ByState: unfinished},
	}
}
