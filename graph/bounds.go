package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// bounds bound the time of what a subscription looks up for its events: the
// operation itself may go on for ever. What is looked up for one field may be handed
// to the fields below, so that its context must not end with it: fields share one,
// which is a new one now and then and ends later.
type bounds struct {
	operation context.Context
	most      time.Duration

	mu     sync.Mutex
	timed  context.Context
	cancel context.CancelFunc // of the last one; the others end by themselves
	until  time.Time          // it is used
}

type boundsKey struct{}

// withBounds gives every field of an operation between one and two times most.
func withBounds(ctx context.Context, most time.Duration) context.Context {
	return context.WithValue(ctx, boundsKey{}, &bounds{operation: ctx, most: most})
}

func (b *bounds) now() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.timed == nil || now.After(b.until) {
		b.timed, b.cancel = context.WithTimeout(b.operation, 2*b.most)
		b.until = now.Add(b.most)
	}
	return b.timed
}

// bounded has the values of one context and the end of another.
type bounded struct {
	context.Context
	end context.Context
}

func (c bounded) Deadline() (time.Time, bool) { return c.end.Deadline() }
func (c bounded) Done() <-chan struct{}       { return c.end.Done() }
func (c bounded) Err() error                  { return c.end.Err() }

// boundFields keeps the fields of a subscription's events to their bounds.
func boundFields(ctx context.Context, next graphql.Resolver) (any, error) {
	if b, ok := ctx.Value(boundsKey{}).(*bounds); ok && graphql.GetFieldContext(ctx).Object != "Subscription" {
		ctx = bounded{ctx, b.now()}
	}
	return next(ctx)
}
