package pusher

import (
	"context"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// DisabledByOwner is the reason of a destination that was disabled by enabled: false.
const DisabledByOwner = "disabled by its owner"

// CreateDestinationInput is what a new destination needs.
type CreateDestinationInput struct {
	AccountID  string
	URL        string
	HTTPMethod *destination.HTTPMethod // nil: POST
	Headers    []sender.Header
	Name       *string
}

func (in CreateDestinationInput) fields() (f problem.Fields) {
	checkDestination(&f, in.Name, &in.URL, in.HTTPMethod, in.Headers)
	return f
}

// Validate says everything that is wrong with the input.
func (in CreateDestinationInput) Validate() error { return in.fields().Err() }

func checkDestination(f *problem.Fields, name, url *string, method *destination.HTTPMethod, headers []sender.Header) {
	if name != nil {
		checkText(f, "name", *name, maxName)
	}
	if url != nil {
		if err := sender.CheckURL(*url); err != nil {
			f.Add("url", "%s", err)
		}
	}
	if method != nil {
		if err := sender.CheckMethod(string(*method)); err != nil {
			f.Add("httpMethod", "%s", err)
		}
	}
	*f = append(*f, sender.CheckHeaders(headers)...)
}

// CreateDestination makes a destination. The secret that its deliveries are
// signed with ("whsec_…") is shown here and never again.
func (p *Pusher) CreateDestination(ctx context.Context, in CreateDestinationInput) (*ent.Destination, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	now := p.now()
	self := id.New(id.Destination, now)
	key := sender.NewSecret()
	var made *ent.Destination
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		if err := roomForDestination(ctx, tx, a.ID); err != nil {
			return err
		}
		headers, err := vault.SealHeaders(p.o.Box, self, a.ID, in.Headers)
		if err != nil {
			return err
		}
		secrets, err := vault.SealSecrets(p.o.Box, self, a.ID, []vault.SigningSecret{{Key: key}})
		if err != nil {
			return err
		}
		c := tx.Destination.Create().
			SetID(self).SetCreatedAt(now).SetUpdatedAt(now).
			SetAccountID(a.ID).SetURL(in.URL).SetNillableHTTPMethod(in.HTTPMethod).
			SetSigningSecrets(secrets)
		if headers != nil {
			c.SetHeaders(headers)
		}
		if deref(in.Name) != "" {
			c.SetName(*in.Name)
		}
		made, err = c.Save(ctx)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	p.o.Changed(made.AccountID)
	return made.Unwrap(), sender.FormatSecret(key), nil
}

func roomForDestination(ctx context.Context, tx *ent.Client, accountID string) error {
	n, err := tx.Destination.Query().Where(destination.AccountID(accountID)).Count(ctx)
	if err != nil {
		return err
	}
	if n >= MaxDestinations {
		return problem.New(problem.Conflict, "the account has %d destinations: delete one that is not used", MaxDestinations)
	}
	return nil
}

// UpdateDestinationInput names a destination and what is to change. What is nil
// stays as it is; an empty name removes it, and so does an empty list of headers
// (one that is not nil).
type UpdateDestinationInput struct {
	ID         string
	URL        *string
	HTTPMethod *destination.HTTPMethod
	Headers    []sender.Header
	Name       *string
	Enabled    *bool // false parks its deliveries, true lets all that wait go on
}

func (in UpdateDestinationInput) fields() (f problem.Fields) {
	checkDestination(&f, in.Name, in.URL, in.HTTPMethod, in.Headers)
	return f
}

// Validate says everything that is wrong with the input.
func (in UpdateDestinationInput) Validate() error { return in.fields().Err() }

// UpdateDestination changes a destination. Attempts that begin after it use the
// new settings, those of older events too.
func (p *Pusher) UpdateDestination(ctx context.Context, in UpdateDestinationInput) (*ent.Destination, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	d, err := p.changeDestination(ctx, in.ID, func(d *ent.Destination, u *ent.DestinationUpdateOne) error {
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
		if in.Enabled != nil {
			setEnabled(u, *in.Enabled)
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
	if in.Enabled != nil && *in.Enabled {
		p.wake(ctx, d.ID)
	}
	return d, nil
}

func setEnabled(u *ent.DestinationUpdateOne, enabled bool) {
	u.SetEnabled(enabled)
	if enabled {
		u.SetState(destination.StateSending).ClearReason()
	} else {
		u.SetState(destination.StateDisabled).SetReason(DisabledByOwner)
	}
}

// changeDestination changes one destination in a transaction of its own, while
// no other command changes it.
func (p *Pusher) changeDestination(ctx context.Context, destinationID string,
	change func(*ent.Destination, *ent.DestinationUpdateOne) error,
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
		if err := change(d, u); err != nil {
			return err
		}
		changed, err = u.Save(ctx)
		return missing(err, "destination")
	})
	if err != nil {
		return nil, err
	}
	p.o.Changed(changed.AccountID)
	return changed.Unwrap(), nil
}

// DeleteDestinationInput names the destination to delete.
type DeleteDestinationInput struct{ ID string }

// Validate says everything that is wrong with the input.
func (in DeleteDestinationInput) Validate() error { return nil }

// DeleteDestination deletes a destination: new events no longer go there. The
// row stays for the deliveries that name it; nobody sees it any more.
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
		return missing(d.Update().SetDeletedAt(now).SetUpdatedAt(now).Exec(ctx), "destination")
	})
	if err != nil {
		return err
	}
	p.o.Changed(accountID)
	return nil
}
