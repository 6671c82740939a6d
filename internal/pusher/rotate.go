package pusher

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/predicate"
	"datapusher/ent/token"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// RotateTokenInput names a token and how long it stays valid beside its
// successor: 0s to 7d; nil is 0s.
type RotateTokenInput struct {
	ID      string
	Overlap *time.Duration
}

func (in RotateTokenInput) fields() (f problem.Fields) {
	checkOverlap(&f, in.Overlap)
	return f
}

// Validate says everything that is wrong with the input.
func (in RotateTokenInput) Validate() error { return in.fields().Err() }

// RotateToken gives a token a successor of the same name, scopes and expiry,
// whose secret is shown here and never again. The old one expires when the
// overlap is over, or when it would have anyway. With a token, one that can do
// more or lasts longer cannot be rotated: its successor would be a way up.
func (p *Pusher) RotateToken(ctx context.Context, in RotateTokenInput) (*ent.Token, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	secret := auth.NewSecretToken()
	var made *ent.Token
	err := p.tx(ctx, func(tx *ent.Client) error {
		old, err := p.lockToken(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if !validAt(old, p.now()) {
			return problem.New(problem.Conflict, "the token is no longer valid: create another one")
		}
		scopes := scopesOf(old)
		if err := p.mayGive(ctx, tx, scopes, old.ExpiresAt); err != nil {
			return err
		}
		if err := p.retire(ctx, tx, in.Overlap, token.ID(old.ID)); err != nil {
			return err
		}
		if err := p.roomForToken(ctx, tx, old.AccountID); err != nil {
			return err
		}
		made, err = p.createToken(tx, old.AccountID, old.Name, scopes, secret).
			SetFirst(old.First).SetNillableExpiresAt(old.ExpiresAt).Save(ctx)
		if err != nil {
			return err
		}
		return p.note(ctx, tx, old.AccountID, old.ID, action.KindRotate, nil, audit.Diff(secretTokenOf(old), secretTokenOf(made)))
	})
	if err != nil {
		return nil, "", err
	}
	p.credentialsChanged(made.AccountID)
	return made.Unwrap(), secret, nil
}

// lockToken reads a token that the viewer may reach, and keeps other commands on
// its account waiting.
func (p *Pusher) lockToken(ctx context.Context, tx *ent.Client, tokenID string) (*ent.Token, error) {
	if !id.Is(id.Token, tokenID) {
		return nil, noSuch("token")
	}
	t, err := tx.Token.Get(ctx, tokenID)
	if err != nil {
		return nil, missing(err, "token")
	}
	if _, err := p.lock(ctx, tx, t.AccountID); err != nil {
		return nil, missingToken(err)
	}
	t, err = tx.Token.Get(ctx, tokenID) // as it is now that nobody else changes it
	return t, missing(err, "token")
}

// missingToken is the answer for a token whose account has been deleted.
func missingToken(err error) error {
	if problem.CodeOf(err) == problem.NotFound {
		return noSuch("token")
	}
	return err
}

// RotateSecretTokenInput names an account and how long its old first token stays
// valid beside the new one: 0s to 7d; nil is 0s.
type RotateSecretTokenInput struct {
	AccountID string
	Overlap   *time.Duration
}

func (in RotateSecretTokenInput) fields() (f problem.Fields) {
	checkOverlap(&f, in.Overlap)
	return f
}

// Validate says everything that is wrong with the input.
func (in RotateSecretTokenInput) Validate() error { return in.fields().Err() }

// RotateSecretToken gives an account a new first token, whose secret is shown
// here and never again. The old one expires when the overlap is over. The new
// one may do everything and never expires, so a token must be such a one to do it.
func (p *Pusher) RotateSecretToken(ctx context.Context, in RotateSecretTokenInput) (*ent.Account, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	secret := auth.NewSecretToken()
	var of *ent.Account
	err := p.tx(ctx, func(tx *ent.Client) (err error) {
		if of, err = p.lock(ctx, tx, in.AccountID); err != nil {
			return err
		}
		if err := p.mayGive(ctx, tx, auth.Scopes, nil); err != nil {
			return err
		}
		old, err := tx.Token.Query().Where(token.AccountID(of.ID), token.First(true)).First(ctx)
		if ent.MaskNotFound(err) != nil {
			return err
		}
		if err := p.retire(ctx, tx, in.Overlap, token.AccountID(of.ID), token.First(true)); err != nil {
			return err
		}
		if err := p.roomForToken(ctx, tx, of.ID); err != nil {
			return err
		}
		made, err := p.createToken(tx, of.ID, firstToken, auth.Scopes, secret).SetFirst(true).Save(ctx)
		if err != nil {
			return err
		}
		return p.note(ctx, tx, of.ID, made.ID, action.KindRotate, nil, audit.Diff(secretTokenOf(old), secretTokenOf(made)))
	})
	if err != nil {
		return nil, "", err
	}
	p.credentialsChanged(of.ID)
	return of.Unwrap(), secret, nil
}

// secretTokenOf is what the audit log tells of a token's secret; nil of none.
func secretTokenOf(t *ent.Token) audit.Facts {
	if t == nil {
		return nil
	}
	return audit.Facts{"tokenID": t.ID, "secretToken": audit.Secret(string(t.Hash))}
}

// retire lets a token end after an overlap; it is no account's first one any
// more. One that ends sooner keeps its end.
func (p *Pusher) retire(ctx context.Context, tx *ent.Client, overlap *time.Duration, which ...predicate.Token) error {
	end := p.now()
	if overlap != nil {
		end = end.Add(*overlap)
	}
	lasting := tx.Token.Update().Where(which...).Where(token.RevokedAtIsNil(),
		token.Or(token.ExpiresAtIsNil(), token.ExpiresAtGT(end)))
	if err := lasting.SetExpiresAt(end.Truncate(time.Microsecond)).Exec(ctx); err != nil {
		return err
	}
	return tx.Token.Update().Where(which...).SetFirst(false).Exec(ctx)
}
