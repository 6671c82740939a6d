package river

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

const (
	// deadAfter is how long a job may be without a beat before it is given to
	// another worker.
	deadAfter = 20 * time.Second
	// beatEvery leaves room for a database that is slow.
	beatEvery = 5 * time.Second
	// beatTimeout bounds one beat.
	beatTimeout = 10 * time.Second
	// steadyFor is how long a worker's own beats have come through before it takes
	// another for dead: while the database was away nobody's did, and by then all that
	// live have had one again.
	steadyFor = beatTimeout + beatEvery
)

// pulse is whether a worker's own beats come through. Its times are one process's.
type pulse struct{ since, last time.Time }

// beat notes a beat that has come through, and tells whether they have for long
// enough to take somebody without one for dead.
func (p *pulse) beat(now time.Time) (steady bool) {
	if p.last.IsZero() || now.Sub(p.last) > 2*beatEvery {
		p.since = now
	}
	p.last = now
	return now.Sub(p.since) >= steadyFor
}

// miss notes one that has not.
func (p *pulse) miss() { *p = pulse{} }

// detach gives a context that ends with hard alone: what has begun is not torn off
// when somebody cancels the job in River's UI.
func detach(ctx, hard context.Context) context.Context { return detached{hard, ctx} }

type detached struct {
	context.Context
	values context.Context
}

// Value is what the job's own context has.
func (d detached) Value(key any) any { return d.values.Value(key) }

// beats are the jobs that this process is at.
type beats struct {
	mu   sync.Mutex
	jobs map[int64]*held
}

// held is a job that this process is at.
type held struct {
	mu   sync.Mutex
	told time.Time // when River's table last said that the job is ours
	lost bool
}

// ours reports whether nobody else can be at the job: the table has said so less
// than deadAfter ago. A process that has stood still begins nothing before it has
// asked again.
func (h *held) ours() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.lost && time.Since(h.told) < deadAfter
}

// hear notes what the table said to a question of that time.
func (h *held) hear(asked time.Time, ours bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ours {
		h.told = asked
	} else {
		h.lost = true // for good: a job that is taken over has a new id
	}
}

// hold has a job beaten for, from when it was fetched until the function is called that
// it returns.
func (e *Engine) hold(job *rivertype.JobRow) (h *held, release func()) {
	told := time.Now()
	if job.AttemptedAt != nil {
		told = told.Add(min(e.clock.until(*job.AttemptedAt), 0))
	}
	return e.beats.hold(job.ID, told)
}

func (b *beats) hold(job int64, told time.Time) (h *held, release func()) {
	h = &held{told: told}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs == nil {
		b.jobs = map[int64]*held{}
	}
	b.jobs[job] = h
	return h, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.jobs[job] == h {
			delete(b.jobs, job)
		}
	}
}

// has reports whether a job is held still.
func (b *beats) has(job int64, h *held) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs[job] == h
}

// list is what is held now, and its ids as an array of Postgres, as text.
func (b *beats) list() (all map[int64]*held, ids string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	texts := make([]string, 0, len(b.jobs))
	for id := range b.jobs {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	return maps.Clone(b.jobs), "{" + strings.Join(texts, ",") + "}"
}

// beat tells now and then that jobs go on, however long they may take, and takes up
// those of which nobody has told that for a while: their worker has died. River's
// own way to find these is a bound on how long a job may take.
func (e *Engine) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	var own pulse
	for {
		if err := e.beatOnce(ctx, &own); err != nil && ctx.Err() == nil {
			own.miss()
			e.logger.WarnContext(ctx, "river: no beat", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (e *Engine) beatOnce(ctx context.Context, own *pulse) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	if err := e.tellOfJobs(ctx); err != nil {
		return err
	}
	if err := e.learnTime(ctx); err != nil {
		return err
	}
	if !own.beat(time.Now()) {
		return nil
	}
	result, err := e.db.ExecContext(ctx, takeOver, deadAfter.Seconds())
	if err != nil {
		return err
	}
	if n, _ := result.RowsAffected(); n > 0 {
		e.logger.WarnContext(ctx, "jobs of a worker that has died are taken up", "jobs", n)
		for _, queue := range []string{queueRuns, queueLoops, queueNotes} {
			e.nudgeQueue(queue)
		}
	}
	return nil
}

// tellOfJobs beats for the jobs that this process is at, and hears of those that it
// has lost.
func (e *Engine) tellOfJobs(ctx context.Context) error {
	all, ids := e.beats.list() // none is asked for, too: it shows that beats come through
	asked := time.Now()
	rows, err := e.db.QueryContext(ctx, stillOurs, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	ours := make(map[int64]bool, len(all))
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ours[id] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, h := range all {
		h.hear(asked, ours[id])
		if !ours[id] && e.beats.has(id, h) {
			e.logger.WarnContext(ctx, "a job was taken over by another worker", "job", id)
		}
	}
	return nil
}

// stillOurs beats for jobs and returns those that are there.
const stillOurs = `UPDATE ` + Schema + `.river_job SET attempted_at = now()
WHERE id = ANY($1::bigint[]) AND state = 'running' RETURNING id`

// takeOver gives jobs without a beat to another worker, each as a new job: whatever
// the old worker still says, should it come back, is about an id that is gone. So it
// can neither end the job nor put it to sleep, nor write over what its successor
// keeps in it.
const takeOver = `
WITH dead AS (
  DELETE FROM ` + Schema + `.river_job WHERE state = 'running' AND attempted_at < now() - make_interval(secs => $1)
  RETURNING *
)
INSERT INTO ` + Schema + `.river_job (state, scheduled_at, kind, queue, args, attempt, max_attempts, priority,
  created_at, attempted_at, attempted_by, errors, metadata, tags, unique_key, unique_states)
SELECT 'available'::` + Schema + `.river_job_state, now(), kind, queue, args, attempt, max_attempts, priority,
  created_at, attempted_at, attempted_by, errors, metadata, tags, unique_key, unique_states
FROM dead`
