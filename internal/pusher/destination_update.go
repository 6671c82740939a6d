package pusher

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/destination"
	"datapusher/internal/audit"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// UpdateDestinationInput names a destination and what is to change. What is nil
// stays as it is; an empty name removes it, and so does an empty list of headers
// (one that is not nil). An empty retry schedule, a timeout and a give-up of 0
// are the defaults again.
type UpdateDestinationInput struct {
	ID         string
	URL        *string
	HTTPMethod *destination.HTTPMethod
	Headers    []sender.Header
	Name       *string
	Enabled    *bool // false parks its deliveries, true lets all that wait go on

	RetrySchedule []time.Duration
	Timeout       *time.Duration
	GiveUpAfter   *time.Duration
}

func (in UpdateDestinationInput) fields() (f problem.Fields) {
	checkDestination(&f, in.Name, in.URL, in.HTTPMethod, in.Headers)
	in.trying().check(&f)
	return f
}

func (in UpdateDestinationInput) trying() trying {
	return trying{in.RetrySchedule, in.Timeout, in.GiveUpAfter}
}

// Validate says everything that is wrong with the input.
func (in UpdateDestinationInput) Validate() error { return in.fields().Err() }

// UpdateDestination changes a destination. Attempts that begin after it use the
// new settings, those of older events too.
func (p *Pusher) UpdateDestination(ctx context.Context, in UpdateDestinationInput) (*ent.Destination, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	var turned bool
	d, err := p.changeDestination(ctx, in.ID, action.KindUpdate, func(tx *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne) (err error) {
		if in.URL != nil {
			u.SetURL(*in.URL)
		}
		u.SetNillableHTTPMethod(in.HTTPMethod)
		if in.Name != nil {
			u.SetName(*in.Name)
			if *in.Name == "" {
				u.ClearName()
			}
		}
		in.trying().set(u.Mutation())
		if in.Enabled != nil {
			if turned, err = p.enable(ctx, tx, d, u, *in.Enabled); err != nil {
				return err
			}
		}
		if in.Headers == nil {
			return nil
		}
		sealed, err := vault.SealHeaders(p.o.Box, d.ID, d.AccountID, in.Headers)
		if sealed == nil {
			u.ClearHeaders()
		} else {
			u.SetHeaders(sealed)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if turned {
		p.wake(ctx, workflows.Lane(d.ID))
	}
	return d, nil
}

// changeDestination changes one destination in a transaction of its own, while
// nobody else changes it: no other command, and no breaker. A change of how it is
// set up is noted as that kind; how it stands is noted by whoever changes that.
func (p *Pusher) changeDestination(ctx context.Context, destinationID string, kind action.Kind,
	change func(*ent.Client, *ent.Destination, *ent.DestinationUpdateOne) error,
) (*ent.Destination, error) {
	if !id.Is(id.Destination, destinationID) {
		return nil, noSuch("destination")
	}
	var changed *ent.Destination
	err := p.tx(ctx, func(tx *ent.Client) error {
		q := tx.Destination.Query().Where(destination.ID(destinationID))
		if p.o.DB.Postgres() {
			q = q.ForUpdate()
		}
		d, err := q.Only(ctx)
		if err != nil {
			return missing(err, "destination")
		}
		u := d.Update().SetUpdatedAt(p.now())
		if err := change(tx, d, u); err != nil {
			return err
		}
		if changed, err = u.Save(ctx); err != nil {
			return missing(err, "destination")
		}
		settings := audit.Diff(audit.Destination(p.o.Box, d), audit.Destination(p.o.Box, changed))
		if settings.Empty() {
			return nil
		}
		return p.note(ctx, tx, d.AccountID, d.ID, kind, nil, settings)
	})
	if err != nil {
		return nil, err
	}
	p.o.Changed(changed.AccountID)
	p.o.Changes.Note(changed.AccountID, changed.ID)
	return changed.Unwrap(), nil
}
