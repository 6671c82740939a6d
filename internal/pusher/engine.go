package pusher

import (
	"context"
	"time"

	"datapusher/workflows"
)

// patience bounds how long a command waits for the engine.
const patience = 2 * time.Second

// tell lets the engine know of what is committed. A failure is logged only: what
// has to be done stands in the database, and the reconciler hands it over.
func (p *Pusher) tell(ctx context.Context, what string, call func(context.Context, workflows.Engine) error) (ok bool) {
	if p.o.Engine == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := call(ctx, p.o.Engine); err != nil {
		p.o.Logger.WarnContext(ctx, "the engine could not be told; the reconciler will do it", "what", what, "error", err)
		return false
	}
	return true
}

// wake makes loops take their next turn now. An engine that does not answer is
// not asked for each of them.
func (p *Pusher) wake(ctx context.Context, loops ...string) {
	for _, loop := range loops {
		if !p.tell(ctx, "wake "+loop, func(ctx context.Context, e workflows.Engine) error { return e.Wake(ctx, loop) }) {
			return
		}
	}
}

// dispatch hands a run over; "" is none.
func (p *Pusher) dispatch(ctx context.Context, run, summary string) {
	if run == "" {
		return
	}
	p.tell(ctx, "dispatch "+run, func(ctx context.Context, e workflows.Engine) error {
		return e.Dispatch(ctx, workflows.Run{ID: run, Summary: summary})
	})
}

// drop tells a run that it has lost a delivery; "" is none.
func (p *Pusher) drop(ctx context.Context, run, deliveryID string) {
	if run == "" {
		return
	}
	p.tell(ctx, "drop "+deliveryID+" from "+run, func(ctx context.Context, e workflows.Engine) error {
		return e.Drop(ctx, run, deliveryID)
	})
}
