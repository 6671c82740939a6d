// Package temporal is the engine that has Temporal keep what has to happen.
//
// One workflow carries a run: its first attempts are one local activity in the
// first workflow task, and each delivery that is not settled then becomes one
// regular activity, which Temporal tries again until the delivery is settled.
// An operator therefore finds in Temporal's UI how many attempts a delivery has
// had, how the last one ended and when the next is due. A durable loop is one
// workflow as well, of the type Loop.
//
// Temporal is told ids, labels, statuses and milliseconds. Payloads, addresses
// and error texts never get there: what fails on our side is in our own log.
package temporal

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"datapusher/workflows"
)

var (
	_ workflows.Engine  = (*Engine)(nil)
	_ workflows.Tracker = (*Engine)(nil)
)

// Options say how an engine is connected. Client is required, Core only for an
// engine that is Run.
type Options struct {
	// Client starts the workflows and works on them. It has to be one and the
	// same for both: only then does a run's first workflow task come back in the
	// answer to its start ("eager start"), without a way through a task queue.
	Client client.Client
	Core   workflows.Core
	Logger *slog.Logger // slog.Default() if nil

	Namespace string // the client's; "default" if empty
	TaskQueue string // "datapusher" if empty
	UIURL     string // the base address of Temporal's UI; empty where there is none

	// Plain has first attempts made by a regular activity, which costs the server
	// several times as much as a local one: for comparison.
	Plain bool

	// Concurrency bounds the attempts under way at once in this process that
	// are not first attempts; 1,000 if zero.
	Concurrency int
	// DrainTimeout bounds how long Run waits, after its end was asked for, for
	// what is going on: first for the workflow tasks with their first attempts,
	// which take some seconds at most, then for the other attempts. 35 s if zero,
	// which is longer than an attempt may take.
	DrainTimeout time.Duration
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Engine is Temporal as a workflows.Engine. One that is never Run dispatches
// only, which is what a process without a worker does.
type Engine struct {
	client    client.Client
	core      workflows.Core
	logger    *slog.Logger
	namespace string
	taskQueue string
	uiURL     string
	workflow  string // of a run
	attempts  int
	drain     time.Duration
	now       func() time.Time
	newWorker func(client.Client, string, worker.Options) worker.Worker

	index   index
	working atomic.Bool // the worker takes new tasks
}

// New makes an engine. It does not touch the network.
func New(options Options) *Engine {
	e := &Engine{
		client:    options.Client,
		core:      options.Core,
		logger:    options.Logger,
		namespace: cmp.Or(options.Namespace, client.DefaultNamespace),
		taskQueue: cmp.Or(options.TaskQueue, "datapusher"),
		uiURL:     strings.TrimRight(options.UIURL, "/"),
		workflow:  workflowRun,
		attempts:  cmp.Or(options.Concurrency, 1000),
		drain:     cmp.Or(options.DrainTimeout, 35*time.Second),
		now:       options.Now,
		newWorker: worker.New,
	}
	if options.Plain {
		e.workflow = workflowPlain
	}
	if e.logger == nil {
		e.logger = slog.Default()
	}
	if e.now == nil {
		e.now = time.Now
	}
	return e
}

// Check asks Temporal's frontend whether it serves.
func (e *Engine) Check(ctx context.Context) error {
	_, err := e.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// RunURL is the page of a run, or of a loop, in Temporal's UI; "" without one.
func (e *Engine) RunURL(_ context.Context, run string) string {
	if e.uiURL == "" {
		return ""
	}
	return e.uiURL + "/namespaces/" + url.PathEscape(e.namespace) + "/workflows/" + url.PathEscape(run)
}
