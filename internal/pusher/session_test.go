package pusher_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/session"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s, secret, err := w.SignIn(w.admin, "192.0.2.7")
		require.NoError(t, err)
		require.True(t, w.now.Add(12*time.Hour).Equal(s.ExpiresAt))
		require.Equal(t, auth.HashOf(secret), s.Hash)
		require.Equal(t, "192.0.2.7", s.Address)
		v, err := w.auth.AuthenticateSession(t.Context(), secret)
		require.NoError(t, err)
		require.Equal(t, s.ID, v.SessionID)
		signedIn := auth.With(t.Context(), v)

		// It is the admin, but for opening further sessions.
		_, err = w.UpdateAccount(signedIn, pusher.UpdateAccountInput{ID: "x"})
		requireCode(t, problem.NotFound, err)
		_, _, err = w.SignIn(signedIn, "")
		requireCode(t, problem.Forbidden, err)

		w.now = w.now.Add(time.Millisecond) // still remembered
		for range 2 {
			require.NoError(t, w.SignOut(signedIn, "192.0.2.8"))
			_, err = w.auth.AuthenticateSession(t.Context(), secret)
			requireCode(t, problem.Unauthenticated, err)
		}
		require.Equal(t, []string{"SIGN_IN admin: ", "SIGN_OUT admin: "}, w.did(s.ID))
		require.Equal(t, []string{"192.0.2.7", "192.0.2.8"}, w.from(s.ID))
	})
}

// from are the addresses that the audit log has of something.
func (w *world) from(subjectID string) (all []string) {
	for _, a := range w.actions(subjectID) {
		all = append(all, a.Address)
	}
	return all
}

func TestWhoSignsInSweeps(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		old, _, err := w.SignIn(w.admin, "")
		require.NoError(t, err)
		w.now = w.now.Add(time.Hour)
		recent, _, err := w.SignIn(w.admin, "")
		require.NoError(t, err)
		w.now = old.ExpiresAt
		third, _, err := w.SignIn(w.admin, "")
		require.NoError(t, err)
		require.Equal(t, []string{recent.ID, third.ID}, db.Ent.Session.Query().Order(session.ByCreatedAt()).IDsX(w.system))
		require.Len(t, w.did(old.ID), 1, "the log stays")
	})
}

func TestWhatOpensNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	pushes := auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: a.ID, TokenID: "tok_1", Scopes: []auth.Scope{auth.Ingest}})
	for _, c := range []struct {
		ctx  context.Context
		code problem.Code
	}{{t.Context(), problem.Unauthenticated}, {pushes, problem.Forbidden}, {w.system, problem.Forbidden}} {
		_, _, err := w.SignIn(c.ctx, "")
		requireCode(t, c.code, err)
	}
	requireCode(t, problem.Unauthenticated, w.SignOut(t.Context(), ""))
	requireCode(t, problem.NotFound, w.SignOut(jane, ""))
	requireCode(t, problem.NotFound, w.SignOut(w.admin, ""))
	require.Zero(t, w.db.Ent.Session.Query().CountX(w.system))
}

// browser is the context of whoever has that session's cookie; nil: it is over.
func (w *world) browser(t *testing.T, secret string) context.Context {
	t.Helper()
	v, err := w.auth.AuthenticateSession(t.Context(), secret)
	if err != nil {
		requireCode(t, problem.Unauthenticated, err)
		return nil
	}
	return auth.With(t.Context(), v)
}

// A session that was opened with a token can do what the token can, and ends with it.
func TestSessionsOfAToken(t *testing.T) {
	t.Parallel()
	type opened struct {
		account *ent.Account
		token   *ent.Token
		browser context.Context
	}
	for name, end := range map[string]func(w *world, o opened) error{
		"signed out": func(w *world, o opened) error { return w.SignOut(o.browser, "192.0.2.8") },
		"token revoked": func(w *world, o opened) error {
			_, err := w.RevokeToken(w.admin, pusher.RevokeTokenInput{ID: o.token.ID})
			return err
		},
		"token rotated": func(w *world, o opened) error {
			_, _, err := w.RotateToken(w.admin, pusher.RotateTokenInput{ID: o.token.ID})
			return err
		},
		"token expired": func(w *world, _ opened) error {
			w.now = w.now.Add(time.Hour)
			return nil
		},
		"account deleted": func(w *world, o opened) error {
			return w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: o.account.ID})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				a, _ := w.account(t, "jane@example.com")
				ends := w.now.Add(time.Hour)
				tok, token, err := w.CreateToken(w.admin, pusher.CreateTokenInput{
					AccountID: a.ID, Name: "ci", Scopes: []auth.Scope{auth.Read}, ExpiresAt: &ends,
				})
				require.NoError(t, err)
				s, secret, err := w.SignIn(w.as(t, token), "192.0.2.7")
				require.NoError(t, err)
				require.Equal(t, []string{"SIGN_IN " + tok.ID + ": "}, w.did(s.ID))
				require.Equal(t, a.ID, w.actions(s.ID)[0].AccountID)

				browser := w.browser(t, secret)
				require.Equal(t, &auth.Viewer{
					Kind: auth.Account, AccountID: a.ID, TokenID: tok.ID, SessionID: s.ID, Scopes: []auth.Scope{auth.Read}, ExpiresAt: ends,
				}, auth.From(browser))
				require.Equal(t, 1, db.Ent.Account.Query().CountX(browser))
				_, err = w.UpdateAccount(browser, pusher.UpdateAccountInput{ID: a.ID})
				requireCode(t, problem.Forbidden, err)
				_, _, err = w.SignIn(browser, "")
				requireCode(t, problem.Forbidden, err)

				require.NoError(t, end(w, opened{a, tok, browser}))
				require.Nil(t, w.browser(t, secret))
			})
		})
	}
}
