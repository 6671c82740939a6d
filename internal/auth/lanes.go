package auth

import "context"

const (
	// unknownAtOnce secrets that were never found right are looked up at a time, and
	// suspectAtOnce of those that come from where wrong ones come from. Together
	// they leave connections of the database, of which SQLite has four to read.
	unknownAtOnce = 2
	suspectAtOnce = 1
)

// lanes bound how many unknown secrets are looked up at the same time. A hundred
// guesses at once must not be in the way of others: tokens that are in use are
// looked up beside the lanes, and new ones wait behind others that are new, not
// behind suspects, unless they come from the same place.
type lanes struct{ unknown, suspect chan struct{} }

func newLanes() lanes {
	return lanes{unknown: make(chan struct{}, unknownAtOnce), suspect: make(chan struct{}, suspectAtOnce)}
}

// enter waits for a place until ctx ends; known secrets need none.
func (l lanes) enter(ctx context.Context, known bool) (leave func(), err error) {
	if known {
		return func() {}, nil
	}
	lane := l.unknown
	if isSuspect(ctx) {
		lane = l.suspect
	}
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type suspectKey struct{}

func isSuspect(ctx context.Context) bool { return ctx.Value(suspectKey{}) != nil }

// AsSuspect marks a request that comes from where many wrong secrets have come
// from. Unless its own is known as right it is looked up in a lane with others of
// that kind; it is never refused for where it comes from.
func AsSuspect(ctx context.Context) context.Context {
	return context.WithValue(ctx, suspectKey{}, true)
}
