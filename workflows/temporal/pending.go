package temporal

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

// window bounds the activities that a run has pending at once. A run has no
// more unsettled deliveries than that; if one ever has, the others wait for a
// place. Temporal refuses a workflow that goes past 2,000.
const window = 500

const (
	// attemptTimeout bounds one execution of Attempt. An HTTP attempt ends after
	// 30 s at most; the rest is for waiting in a bulkhead and for recording.
	attemptTimeout = 2 * time.Minute
	// heartbeatTimeout is how soon it is noticed that a worker has died.
	heartbeatTimeout = 15 * time.Second
)

// pending is what a run has still to settle.
type pending struct {
	run      string
	waiting  []unsettledDelivery            // for a place in the window
	started  map[string]workflow.CancelFunc // by delivery id
	dropped  map[string]bool
	selector workflow.Selector // over the activities and the drop signal
	result   Result
}

func newPending(ctx workflow.Context, run string, first firstResult) *pending {
	p := &pending{
		run:      run,
		waiting:  first.Unsettled,
		started:  map[string]workflow.CancelFunc{},
		dropped:  map[string]bool{},
		selector: workflow.NewSelector(ctx),
		result:   first.Result,
	}
	// First in the selector: drops that came during the first attempts are seen
	// before any activity's end, and what they cancel is not even scheduled.
	p.selector.AddReceive(workflow.GetSignalChannel(ctx, signalDrop), func(c workflow.ReceiveChannel, _ bool) {
		var id string
		c.Receive(ctx, &id)
		p.drop(id)
	})
	if first.Indexed && len(p.waiting) > 0 {
		upsertAttributes(ctx, p.waiting)
	}
	return p
}

// settle returns when there is nothing more to look after, or with the error of
// a workflow that was canceled; then the reconciler takes the rest.
func (p *pending) settle(ctx workflow.Context) error {
	for {
		for len(p.started) < window && len(p.waiting) > 0 {
			next := p.waiting[0]
			p.waiting = p.waiting[1:]
			p.start(ctx, next)
		}
		if len(p.started) == 0 {
			return nil
		}
		p.selector.Select(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// start schedules a delivery's activity, now, though its next attempt is not
// due: the first execution only reports what has happened and when the next is
// due, so that an operator sees it.
func (p *pending) start(ctx workflow.Context, d unsettledDelivery) {
	cancelable, cancel := workflow.WithCancel(ctx)
	cancelable = workflow.WithActivityOptions(cancelable, workflow.ActivityOptions{
		ActivityID:          d.ID,
		Summary:             d.Label,
		StartToCloseTimeout: attemptTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		// For failures on our own side, and for executions that were lost. What is
		// not due brings its own delay, which may be longer than the policy's longest.
		RetryPolicy: ownFailurePolicy(),
	})
	p.started[d.ID] = cancel
	attempts := workflow.ExecuteActivity(cancelable, activityAttempt, p.run, d.ID)
	p.selector.AddFuture(attempts, func(f workflow.Future) {
		cancel()
		delete(p.started, d.ID)
		left := Delivery{ID: d.ID}
		if err := f.Get(ctx, &left); err != nil {
			left.Outcome = Abandoned
			if p.dropped[d.ID] {
				left.Outcome = Dropped
			}
		}
		p.result.add(left)
	})
}

func (p *pending) drop(id string) {
	if cancel, ok := p.started[id]; ok {
		p.dropped[id] = true
		cancel() // its future is ready at once: nobody waits for an attempt that goes on
		return
	}
	at := slices.IndexFunc(p.waiting, func(d unsettledDelivery) bool { return d.ID == id })
	if at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		p.result.add(Delivery{ID: id, Outcome: Dropped})
	}
}
