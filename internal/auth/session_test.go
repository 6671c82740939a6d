package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// session is a session and its secret.
func (w *world) session(expires time.Time) (*ent.Session, string) {
	secret := auth.NewSessionSecret()
	return w.db.Ent.Session.Create().SetHash(auth.HashOf(secret)).SetAdminHash(auth.HashOf(adminToken)).
		SetExpiresAt(expires).SaveX(w.ctx), secret
}

func TestAValidSessionIsTheAdmin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		row, secret := w.session(w.clock.Now().Add(time.Minute))
		require.Regexp(t, "^dps_[A-Za-z0-9]{43}$", secret)
		for range 2 { // from the table, then from the cache
			v, err := w.auth.AuthenticateSession(t.Context(), secret)
			require.NoError(t, err)
			require.Equal(t, &auth.Viewer{
				Kind: auth.Admin, SessionID: row.ID, Scopes: []auth.Scope{auth.Read, auth.Manage}, ExpiresAt: row.ExpiresAt.UTC(),
			}, v)
		}
	})
}

func TestEveryInvalidSessionGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		now := w.clock.Now()
		_, good := w.session(now.Add(time.Hour))
		_, expired := w.session(now)
		revoked, revokedSecret := w.session(now.Add(time.Hour))
		revoked.Update().SetRevokedAt(now).ExecX(w.ctx)
		token := auth.NewSecretToken()
		w.token(token).SaveX(w.ctx)
		for name, secret := range map[string]string{
			"empty": "", "unknown": auth.NewSessionSecret(), "cut off": good[:12], "longer": good + "A", "NUL": "dps_\x00",
			"expired this instant": expired, "revoked": revokedSecret, "the hash instead of it": string(auth.HashOf(good)),
			"the admin token": adminToken, "a token": token,
		} {
			v, err := w.auth.AuthenticateSession(t.Context(), secret)
			require.Nil(t, v, name)
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), name)
			require.Equal(t, auth.Denied().Error(), err.Error(), name)
		}
		// A session's secret is no token, and with another admin token it is nothing.
		_, err := w.auth.Authenticate(t.Context(), good)
		require.Equal(t, problem.Unauthenticated, problem.CodeOf(err))
		for _, token := range []string{"another-admin-token", ""} {
			_, err = w.process(t, token).AuthenticateSession(t.Context(), good)
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), token)
		}
		_, err = w.process(t, adminToken).AuthenticateSession(t.Context(), good)
		require.NoError(t, err)
	})
}

func TestTheCacheOfSessionsEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		row, secret := w.session(w.clock.Now().Add(1500 * time.Millisecond))
		authenticate := func() error { _, err := w.auth.AuthenticateSession(t.Context(), secret); return err }
		require.NoError(t, authenticate())

		// Ended by another process: seen when the second is over.
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		require.NoError(t, authenticate())
		w.clock.Add(time.Second)
		require.Error(t, authenticate())

		// In this process: at once.
		row.Update().ClearRevokedAt().ExecX(w.ctx)
		require.NoError(t, authenticate())
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		w.auth.ForgetSession("ses_another")
		require.NoError(t, authenticate())
		w.auth.ForgetSession(row.ID)
		require.Error(t, authenticate())

		// A session that is remembered expires on time all the same.
		row.Update().ClearRevokedAt().ExecX(w.ctx)
		require.NoError(t, authenticate())
		w.clock.Add(500 * time.Millisecond)
		require.Error(t, authenticate())
	})
}

func TestADatabaseThatIsDownEndsNoSession(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db)
	require.NoError(t, db.Close())
	_, err := w.auth.AuthenticateSession(t.Context(), auth.NewSessionSecret())
	require.Equal(t, problem.Unavailable, problem.CodeOf(err))
}

// accountSession is a session of the account: of a token, or by a portal link.
func (w *world) accountSession(tokenID string) (*ent.Session, string) {
	secret := auth.NewSessionSecret()
	c := w.db.Ent.Session.Create().SetHash(auth.HashOf(secret)).SetAccountID(w.account.ID).SetExpiresAt(w.clock.Now().Add(time.Hour))
	if tokenID != "" {
		c.SetTokenID(tokenID)
	} else {
		c.SetPortalLinkID("lnk_1").SetScopes([]string{"READ"})
	}
	return c.SaveX(w.ctx), secret
}

// A stream that was opened with an account's session ends with the session, with
// the token that it was opened with, and with the account; another admin token is
// nothing to it.
func TestAStreamEndsWithAnAccountsSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, tok *ent.Token, sessions []*ent.Session){
		"session revoked": func(w *world, _ *ent.Token, sessions []*ent.Session) {
			for _, s := range sessions {
				s.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
			}
		},
		"account deleted": func(w *world, _ *ent.Token, _ []*ent.Session) {
			w.account.Update().SetDeletedAt(w.clock.Now()).ExecX(w.ctx)
		},
		"expired": func(w *world, _ *ent.Token, _ []*ent.Session) { w.clock.Add(time.Hour) },
		"token revoked": func(w *world, tok *ent.Token, sessions []*ent.Session) {
			tok.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
			sessions[1].Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx) // the portal's has no token
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				tok := w.token(auth.NewSecretToken()).SaveX(w.ctx)
				byToken, cookie := w.accountSession(tok.ID)
				byLink, portal := w.accountSession("")
				other := w.process(t, "another-admin-token")
				var streams []context.Context
				for _, secret := range []string{cookie, portal} {
					v, err := other.AuthenticateSession(t.Context(), secret)
					require.NoError(t, err)
					streams = append(streams, watch(t, other, v))
				}
				// Another one that ends shows that all of them have been looked at.
				gone := watch(t, other, &auth.Viewer{Kind: auth.Account, AccountID: w.account.ID, TokenID: "tok_none"})
				requireEnded(gone, t, auth.ErrRevoked)
				for _, stream := range streams {
					require.NoError(t, stream.Err())
				}
				end(w, tok, []*ent.Session{byToken, byLink})
				for _, stream := range streams {
					requireEnded(stream, t, auth.ErrRevoked)
				}
			})
		})
	}
}
