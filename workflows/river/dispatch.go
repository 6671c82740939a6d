package river

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"datapusher/workflows"
)

const (
	// longDelay is one that River's scheduler, which looks every five seconds,
	// keeps to the second. For a shorter one the job sleeps by itself.
	longDelay = 10 * time.Second
	// maxSummary bounds what a run's job says to people.
	maxSummary = 400
	// nudges bounds how often a loop is looked for that ends again and again.
	nudges = 5
)

// Dispatch inserts the run's job, unless River holds it already. One that came with
// a commit and still waits for others is begun, and one that sleeps too long is woken.
func (e *Engine) Dispatch(ctx context.Context, run workflows.Run) error {
	args := runArgs{Run: run.ID, NotBefore: run.NotBefore, Summary: clip(run.Summary)}
	options := args.InsertOpts()
	if e.clock.until(run.NotBefore) > longDelay {
		options.ScheduledAt = run.NotBefore
	}
	inserted, err := e.client().Insert(ctx, args, &options)
	if err != nil {
		return fmt.Errorf("dispatch %s: %w", run.ID, err)
	}
	switch {
	case !inserted.UniqueSkippedAsDuplicate:
		e.nudgeQueue(queueRuns)
	case finished(inserted.Job):
		return workflows.ErrRunClosed
	case run.Overdue:
		return e.rouse(ctx, inserted.Job)
	case run.NotBefore.IsZero() && waitsForCommits(inserted.Job):
		if _, err := e.client().JobRetry(ctx, inserted.Job.ID); err != nil {
			return fmt.Errorf("begin %s: %w", run.ID, err)
		}
		return e.tell(ctx, queueRuns)
	}
	return nil
}

// rouse has a run's job that sleeps take a turn now, in which the core is asked about
// all that the job keeps: whoever put it to sleep was wrong about the time.
func (e *Engine) rouse(ctx context.Context, job *rivertype.JobRow) error {
	result, err := e.db.ExecContext(ctx, `UPDATE `+Schema+`.river_job
SET state = 'available', scheduled_at = now(), metadata = jsonb_set(metadata, '{output,overdue}', 'true')
WHERE id = $1 AND state IN ('available', 'scheduled', 'retryable') AND scheduled_at > now()`, job.ID)
	if err != nil {
		return fmt.Errorf("wake job %d: %w", job.ID, err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		return nil
	}
	return e.tell(ctx, queueRuns)
}

// Drop inserts a job that lasts until the run has forgotten the delivery. An
// attempt that is going on is not interrupted.
func (e *Engine) Drop(ctx context.Context, run, deliveryID string) error {
	if _, err := e.client().Insert(ctx, dropArgs{Run: run, Delivery: deliveryID}, nil); err != nil {
		return fmt.Errorf("drop %s of %s: %w", deliveryID, run, err)
	}
	e.nudgeQueue(queueNotes)
	return nil
}

// Wake inserts the loop's job, or makes a sleeping one due. One that is at work
// cannot be told anything: for it the wake becomes a job of its own.
func (e *Engine) Wake(ctx context.Context, loop string) error {
	turn, err := e.nudge(ctx, loop)
	if err == nil && turn != "" {
		_, err = e.client().Insert(ctx, wakeArgs{Loop: loop, Turn: turn}, nil)
		e.nudgeQueue(queueNotes)
	}
	if err != nil {
		return fmt.Errorf("wake %s: %w", loop, err)
	}
	return nil
}

// nudge has a loop take a turn now. If one is being taken, which cannot know of
// what the caller has just written, it does nothing and says which.
func (e *Engine) nudge(ctx context.Context, loop string) (turn string, err error) {
	for range nudges {
		inserted, insertErr := e.client().Insert(ctx, loopArgs{Loop: loop}, nil)
		if insertErr != nil {
			return "", insertErr
		}
		if !inserted.UniqueSkippedAsDuplicate {
			e.nudgeQueue(queueLoops)
			return "", nil
		}
		job, retryErr := e.client().JobRetry(ctx, inserted.Job.ID)
		switch {
		case retryErr == nil && job.State == rivertype.JobStateRunning:
			return turnOf(job), nil
		case retryErr == nil:
			return "", e.tell(ctx, queueLoops)
		case ctx.Err() != nil:
			return "", ctx.Err()
		}
		err = retryErr // it has just ended, and perhaps another has begun
	}
	return "", err
}

// turnOf tells one turn of a loop's job from every other. Each raises one of the
// two numbers: River takes back the attempt of a job that sleeps, and counts the
// sleeps.
func turnOf(job *rivertype.JobRow) string {
	return strconv.FormatInt(job.ID, 10) + "/" + strconv.Itoa(job.Attempt) + "/" + strconv.FormatInt(snoozes(job), 10)
}

// find gives the job of a run; nil if River does not know it.
func (e *Engine) find(ctx context.Context, run string) (*rivertype.JobRow, error) {
	found, err := e.client().JobList(ctx, byRun(runArgs{}.Kind(), run))
	if err != nil || len(found.Jobs) == 0 {
		return nil, err
	}
	return found.Jobs[0], nil
}

// dropped are the deliveries that a run is to forget.
func (e *Engine) dropped(ctx context.Context, run string) (map[string]bool, error) {
	found, err := e.client().JobList(ctx, byRun(dropArgs{}.Kind(), run).States(unfinished...))
	if err != nil {
		return nil, err
	}
	all := make(map[string]bool, len(found.Jobs))
	for _, job := range found.Jobs {
		var args dropArgs
		if err := unmarshal(job.EncodedArgs, &args); err != nil {
			return nil, err
		}
		all[args.Delivery] = true
	}
	return all, nil
}

// byRun lists jobs of a kind that name a run. The limit is high on purpose: with
// a low one Postgres would rather walk the whole table than use the index.
func byRun(kind, run string) *rq.JobListParams {
	return rq.NewJobListParams().Kinds(kind).First(10_000).
		Where("args @> @naming::jsonb", rq.NamedArgs{"naming": naming(run)})
}

// waitsForCommits tells a job that came with the first commit of a run and has not
// begun: one that is to begin later says so in its arguments.
func waitsForCommits(job *rivertype.JobRow) bool {
	var args runArgs
	return job.State == rivertype.JobStateAvailable && job.Attempt == 0 && snoozes(job) == 0 &&
		job.ScheduledAt.After(job.CreatedAt) && unmarshal(job.EncodedArgs, &args) == nil && args.NotBefore.IsZero()
}

func finished(job *rivertype.JobRow) bool { return job.FinalizedAt != nil }

func clip(text string) string {
	if len(text) <= maxSummary {
		return text
	}
	cut := maxSummary
	for cut > 0 && text[cut]&0xC0 == 0x80 { // within a character
		cut--
	}
	return text[:cut]
}

var errUnreadable = errors.New("what River keeps cannot be read")
