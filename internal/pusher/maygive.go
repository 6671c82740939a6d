package pusher

import (
	"context"
	"slices"
	"strings"
	"time"

	"datapusher/ent"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// mayGive refuses to let a token make one that can do more or lasts longer than
// itself: whoever gets hold of a narrow token must not be able to widen it. An
// admin may give everything.
func (p *Pusher) mayGive(ctx context.Context, tx *ent.Client, scopes []auth.Scope, expires *time.Time) error {
	v := auth.From(ctx)
	if v.Everything() {
		return nil
	}
	if v.PortalLinkID != "" {
		return problem.New(problem.Forbidden, "tokens are not made in the portal, since they would outlast it: ask the operator for one")
	}
	own, err := p.ownToken(ctx, tx, v)
	if err != nil {
		return err
	}
	has := auth.Viewer{Kind: auth.Account, Scopes: scopesOf(own)}
	var lacking []string
	for _, s := range auth.Scopes {
		if slices.Contains(scopes, s) && !has.Can(s) {
			lacking = append(lacking, string(s))
		}
	}
	if len(lacking) > 0 {
		return problem.New(problem.Forbidden,
			"a token gives no more than it has itself, and this one lacks %s: use one that has it, or the admin token", strings.Join(lacking, ", "))
	}
	if own.ExpiresAt != nil && (expires == nil || expires.After(*own.ExpiresAt)) {
		return problem.New(problem.Forbidden,
			"a token gives no more than it has itself, and this one expires at %s: use one that lasts as long, or the admin token",
			own.ExpiresAt.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// ownToken reads the token that asks. It is read here, and kept as it is until
// the command ends, since what was remembered of it may be a second old: a token
// that has just been revoked must not leave another one behind.
func (p *Pusher) ownToken(ctx context.Context, tx *ent.Client, v *auth.Viewer) (*ent.Token, error) {
	q := tx.Token.Query().Where(token.ID(v.TokenID))
	if p.o.DB.Postgres() {
		q = q.ForShare()
	}
	own, err := q.Only(ctx)
	if ent.IsNotFound(err) || err == nil && !validAt(own, p.now()) {
		return nil, auth.Denied()
	}
	return own, err
}

func scopesOf(t *ent.Token) []auth.Scope {
	scopes := make([]auth.Scope, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = auth.Scope(s)
	}
	return scopes
}

func validAt(t *ent.Token, now time.Time) bool {
	return t.RevokedAt == nil && (t.ExpiresAt == nil || now.Before(*t.ExpiresAt))
}
