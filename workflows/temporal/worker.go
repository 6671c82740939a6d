package temporal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const (
	// runsAtOnce bounds the workflow tasks, and with them the runs that make
	// their first attempts, in one process.
	runsAtOnce = 256
	// cachedWorkflows bounds the workflows whose state a process keeps, so that
	// their next task needs no replay. A run with hundreds of failing deliveries
	// takes megabytes; the SDK's default of 10,000 could take all the memory.
	cachedWorkflows = 1000
	// firstRetry and lastRetry are the delays with which an unreachable server is tried again.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 15 * time.Second
	// reachTimeout bounds one try.
	reachTimeout = 10 * time.Second
)

var sizeCache = sync.OnceFunc(func() { worker.SetStickyWorkflowCacheSize(cachedWorkflows) })

// RegisterWorkflows tells a worker, or a replayer, the workflows of this package.
func RegisterWorkflows(registry worker.WorkflowRegistry) {
	registry.RegisterWorkflowWithOptions(runWorkflow, workflow.RegisterOptions{Name: workflowRun})
	registry.RegisterWorkflowWithOptions(plainWorkflow, workflow.RegisterOptions{Name: workflowPlain})
	registry.RegisterWorkflowWithOptions(loopWorkflow, workflow.RegisterOptions{Name: workflowLoop})
}

// RegisterActivities tells a worker the activities, which call the engine's core.
func (e *Engine) RegisterActivities(registry worker.ActivityRegistry) {
	a := &activities{core: e.core, logger: e.logger, indexed: func() bool { return e.index.ready(e.now()) }}
	registry.RegisterActivityWithOptions(a.First, activity.RegisterOptions{Name: activityFirst})
	registry.RegisterActivityWithOptions(a.Attempt, activity.RegisterOptions{Name: activityAttempt})
	registry.RegisterActivityWithOptions(a.Step, activity.RegisterOptions{Name: activityStep})
}

// Run works until ctx ends, and then lets what is going on end, for as long as
// DrainTimeout. A server that cannot be reached yet, or that does not know the
// namespace yet, is waited for: meanwhile events are accepted, and lie in the
// database. Whatever else keeps a worker from working is returned.
func (e *Engine) Run(ctx context.Context) error {
	if e.core == nil {
		return errors.New("temporal: an engine without a core cannot be run")
	}
	sizeCache()
	fatal := make(chan error, 1)
	w, err := e.start(ctx, fatal)
	if ctx.Err() != nil && w == nil {
		return nil
	}
	if err != nil {
		return err
	}
	e.working.Store(true)
	select {
	case <-ctx.Done():
	case err = <-fatal:
		err = fmt.Errorf("temporal: the worker has failed: %w", err)
	}
	e.working.Store(false)
	w.Stop()
	return err
}

// start returns a worker that works, or the reason why there is none.
func (e *Engine) start(ctx context.Context, fatal chan<- error) (worker.Worker, error) {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := e.reach(ctx)
		if err == nil {
			w := e.newWorker(e.client, e.taskQueue, e.workerOptions(fatal))
			RegisterWorkflows(w)
			e.RegisterActivities(w)
			if err = w.Start(); err == nil {
				return w, nil
			}
		}
		_, unknown := errors.AsType[*serviceerror.NamespaceNotFound](err)
		if ctx.Err() != nil || !unknown && !unreachable(err) {
			return nil, err
		}
		e.logger.WarnContext(ctx, "temporal cannot be reached; trying again", "error", err, "in", delay)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(delay):
		}
	}
}

// reach says whether the server is there, without waiting for it as the SDK does.
func (e *Engine) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if err := e.Check(ctx); err != nil {
		return err
	}
	return e.Prepare(ctx)
}

func (e *Engine) workerOptions(fatal chan<- error) worker.Options {
	return worker.Options{
		// Each task of a run's beginning waits for a local activity, so as many
		// of these as of those, or one would wait for another's slot while its
		// own task runs into its timeout.
		MaxConcurrentWorkflowTaskExecutionSize:  runsAtOnce,
		MaxConcurrentLocalActivityExecutionSize: runsAtOnce,
		// What is due at once is more than may be sent at once; it waits here, at
		// no cost, rather than in the core.
		MaxConcurrentActivityExecutionSize: e.attempts,
		// The SDK's default of two is one poll for new tasks and one for those of
		// cached workflows: too few when thousands of retries come due together.
		// Runs started here need no poll at all.
		MaxConcurrentWorkflowTaskPollers: 4,
		MaxConcurrentActivityTaskPollers: 8,
		// Tasks of a worker that is gone without a word go to another after this.
		StickyScheduleToStartTimeout: 5 * time.Second,
		// A run's activities begin in the process that has just made its first
		// attempts, without a way through a task queue.
		DisableEagerActivities: false,
		// An attempt that has begun may end: a receiver should not see it twice.
		WorkerStopTimeout: e.drain,
		// The default of one second takes a busy machine for a deadlock.
		DeadlockDetectionTimeout: 5 * time.Second,
		// Functions are known by the names in names.go alone.
		DisableRegistrationAliasing: true,
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default:
			}
		},
	}
}
