package pusher

import (
	"context"
	"slices"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/token"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// firstToken is the name of the token that an account is created with.
const firstToken = "secret token"

// CreateTokenInput is what a new token needs.
type CreateTokenInput struct {
	AccountID string
	Name      string
	Scopes    []auth.Scope
	ExpiresAt *time.Time // nil: never
}

func (in CreateTokenInput) fields() (f problem.Fields) {
	checkName(&f, in.Name)
	if len(in.Scopes) == 0 {
		f.Add("scopes", "must have at least one of %v", auth.Scopes)
	}
	for _, s := range in.Scopes {
		if !slices.Contains(auth.Scopes, s) {
			f.Add("scopes", "must be of %v", auth.Scopes)
			break
		}
	}
	return f
}

// Validate says everything that is wrong with the input, but for an expiry that
// lies in the past: that depends on the clock.
func (in CreateTokenInput) Validate() error { return in.fields().Err() }

// CreateToken makes a token, whose secret is shown here and never again. Made
// with a token, it can do no more and lasts no longer than that one.
func (p *Pusher) CreateToken(ctx context.Context, in CreateTokenInput) (*ent.Token, string, error) {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return nil, "", err
	}
	f := in.fields()
	if in.ExpiresAt != nil && !in.ExpiresAt.After(p.now()) {
		f.Add("expiresAt", "must lie in the future")
	}
	if err := f.Err(); err != nil {
		return nil, "", err
	}
	secret := auth.NewSecretToken()
	var made *ent.Token
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		if err := p.mayGive(ctx, tx, in.Scopes, in.ExpiresAt); err != nil {
			return err
		}
		if err := p.roomForToken(ctx, tx, a.ID); err != nil {
			return err
		}
		made, err = p.createToken(tx, a.ID, in.Name, in.Scopes, secret).SetNillableExpiresAt(micro(in.ExpiresAt)).Save(ctx)
		if err != nil {
			return err
		}
		return p.note(ctx, tx, a.ID, made.ID, action.KindCreate, nil, audit.Made(audit.Token(made)))
	})
	if err != nil {
		return nil, "", err
	}
	return made.Unwrap(), secret, nil
}

func (p *Pusher) roomForToken(ctx context.Context, tx *ent.Client, accountID string) error {
	n, err := tx.Token.Query().Where(token.AccountID(accountID), token.RevokedAtIsNil(),
		token.Or(token.ExpiresAtIsNil(), token.ExpiresAtGT(p.now()))).Count(ctx)
	if err != nil {
		return err
	}
	if n >= MaxTokens {
		return problem.New(problem.Conflict, "the account has %d valid tokens: revoke one that is not used", MaxTokens)
	}
	return nil
}

// createToken prepares a token's row.
func (p *Pusher) createToken(tx *ent.Client, accountID, name string, scopes []auth.Scope, secret string) *ent.TokenCreate {
	now := p.now()
	var names []string
	for _, s := range auth.Scopes { // each once, in one order
		if slices.Contains(scopes, s) {
			names = append(names, string(s))
		}
	}
	return tx.Token.Create().
		SetID(id.New(id.Token, now)).SetCreatedAt(now).
		SetAccountID(accountID).SetName(name).SetScopes(names).
		SetHash(auth.HashOf(secret)).SetPrefix(auth.PrefixOf(secret))
}

// RevokeTokenInput names the token to revoke.
type RevokeTokenInput struct{ ID string }

// Validate says everything that is wrong with the input.
func (in RevokeTokenInput) Validate() error { return nil }

// RevokeToken ends a token: at once in this process, within a second in others.
// A token that is revoked already stays so.
func (p *Pusher) RevokeToken(ctx context.Context, in RevokeTokenInput) (*ent.Token, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	if !id.Is(id.Token, in.ID) {
		return nil, noSuch("token")
	}
	var revoked *ent.Token
	err := p.tx(ctx, func(tx *ent.Client) error {
		t, err := tx.Token.Get(ctx, in.ID)
		if err != nil {
			return missing(err, "token")
		}
		if revoked = t; t.RevokedAt != nil {
			return nil
		}
		if revoked, err = t.Update().SetRevokedAt(p.now()).Save(ctx); err != nil {
			return missing(err, "token")
		}
		return p.note(ctx, tx, t.AccountID, t.ID, action.KindRevoke, nil, audit.Diff(audit.Token(t), audit.Token(revoked)))
	})
	if err != nil {
		return nil, err
	}
	p.credentialsChanged(revoked.AccountID)
	return revoked.Unwrap(), nil
}

// micro is a time as both databases keep it.
func micro(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}
