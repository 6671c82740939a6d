package river

import (
	"context"
	"sync"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// clock is that of Postgres, by which jobs are due: what it was last known to show, and
// the time that has passed since. That of the process may be wrong, or be set.
type clock struct {
	mu   sync.Mutex
	at   time.Time // there
	seen time.Time // here
}

var _ rivertype.TimeGenerator = (*clock)(nil)

// newClock goes by that of the process until it is asked for.
func newClock(now time.Time) *clock { return &clock{at: now.Round(0), seen: time.Now()} }

// Now is the time there.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at.Add(time.Since(c.seen))
}

// NowOrNil has River's statements take Postgres's own time.
func (c *clock) NowOrNil() *time.Time { return nil }

func (c *clock) until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// learn notes what it showed between two moments. What is known stays for as long as
// it may be right: an answer that takes its time says little.
func (c *clock) learn(at, asked, answered time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.at.Add(answered.Sub(c.seen))
	if latest := at.Add(answered.Sub(asked)); known.After(latest) {
		known = latest
	}
	if known.Before(at) {
		known = at
	}
	c.at, c.seen = known, answered
}

func (e *Engine) learnTime(ctx context.Context) error {
	var at time.Time
	asked := time.Now()
	if err := e.db.QueryRowContext(ctx, `SELECT now()`).Scan(&at); err != nil {
		return err
	}
	e.clock.learn(at, asked, time.Now())
	return nil
}

// snooze has a job sleep. River adds what it is given to the process's clock.
func (e *Engine) snooze(d time.Duration) error {
	return rq.JobSnooze(time.Until(e.clock.Now().Add(max(d, 0))))
}
