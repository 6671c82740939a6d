// Package workflows is the seam between Data Pusher and whatever makes its
// deliveries happen durably. It is narrow and in business words: an [Engine]
// persists what has to happen and calls the [Core] back; the core decides.
//
// The database is the authority, the engine can be wiped: only ids cross the
// seam, and texts for display. Payloads, secrets and URLs never do. Whatever an
// engine loses, the core's reconciler hands over again.
//
// The package knows the standard library alone; each engine lives in a folder
// of its own and is proven by the suite in enginetest.
package workflows

import (
	"context"
	"errors"
	"time"
)

// Run is a group of deliveries that one workflow carries. Which deliveries
// those are stands in the database, under the run's id.
type Run struct {
	ID        string    // "event/<id>" or "batch/<ulid>"; never used twice
	NotBefore time.Time // zero: at once
	Summary   string    // one line for the engine's UI; no secret, no payload
	Details   string    // more lines for the engine's UI; at most 20 kB
	// Overdue: the engine may have it, and something of it should have been attempted
	// by now. If it sleeps it asks the core again.
	Overdue bool
}

// The prefixes of the ids of loops.
const (
	LanePrefix   = "destination/"
	ReplayPrefix = "replay/"
)

// Lane is the loop of a destination that does not simply send: it parks, probes
// and drains.
func Lane(destinationID string) string { return LanePrefix + destinationID }

// Replay is the loop of a bulk replay.
func Replay(replayID string) string { return ReplayPrefix + replayID }

// ErrRunClosed is what Dispatch answers when the engine has carried that run
// to its end already: what is still open of it needs a run of a new id.
var ErrRunClosed = errors.New("the run is closed")

// ErrNotOwner is what the core answers when a delivery belongs to another run
// by now. The engine forgets the delivery; it is no failure.
var ErrNotOwner = errors.New("the delivery belongs to another run")

// ErrNoTurn is what the core answers when other runs have to start first: it is
// asked again a little later. It is no failure.
var ErrNoTurn = errors.New("other runs start before this one")

// Engine makes committed deliveries happen, durably. Everything but Run may be
// called from any process, by any number of goroutines.
type Engine interface {
	// Dispatch hands a run over. Nil means that the engine holds it durably.
	// The same run twice is one run. ErrRunClosed: it has ended before.
	Dispatch(ctx context.Context, run Run) error
	// Drop tells a run that one of its deliveries has a new owner or is canceled.
	// An unknown run or delivery is no error.
	Drop(ctx context.Context, run, deliveryID string) error
	// Wake starts a durable loop, "destination/<id>" for instance, or makes a
	// sleeping one take its next step now.
	Wake(ctx context.Context, loop string) error
	// Run works until ctx ends, then drains: what is going on may end.
	Run(ctx context.Context) error
	// Check says whether the engine can be reached now.
	Check(ctx context.Context) error
}

// Tracker is an optional ability of an engine: a link into its own UI.
type Tracker interface {
	// RunURL is where a person sees the run; "" where there is no UI, or the engine
	// does not know the run any more.
	RunURL(ctx context.Context, run string) string
}

// TxDispatcher is an optional ability of an engine that keeps its runs in the very
// Postgres that has the deliveries: the statement that commits deliveries hands
// their run over as well, so that nothing comes between the two. Dispatch for such
// a run has it begin at once, if it has not begun.
type TxDispatcher interface {
	// TxInsert is an INSERT, to be a part of that statement, that hands a run over
	// unless the engine has it already, or condition, an expression, is false. Its
	// parameters are numbered from first.
	TxInsert(first int, condition string) string
	// TxArguments are its arguments for a run that is to begin after a while. If the
	// run has no id nothing is inserted.
	TxArguments(run Run, after time.Duration) []any
}

// Core is what an engine calls back. An error means that our own side failed:
// the same call is to be made again, later, and no attempt is used up.
// A receiver's failure is an Outcome, never an error.
type Core interface {
	// First makes the first attempts of a run, or joins those that have begun
	// already, and returns one outcome for every delivery that the run owns.
	First(ctx context.Context, run string) ([]Outcome, error)
	// Attempt makes one further attempt, or says when that is due.
	Attempt(ctx context.Context, run, deliveryID string) (Outcome, error)
	// Step takes one turn of a loop. The loop's state is in the database.
	Step(ctx context.Context, loop string) (again time.Duration, done bool, err error)
}

type oursKey struct{}

// WithOurs gives a context for a call of the core that may come to be another
// process's, because this one has stood still: ours says, at once, whether it has not.
func WithOurs(ctx context.Context, ours func() bool) context.Context {
	return context.WithValue(ctx, oursKey{}, ours)
}

// Ours reports whether a call is still this process's, for all that its engine knows.
// If it is not, nothing more may be begun for it.
func Ours(ctx context.Context) bool {
	ours, ok := ctx.Value(oursKey{}).(func() bool)
	return !ok || ours()
}

// State says what an Outcome asks of the engine.
type State string

// The states of an outcome.
const (
	Settled State = "settled" // nothing more to do in this run
	Again   State = "again"   // call Attempt after Outcome.After
	Open    State = "open"    // an attempt is still going on: call Attempt after Outcome.After
)

// Outcome tells how a delivery stands after a call. Everything in it may be
// shown in the engine's UI.
type Outcome struct {
	DeliveryID    string        `json:"delivery"`
	AccountID     string        `json:"account"`
	DestinationID string        `json:"destination"`
	Label         string        `json:"label"` // "POST host (name)"
	State         State         `json:"state"`
	After         time.Duration `json:"after,omitempty"`  // with Again and Open
	Status        string        `json:"status"`           // the delivery's: succeeded, retrying, …
	Result        string        `json:"result,omitempty"` // of the last attempt: "200", "503", "timeout", …
	Attempts      int           `json:"attempts"`         // made so far
	Millis        int64         `json:"ms,omitempty"`     // the last attempt's duration
}
