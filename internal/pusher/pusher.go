// Package pusher holds the commands: what changes accounts, tokens and
// destinations, what steers deliveries and what replays events. GraphQL, REST
// and the command line all call it, so that a rule stands in one place. Who asks
// is in the context ([auth.With]); queries go straight to ent.
package pusher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/internal/auth"
	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/statistics"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// What one account may have. The bounds are generous: they keep one account
// from filling the house, not from working.
const (
	MaxDestinations   = 5000 // that are not deleted
	MaxTokens         = 100  // that are valid
	MaxSigningSecrets = 5    // of one destination that are valid at the same time
	MaxOverlap        = 7 * 24 * time.Hour
)

// Options of a [Pusher]. DB and Box are needed.
type Options struct {
	DB  *database.DB
	Box vault.Box
	// Auth forgets what it has cached of an account whose credentials change.
	Auth *auth.Authenticator
	// Engine hears of deliveries that have a new owner, and of loops that have
	// something to do.
	Engine workflows.Engine
	// Sender builds the request that a preview shows.
	Sender Builder
	// Changed is told of an account whose destinations have changed, after the
	// commit, so that caches can forget them.
	Changed func(accountID string)
	// Changes is told of what commands change, for those who watch; nil: nobody is.
	Changes *changes.Bus
	// Statistics counts the events that are made here: replays and tests; nil: nobody
	// does.
	Statistics *statistics.Counter
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Logger hears of what a caller must not wait for.
	Logger *slog.Logger
}

// Builder makes the request of an attempt without sending it.
type Builder interface {
	Build(*sender.Request) (sender.Message, sender.Class)
}

// Pusher carries out commands, for any number of goroutines. Every error that a
// caller may cause is a [problem.Error]; everything else is our side's.
type Pusher struct {
	o      Options
	minter id.Minter // of the events that are made here: replays and tests
}

// New makes a pusher.
func New(o Options) *Pusher {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	return &Pusher{o: o}
}

// now is the time as both databases keep it.
func (p *Pusher) now() time.Time { return p.o.Now().UTC().Truncate(time.Microsecond) }

// maxTries bounds how often a transaction is begun again.
const maxTries = 3

// tx runs a command in one transaction: all of it happens or nothing. One that
// met the core's on the same deliveries, and lost, is run again.
func (p *Pusher) tx(ctx context.Context, command func(*ent.Client) error) (err error) {
	for range maxTries {
		if err = p.try(ctx, command); database.Classify(err) != database.Repeat {
			break
		}
	}
	return err
}

func (p *Pusher) try(ctx context.Context, command func(*ent.Client) error) error {
	tx, err := p.o.DB.Ent.Tx(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := command(tx.Client()); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// lock reads an account that the viewer may reach, and keeps other commands on
// the same account waiting: limits and rotations count on what they have read.
func (p *Pusher) lock(ctx context.Context, tx *ent.Client, accountID string) (*ent.Account, error) {
	if !id.Is(id.Account, accountID) {
		return nil, noSuch("account")
	}
	q := tx.Account.Query().Where(account.ID(accountID))
	if p.o.DB.Postgres() { // SQLite's transactions take the only write lock as they begin
		q = q.ForUpdate()
	}
	a, err := q.Only(ctx)
	return a, missing(err, "account")
}

// missing turns ent's "not found" into the answer for a caller. It is the same
// for what does not exist and for what belongs to another account.
func missing(err error, what string) error {
	if ent.IsNotFound(err) {
		return noSuch(what)
	}
	return err
}

func noSuch(what string) error { return problem.New(problem.NotFound, "there is no such %s", what) }

// credentialsChanged makes a change of an account's tokens work at once here.
func (p *Pusher) credentialsChanged(accountID string) {
	if p.o.Auth != nil {
		p.o.Auth.Forget(accountID)
	}
}

// valid is what every input can say of itself.
type valid interface{ Validate() error }

// begin is how every command on existing things begins: who asks comes before
// what is asked.
func begin(ctx context.Context, in valid) error {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return err
	}
	return in.Validate()
}

// conflict turns a unique violation into the answer for a caller.
func conflict(err error, format string, args ...any) error {
	if coded := (*problem.Error)(nil); !errors.As(err, &coded) && ent.IsConstraintError(err) {
		return problem.Wrap(err, problem.Conflict, format, args...)
	}
	return err
}
