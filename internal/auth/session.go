package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/keyed"
	"datapusher/ent/portallink"
	"datapusher/ent/session"
	"datapusher/ent/token"
)

// SessionLife is how long a session lasts at most.
const SessionLife = 12 * time.Hour

// AdminHash is what is stored of the admin token beside the sessions that were
// opened with it; nil where nobody is admin.
func (a *Authenticator) AdminHash() []byte {
	if a.admin == nil {
		return nil
	}
	return a.admin[:]
}

// AuthenticateSession gives the viewer that the secret of a session stands for.
// Every secret that is not valid (none, unknown, expired, revoked, opened with
// another admin token or with a token that has ended, of a deleted account) gets
// [Denied]; one that nobody has, after the same work as one of the operator's. The
// viewer is shared: it must not be changed.
func (a *Authenticator) AuthenticateSession(ctx context.Context, secret string) (*Viewer, error) {
	if isSuspect(ctx) && !wellFormed(secret) {
		return nil, Denied()
	}
	sum, now := sha256.Sum256([]byte(secret)), a.now()
	return a.find(ctx, &a.sessions, sum, now, func(ctx context.Context) (grant, error) { return a.loadSession(ctx, sum, now) })
}

// ForgetSession makes the end of a session work at once in this process.
func (a *Authenticator) ForgetSession(id string) {
	a.sessions.forget(func(v *Viewer) bool { return v.SessionID == id })
	a.watches.poke()
}

func (a *Authenticator) loadSession(ctx context.Context, sum [sha256.Size]byte, now time.Time) (grant, error) {
	ctx = AsSystem(ctx)
	row, err := a.client.Session.Query().Where(session.Hash(sum[:])).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return grant{}, nil
	case err != nil:
		return grant{}, err
	case row.RevokedAt != nil || subtle.ConstantTimeCompare(row.Hash, sum[:]) != 1:
		return grant{}, nil
	case row.AccountID == "":
		return a.adminSession(row), nil
	}
	return a.accountSession(ctx, row, now)
}

// adminSession is the operator's, as long as the admin token is the same.
func (a *Authenticator) adminSession(row *ent.Session) grant {
	if !a.opened(row.AdminHash) {
		return grant{}
	}
	return grant{viewer: &Viewer{Kind: Admin, SessionID: row.ID, Scopes: admin.Scopes, ExpiresAt: row.ExpiresAt.UTC()}}
}

// accountSession is an account's: with a token, what that may do and as long as it
// does; by a portal link, what that gave.
func (a *Authenticator) accountSession(ctx context.Context, row *ent.Session, now time.Time) (grant, error) {
	g := grant{viewer: &Viewer{Kind: Account, AccountID: row.AccountID, PortalLinkID: row.PortalLinkID}}
	var err error
	if row.TokenID != "" {
		var t *ent.Token
		t, err = a.client.Token.Query().
			Where(token.ID(row.TokenID), token.AccountID(row.AccountID), keyed.OfLivingAccount).Only(ctx)
		if g = grantOf(t); err == nil && g.valid(now) {
			a.used.note(t, now)
		}
	} else {
		for _, s := range row.Scopes {
			g.viewer.Scopes = append(g.viewer.Scopes, Scope(s))
		}
		_, err = a.client.Account.Query().Where(account.ID(row.AccountID)).OnlyID(ctx) // the living
	}
	if ent.IsNotFound(err) || err == nil && g.viewer == nil {
		return grant{}, nil
	}
	if err != nil {
		return grant{}, err
	}
	g.viewer.SessionID = row.ID
	if end := row.ExpiresAt.UTC(); g.viewer.ExpiresAt.IsZero() || end.Before(g.viewer.ExpiresAt) {
		g.viewer.ExpiresAt = end
	}
	return g, nil
}

// AuthenticatePortalLink gives the viewer that the secret of a portal link stands
// for: it may open a session, and has no scope for anything else. Every secret that
// is not valid (none, unknown, used, expired, revoked, of a deleted account) gets
// [Denied].
func (a *Authenticator) AuthenticatePortalLink(ctx context.Context, secret string) (*Viewer, error) {
	if !wellFormed(secret) {
		return nil, Denied()
	}
	now := a.now()
	leave, err := a.lanes.enter(ctx, false)
	if err != nil {
		return nil, err
	}
	defer leave()
	g, err := a.loadPortalLink(ctx, secret)
	return g.judge(err, now)
}

func (a *Authenticator) loadPortalLink(ctx context.Context, secret string) (grant, error) {
	ctx = AsSystem(ctx)
	row, err := a.client.PortalLink.Query().Where(portallink.Hash(HashOf(secret))).Only(ctx)
	if ent.IsNotFound(err) || err == nil && (row.UsedAt != nil || row.RevokedAt != nil) {
		return grant{}, nil
	}
	if err != nil {
		return grant{}, err
	}
	if _, err := a.client.Account.Query().Where(account.ID(row.AccountID)).OnlyID(ctx); err != nil {
		return grant{}, ent.MaskNotFound(err)
	}
	return grant{viewer: &Viewer{Kind: Account, AccountID: row.AccountID, PortalLinkID: row.ID, ExpiresAt: row.ExpiresAt.UTC()}}, nil
}

// opened reports whether a session's admin token is still the admin token.
func (a *Authenticator) opened(adminHash []byte) bool {
	return a.admin != nil && subtle.ConstantTimeCompare(adminHash, a.admin[:]) == 1
}
