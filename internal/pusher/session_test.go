package pusher_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

func TestOnlyTheAdminTokenOpensASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, jane := w.account(t, "jane@example.com")
	for _, c := range []struct {
		ctx  context.Context
		code problem.Code
	}{{t.Context(), problem.Unauthenticated}, {jane, problem.Forbidden}, {w.system, problem.Forbidden}} {
		_, _, err := w.SignIn(c.ctx, "")
		requireCode(t, c.code, err)
	}
	requireCode(t, problem.Unauthenticated, w.SignOut(t.Context(), ""))
	requireCode(t, problem.NotFound, w.SignOut(jane, ""))
	requireCode(t, problem.NotFound, w.SignOut(w.admin, ""))
	require.Zero(t, w.db.Ent.Session.Query().CountX(w.system))
}
