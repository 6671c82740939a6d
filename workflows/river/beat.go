package river

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
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
	jobs map[int64]bool
}

// hold has a job beaten for until the function is called that it returns.
func (b *beats) hold(job int64) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs == nil {
		b.jobs = map[int64]bool{}
	}
	b.jobs[job] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.jobs, job)
	}
}

// list is an array of Postgres as text.
func (b *beats) list() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]string, 0, len(b.jobs))
	for id := range b.jobs {
		all = append(all, strconv.FormatInt(id, 10))
	}
	return "{" + strings.Join(all, ",") + "}"
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
	_, err := e.db.ExecContext(ctx,
		`UPDATE river.river_job SET attempted_at = now() WHERE id = ANY($1::bigint[]) AND state = 'running'`, e.beats.list())
	if err != nil {
		return err
	}
	if !own.beat(time.Now()) {
		return nil
	}
	result, err := e.db.ExecContext(ctx, `UPDATE river.river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND attempted_at < now() - make_interval(secs => $1)`, deadAfter.Seconds())
	if err != nil {
		return err
	}
	if n, _ := result.RowsAffected(); n > 0 {
		e.logger.WarnContext(ctx, "jobs of a worker that has died are taken up", "jobs", n)
	}
	return nil
}
