package pusher

import (
	"context"
	"maps"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/destination"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
	"datapusher/workflows"
)

// The reasons of what was deleted, which its deliveries are canceled with.
const (
	destinationDeleted = "destination_deleted"
	accountDeleted     = "account_deleted"
)

// DeleteDestinationInput names the destination to delete.
type DeleteDestinationInput struct{ ID string }

// Validate says everything that is wrong with the input.
func (in DeleteDestinationInput) Validate() error { return nil }

// DeleteDestination deletes a destination: new events no longer go there, and
// the core cancels what waits for it. The row stays for the deliveries that name
// it; nobody sees it any more.
func (p *Pusher) DeleteDestination(ctx context.Context, in DeleteDestinationInput) error {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return err
	}
	if !id.Is(id.Destination, in.ID) {
		return noSuch("destination")
	}
	var accountID string
	err := p.tx(ctx, func(tx *ent.Client) error {
		d, err := tx.Destination.Get(ctx, in.ID)
		if err != nil {
			return missing(err, "destination")
		}
		accountID = d.AccountID
		now := p.now()
		err = d.Update().SetDeletedAt(now).SetUpdatedAt(now).SetReason(destinationDeleted).Exec(ctx)
		if err != nil {
			return missing(err, "destination")
		}
		was := audit.Destination(p.o.Box, d)
		maps.Copy(was, audit.Standing(breaker.Of(d)))
		return p.note(ctx, tx, d.AccountID, d.ID, action.KindDelete, nil, audit.Gone(was))
	})
	if err != nil {
		return err
	}
	p.o.Changed(accountID)
	p.wake(ctx, workflows.Lane(in.ID))
	return nil
}

// maxWoken bounds how many lanes a command wakes by itself: the reconciler
// wakes the others.
const maxWoken = 100

// deleteDestinations deletes all of an account's, and returns the lanes to wake.
func (p *Pusher) deleteDestinations(ctx context.Context, tx *ent.Client, accountID string) (lanes []string, err error) {
	ids, err := tx.Destination.Query().Where(destination.AccountID(accountID)).Limit(maxWoken).IDs(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range ids {
		lanes = append(lanes, workflows.Lane(one))
	}
	now := p.now()
	return lanes, tx.Destination.Update().Where(destination.AccountID(accountID)).
		SetDeletedAt(now).SetUpdatedAt(now).SetReason(accountDeleted).Exec(ctx)
}
