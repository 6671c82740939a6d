package river

import (
	"context"
	"database/sql"
	"strings"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
)

// The topics that River sends notifications under, each on a channel of Postgres
// that has the schema before it.
const (
	topicInsert     = "river_insert"
	topicControl    = "river_control"
	topicLeadership = "river_leadership"

	channelInsert = Schema + "." + topicInsert
)

// ears are what River hears of, in place of asking often: what other processes say
// through Postgres, and what this process knows by itself: a job that it has put to
// sleep is due now. To miss something is no harm; River asks now and then.
type ears struct {
	heard chan *riverdriver.Notification
}

func newEars() ears { return ears{make(chan *riverdriver.Notification, 64)} }

// hear is what [Options.Listen] is given.
func (e ears) hear(channel, payload string) {
	select {
	case e.heard <- &riverdriver.Notification{Topic: strings.TrimPrefix(channel, Schema+"."), Payload: payload}:
	default: // there is enough to look at
	}
}

// driver is River's own, with ears: it cannot listen by itself.
type driver struct {
	*riverdatabasesql.Driver
	ears ears
}

// SupportsListener says that there are ears.
func (d driver) SupportsListener() bool { return true }

// GetListener gives them.
func (d driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return listener(d)
}

// listener is the ears as River asks for them. What they hear of does not depend on
// who is connected, so there is little to do.
type listener driver

// Close does nothing.
func (l listener) Close(context.Context) error { return nil }

// Connect does nothing.
func (l listener) Connect(context.Context) error { return nil }

// Listen does nothing.
func (l listener) Listen(context.Context, string) error { return nil }

// Unlisten does nothing.
func (l listener) Unlisten(context.Context, string) error { return nil }

// Ping does nothing.
func (l listener) Ping(context.Context) error { return nil }

// Schema is that of River's tables.
func (l listener) Schema() string { return Schema }

// SetAfterConnectExec is for River's own tests.
func (l listener) SetAfterConnectExec(string) {}

// WaitForNotification waits until something is heard, or ctx ends.
func (l listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case n := <-l.ears.heard:
		return n, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// nudgeQueue has this process look for jobs, if it works.
func (e *Engine) nudgeQueue(queue string) { e.ears.hear(channelInsert, payloadOf(queue)) }

// nudgeAt has it look when something is due soon. What is due later it finds when it
// asks.
func (e *Engine) nudgeAt(queue string, after time.Duration) {
	if e.working.Load() != nil && after < soon {
		time.AfterFunc(after+inTime, func() { e.nudgeQueue(queue) })
	}
}

// tell has somebody look: this process, if it works, or those that do. River does
// not say so of jobs that are made due.
func (e *Engine) tell(ctx context.Context, queue string) error {
	if e.working.Load() != nil {
		e.nudgeQueue(queue)
		return nil
	}
	_, err := e.db.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channelInsert, payloadOf(queue))
	return err
}

func payloadOf(queue string) string { return `{"queue": "` + queue + `"}` }

// alarm looks for jobs that this process has put to sleep when they are due.
func (e *Engine) alarm(client *rq.Client[*sql.Tx]) (stop func()) {
	asleep, stop := client.Subscribe(rq.EventKindJobSnoozed)
	go func() {
		for slept := range asleep {
			e.nudgeAt(slept.Job.Queue, max(e.clock.until(slept.Job.ScheduledAt), 0))
		}
	}()
	return stop
}
