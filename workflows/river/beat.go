package river

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	rq "github.com/riverqueue/river"
)

const (
	// deadAfter is how long a job may be without a beat before it is given to
	// another worker. River looks for such jobs every half minute.
	deadAfter = 20 * time.Second
	// beatEvery leaves room for a database that is slow.
	beatEvery = 5 * time.Second
	// beatTimeout bounds one beat.
	beatTimeout = 10 * time.Second
)

// rescued is what all workers have in common: River's timeout is not how long
// a job may take, but after which one without a beat counts as abandoned. It is
// then taken up at once.
type rescued[T rq.JobArgs] struct{ rq.WorkerDefaults[T] }

// Timeout is the least age of a job that is rescued.
func (rescued[T]) Timeout(*rq.Job[T]) time.Duration { return deadAfter }

// NextRetry is when a rescued job is due.
func (rescued[T]) NextRetry(*rq.Job[T]) time.Time { return time.Now() }

// detach gives a context that lives through River's timeout, and ends with hard.
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
func (b *beats) list() (ids string, some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]string, 0, len(b.jobs))
	for id := range b.jobs {
		all = append(all, strconv.FormatInt(id, 10))
	}
	return "{" + strings.Join(all, ",") + "}", len(all) > 0
}

// beat tells River now and then that jobs go on, however long they may take, so
// that what a worker was at that has died is given to another soon.
func (e *Engine) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ids, some := e.beats.list()
		if !some {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, beatTimeout)
		_, err := e.db.ExecContext(limited,
			`UPDATE `+Schema+`.river_job SET attempted_at = now() WHERE id = ANY($1::bigint[]) AND state = 'running'`, ids)
		cancel()
		if err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "river: no beat", "error", err)
		}
	}
}
