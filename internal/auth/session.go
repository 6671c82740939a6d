package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"datapusher/ent"
	"datapusher/ent/session"
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
// another admin token) gets [Denied], after the same work as with
// [Authenticator.Authenticate]. The viewer is shared: it must not be changed.
func (a *Authenticator) AuthenticateSession(ctx context.Context, secret string) (*Viewer, error) {
	if isSuspect(ctx) && !wellFormed(secret) {
		return nil, Denied()
	}
	sum := sha256.Sum256([]byte(secret))
	return a.find(ctx, &a.sessions, sum, a.now(), func(ctx context.Context) (grant, error) { return a.loadSession(ctx, sum) })
}

// ForgetSession makes the end of a session work at once in this process.
func (a *Authenticator) ForgetSession(id string) {
	a.sessions.forget(func(v *Viewer) bool { return v.SessionID == id })
	a.watches.poke()
}

func (a *Authenticator) loadSession(ctx context.Context, sum [sha256.Size]byte) (grant, error) {
	row, err := a.client.Session.Query().Where(session.Hash(sum[:])).Only(AsSystem(ctx))
	if ent.IsNotFound(err) {
		return grant{}, nil
	}
	if err != nil {
		return grant{}, err
	}
	if row.RevokedAt != nil || !a.opened(row.AdminHash) || subtle.ConstantTimeCompare(row.Hash, sum[:]) != 1 {
		return grant{}, nil
	}
	return grant{viewer: &Viewer{Kind: Admin, SessionID: row.ID, Scopes: admin.Scopes, ExpiresAt: row.ExpiresAt.UTC()}}, nil
}

// opened reports whether a session's admin token is still the admin token.
func (a *Authenticator) opened(adminHash []byte) bool {
	return a.admin != nil && subtle.ConstantTimeCompare(adminHash, a.admin[:]) == 1
}
