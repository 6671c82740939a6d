package river

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	rq "github.com/riverqueue/river"
)

const (
	// runsAtOnce bounds the runs that a process is at: each waits for first
	// attempts, or for the attempts that are due.
	runsAtOnce = 256
	// loopsAtOnce bounds the turns of loops.
	loopsAtOnce = 128
	// notesAtOnce bounds the wakes and drops that are looked after.
	notesAtOnce = 16

	// poll is how often a process asks for jobs that it has not heard of: those that
	// another has put to sleep, or inserted while this one could not listen.
	poll     = 500 * time.Millisecond
	cooldown = 50 * time.Millisecond // the least time between two such questions
	// inTime is how much later a process looks that knows when a job is due: clocks
	// differ a little.
	inTime = 5 * time.Millisecond
	// soon bounds the timers of a process.
	soon = time.Minute

	// remembered is how long River keeps what has ended. While it does, Dispatch
	// tells a run that is closed.
	remembered = time.Hour
	// afterCut is how long what is cut off may take to end.
	afterCut = 5 * time.Second
)

// Run works until ctx ends, and then lets what is going on end, for as long as
// DrainTimeout. A database that cannot be reached, or has no tables of River, is
// an error at the start; later it is waited for.
func (e *Engine) Run(ctx context.Context) error {
	if e.core == nil {
		return errors.New("river: an engine without a core cannot be run")
	}
	if err := e.Check(ctx); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return fmt.Errorf("river: %w", err)
	}
	if err := e.learnTime(ctx); err != nil {
		return fmt.Errorf("river: %w", err)
	}
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	client, err := rq.NewClient(e.driver(), e.config(hard, ctx.Done()))
	if err != nil {
		return fmt.Errorf("river: %w", err)
	}
	defer e.alarm(client)()
	if e.listen != nil {
		defer e.listen(e.ears.hear, channelInsert, Schema+"."+topicControl, Schema+"."+topicLeadership)()
	}
	if err := client.Start(hard); err != nil {
		return fmt.Errorf("river: %w", err)
	}
	e.working.Store(client)
	var beating sync.WaitGroup
	beating.Go(func() { e.beat(hard) })
	<-ctx.Done()
	e.working.Store(nil)
	err = e.end(client, cut)
	cut()
	beating.Wait()
	return err
}

// end lets jobs end, and cuts off those that take too long.
func (e *Engine) end(client *rq.Client[*sql.Tx], cut func()) error {
	late := time.AfterFunc(e.drain, cut)
	defer late.Stop()
	limited, cancel := context.WithTimeout(context.Background(), e.drain+afterCut)
	defer cancel()
	if err := client.Stop(limited); err != nil {
		return fmt.Errorf("river: jobs do not end: %w", err)
	}
	return nil
}

func (e *Engine) config(hard context.Context, stop <-chan struct{}) *rq.Config {
	workers := rq.NewWorkers()
	rq.AddWorker(workers, &runWorker{engine: e, stop: stop, hard: hard})
	rq.AddWorker(workers, &loopWorker{engine: e, hard: hard})
	rq.AddWorker(workers, &wakeWorker{engine: e})
	rq.AddWorker(workers, &dropWorker{engine: e})
	return &rq.Config{
		Schema:  Schema,
		Logger:  e.riverLogger(),
		Workers: workers,
		Queues: map[string]rq.QueueConfig{
			queueRuns:  {MaxWorkers: runsAtOnce, FetchPollInterval: e.poll},
			queueLoops: {MaxWorkers: loopsAtOnce, FetchPollInterval: e.poll},
			queueNotes: {MaxWorkers: notesAtOnce, FetchPollInterval: e.poll},
		},
		FetchCooldown: cooldown,
		MaxAttempts:   neverGivenUp,
		Test:          rq.TestConfig{Time: e.clock}, // moves sleeping jobs to where they are fetched
		JobTimeout:    -1,                           // none, and with it River's own rescuer is off: see beat

		CompletedJobRetentionPeriod: remembered,
		CancelledJobRetentionPeriod: remembered,
		DiscardedJobRetentionPeriod: remembered,
		// To rebuild an index takes its owner, which a process should not be.
		ReindexerIndexNames: []string{},
	}
}
