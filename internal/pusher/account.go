package pusher

import (
	"context"
	"maps"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/token"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// CreateAccountInput is what a new account needs.
type CreateAccountInput struct {
	Name    string
	Email   string
	Website *string
}

func (in CreateAccountInput) fields() (f problem.Fields) {
	checkName(&f, in.Name)
	checkEmail(&f, in.Email)
	checkWebsite(&f, deref(in.Website))
	return f
}

// Validate says everything that is wrong with the input.
func (in CreateAccountInput) Validate() error { return in.fields().Err() }

// CreateAccount makes an account and its first token, whose secret is shown here
// and never again. Admins alone may do it.
func (p *Pusher) CreateAccount(ctx context.Context, in CreateAccountInput) (*ent.Account, string, error) {
	if v := auth.From(ctx); v != nil && !v.Everything() {
		return nil, "", problem.New(problem.Forbidden, "accounts are created with the admin token")
	}
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	now := p.now()
	secret := auth.NewSecretToken()
	var made *ent.Account
	err := p.tx(ctx, func(tx *ent.Client) (err error) {
		made, err = tx.Account.Create().
			SetID(id.New(id.Account, now)).SetCreatedAt(now).SetUpdatedAt(now).
			SetName(in.Name).SetEmail(canonicalEmail(in.Email)).SetNillableWebsite(in.Website).
			Save(ctx)
		if err != nil {
			return emailTaken(err)
		}
		first, err := p.createToken(tx, made.ID, firstToken, auth.Scopes, secret).SetFirst(true).Save(ctx)
		if err != nil {
			return err
		}
		facts := audit.Account(made)
		maps.Copy(facts, secretTokenOf(first))
		return p.note(ctx, tx, made.ID, made.ID, action.KindCreate, nil, audit.Made(facts))
	})
	if err != nil {
		return nil, "", err
	}
	return made.Unwrap(), secret, nil
}

func emailTaken(err error) error {
	return conflict(err, "another account has this e-mail address")
}

// UpdateAccountInput names an account and what is to change. What is nil stays
// as it is; an empty website removes it.
type UpdateAccountInput struct {
	ID      string
	Name    *string
	Email   *string
	Website *string
}

func (in UpdateAccountInput) fields() (f problem.Fields) {
	if in.Name != nil {
		checkName(&f, *in.Name)
	}
	if in.Email != nil {
		checkEmail(&f, *in.Email)
	}
	checkWebsite(&f, deref(in.Website))
	return f
}

// Validate says everything that is wrong with the input.
func (in UpdateAccountInput) Validate() error { return in.fields().Err() }

// UpdateAccount changes an account.
func (p *Pusher) UpdateAccount(ctx context.Context, in UpdateAccountInput) (*ent.Account, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	var changed *ent.Account
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		u := a.Update().SetUpdatedAt(p.now()).SetNillableName(in.Name)
		if in.Email != nil {
			u.SetEmail(canonicalEmail(*in.Email))
		}
		switch deref(in.Website) {
		case "":
			if in.Website != nil {
				u.ClearWebsite()
			}
		default:
			u.SetWebsite(*in.Website)
		}
		if changed, err = u.Save(ctx); err != nil {
			return emailTaken(missing(err, "account"))
		}
		change := audit.Diff(audit.Account(a), audit.Account(changed))
		if change.Empty() {
			return nil
		}
		return p.note(ctx, tx, a.ID, a.ID, action.KindUpdate, nil, change)
	})
	if err != nil {
		return nil, err
	}
	return changed.Unwrap(), nil
}

// DeleteAccountInput names the account to delete.
type DeleteAccountInput struct{ ID string }

// Validate says everything that is wrong with the input.
func (in DeleteAccountInput) Validate() error { return nil }

// DeleteAccount deletes an account and its destinations and revokes its tokens;
// the core cancels the deliveries that wait. The rows stay for the history that
// names them; nobody sees them any more, and the e-mail address is free again.
func (p *Pusher) DeleteAccount(ctx context.Context, in DeleteAccountInput) error {
	if err := begin(ctx, in); err != nil {
		return err
	}
	var lanes []string
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if lanes, err = p.deleteDestinations(ctx, tx, a.ID); err != nil {
			return err
		}
		if err := p.note(ctx, tx, a.ID, a.ID, action.KindDelete, nil, audit.Gone(audit.Account(a))); err != nil {
			return err
		}
		now := p.now()
		if err := tx.Token.Update().Where(token.AccountID(a.ID), token.RevokedAtIsNil()).
			SetRevokedAt(now).Exec(ctx); err != nil {
			return err
		}
		return a.Update().SetDeletedAt(now).SetUpdatedAt(now).Exec(ctx)
	})
	if err != nil {
		return err
	}
	p.credentialsChanged(in.ID)
	p.o.Changed(in.ID)
	p.wake(ctx, lanes...)
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
