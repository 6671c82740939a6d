// Package river is the engine that has River, and with it the Postgres that is
// there already, keep what has to happen: no other server is needed.
//
// One job carries a run: it makes the first attempts, keeps the list of what is
// not settled in its own row, and sleeps until the next delivery of it is due. A
// durable loop is one job as well. Wakes and drops that meet a job at work are
// jobs of their own until they are answered, so that none is lost.
//
// River is told ids, statuses and times. Payloads, addresses and error texts
// never get there: what fails on our side is in our own log, and the job sleeps
// for a while; it uses up none of River's attempts.
package river

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"

	"datapusher/workflows"
)

var _ workflows.Engine = (*Engine)(nil)

// Options say how an engine is connected. DB is required, Core only for an
// engine that is Run.
type Options struct {
	// DB is a pool of connections to a Postgres on which [Migrate] has run.
	DB     *sql.DB
	Core   workflows.Core
	Logger *slog.Logger // slog.Default() if nil
	// Listen hears what is sent on channels of the same Postgres, until stop: what
	// other processes have inserted begins at once. If nil, it begins when this one
	// looks for jobs, twice a second.
	Listen func(hear func(channel, payload string), channels ...string) (stop func())

	// UIURL is the base address of River UI; empty where there is none.
	UIURL string

	// Concurrency bounds the attempts under way at once in this process that
	// are not first attempts; 1,000 if zero.
	Concurrency int
	// DrainTimeout bounds how long Run waits, after its end was asked for, for
	// what is going on; then it is cut off. 35 s if zero, which is longer than
	// an attempt may take.
	DrainTimeout time.Duration
}

// Engine is River as a workflows.Engine. One that is never Run dispatches only,
// which is what a process without a worker does.
type Engine struct {
	db       *sql.DB
	core     workflows.Core
	logger   *slog.Logger
	uiURL    string
	drain    time.Duration
	poll     time.Duration
	attempts chan struct{} // a place for each attempt under way

	listen    func(hear func(channel, payload string), channels ...string) (stop func())
	ears      ears
	inserting *rq.Client[*sql.Tx]
	working   atomic.Pointer[rq.Client[*sql.Tx]] // while Run works
	beats     beats
	clock     *clock
}

// New makes an engine. It does not touch the network.
func New(options Options) (*Engine, error) {
	e := &Engine{
		db:       options.DB,
		core:     options.Core,
		logger:   cmp.Or(options.Logger, slog.Default()),
		listen:   options.Listen,
		ears:     newEars(),
		uiURL:    strings.TrimRight(options.UIURL, "/"),
		drain:    cmp.Or(options.DrainTimeout, 35*time.Second),
		poll:     poll,
		clock:    newClock(time.Now()),
		attempts: make(chan struct{}, cmp.Or(options.Concurrency, 1000)),
	}
	client, err := rq.NewClient(e.driver(), &rq.Config{
		Schema: Schema, Logger: e.riverLogger(),
		// For so long after a job River tells nobody of a further one.
		FetchCooldown: rq.FetchCooldownMin,
	})
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	e.inserting = client
	return e, nil
}

func (e *Engine) driver() driver { return driver{riverdatabasesql.New(e.db), e.ears} }

// client is the one that works, if one does.
func (e *Engine) client() *rq.Client[*sql.Tx] {
	if c := e.working.Load(); c != nil {
		return c
	}
	return e.inserting
}

// Check says whether the database answers and has River's tables.
func (e *Engine) Check(ctx context.Context) error { return CheckMigrated(ctx, e.db) }
