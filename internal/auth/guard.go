package auth

import "context"

// Check turns a secret into its viewer, as [Authenticator.Authenticate] does.
type Check func(ctx context.Context, secret string) (*Viewer, error)

type guardKey struct{}

// Guarded gives a context the check that the door in front makes of secrets. It is
// for those that come later than the request, in the messages of a WebSocket, so
// that they are counted like others.
func Guarded(ctx context.Context, guard Check) context.Context {
	return context.WithValue(ctx, guardKey{}, guard)
}

// GuardOf finds the check of a context; otherwise it is the one that is given.
func GuardOf(ctx context.Context, otherwise Check) Check {
	if guard, ok := ctx.Value(guardKey{}).(Check); ok {
		return guard
	}
	return otherwise
}
