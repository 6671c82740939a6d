package pusher_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

// link makes a portal link of an account that may manage.
func (w *world) link(t *testing.T, accountID string) (*ent.PortalLink, string) {
	t.Helper()
	l, secret, err := w.CreatePortalLink(w.admin, pusher.CreatePortalLinkInput{AccountID: accountID, Scopes: []auth.Scope{auth.Manage}})
	require.NoError(t, err)
	return l, secret
}

// open opens a portal link: the context of the session's cookie, and that cookie.
func (w *world) open(t *testing.T, secret string) (context.Context, string) {
	t.Helper()
	v, err := w.auth.AuthenticatePortalLink(t.Context(), secret)
	require.NoError(t, err)
	require.Empty(t, v.Scopes, "a link is for nothing else")
	_, cookie, err := w.SignIn(auth.With(t.Context(), v), "192.0.2.7")
	require.NoError(t, err)
	browser := w.browser(t, cookie)
	require.NotNil(t, browser)
	return browser, cookie
}

// closed reports that a portal link opens nothing.
func (w *world) closed(t *testing.T, secret string) {
	t.Helper()
	_, err := w.auth.AuthenticatePortalLink(t.Context(), secret)
	require.Equal(t, auth.Denied(), err)
}

func TestAPortalLinkOpensOneSessionOfItsAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		hour, half := time.Hour, 30*time.Minute
		l, secret, err := w.CreatePortalLink(w.admin, pusher.CreatePortalLinkInput{
			AccountID: a.ID, ExpiresIn: &half, SessionExpiresIn: &hour, Reason: new("for Jane"),
		})
		require.NoError(t, err)
		require.Regexp(t, "^dpl_[A-Za-z0-9]{43}$", secret)
		require.Equal(t, auth.HashOf(secret), l.Hash, "the secret itself is nowhere")
		require.Equal(t, w.now.Add(half), l.ExpiresAt.UTC())
		made := w.actions(l.ID)[0]
		require.Equal(t, "admin for Jane "+a.ID, made.Actor+" "+made.Reason+" "+made.AccountID)

		browser, cookie := w.open(t, secret)
		require.Equal(t, a.ID, db.Ent.Account.Query().OnlyIDX(browser), "it sees that account alone")
		require.Equal(t, []auth.Scope{auth.Read}, auth.From(browser).Scopes)
		require.Equal(t, w.now.Add(hour), auth.From(browser).ExpiresAt)
		_, err = w.UpdateAccount(browser, pusher.UpdateAccountInput{ID: a.ID})
		requireCode(t, problem.Forbidden, err)
		w.closed(t, secret)

		w.now = w.now.Add(hour)
		require.Nil(t, w.browser(t, cookie))
		require.NotEqual(t, a.ID, b.ID)
	})
}

func TestWhatAPortalSessionMayDo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		l, secret := w.link(t, a.ID)
		browser, _ := w.open(t, secret)
		changed, err := w.UpdateAccount(browser, pusher.UpdateAccountInput{ID: a.ID, Name: new("Janet")})
		require.NoError(t, err)
		require.Equal(t, "Janet", changed.Name)
		require.Equal(t, "UPDATE "+l.ID+": ", w.did(a.ID)[0], "the log names the link, whose line names who made it")
		_, err = w.UpdateAccount(browser, pusher.UpdateAccountInput{ID: b.ID, Name: new("x")})
		requireCode(t, problem.NotFound, err)

		// Nothing that outlasts the session.
		tok := db.Ent.Token.Query().OnlyX(auth.With(t.Context(), auth.From(browser)))
		for name, err := range map[string]error{
			"createToken": second(w.CreateToken(browser, pusher.CreateTokenInput{AccountID: a.ID, Name: "x", Scopes: []auth.Scope{auth.Read}})),
			"rotateToken": second(w.RotateToken(browser, pusher.RotateTokenInput{ID: tok.ID})),
			"rotateFirst": second(w.RotateSecretToken(browser, pusher.RotateSecretTokenInput{AccountID: a.ID})),
			"link":        second(w.CreatePortalLink(browser, pusher.CreatePortalLinkInput{AccountID: a.ID})),
			"session":     second(w.SignIn(browser, "")),
		} {
			requireCode(t, problem.Forbidden, err)
			require.NotEmpty(t, name)
		}
	})
}

func second[A, B any](_ A, _ B, err error) error { return err }

func TestPortalLinksThatOpenNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		_, good := w.link(t, a.ID)
		_, revoked := w.link(t, a.ID)
		_, err := w.RevokePortalLinks(w.admin, pusher.RevokePortalLinksInput{AccountID: a.ID})
		require.NoError(t, err)
		w.closed(t, good)
		_, good = w.link(t, a.ID)
		_, gone := w.link(t, b.ID)
		require.NoError(t, w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: b.ID}))
		for _, secret := range []string{
			"", "x", revoked, gone, good[:20], good + "A", auth.NewPortalLinkSecret(), adminToken, "dpl_\x00", strings.Repeat("a", 1000),
		} {
			w.closed(t, secret)
		}
		// It is no other credential.
		_, err = w.auth.Authenticate(t.Context(), good)
		requireCode(t, problem.Unauthenticated, err)
		require.Nil(t, w.browser(t, good))

		v, err := w.auth.AuthenticatePortalLink(t.Context(), good)
		require.NoError(t, err)
		_, err = db.Ent.Account.Query().Count(auth.With(t.Context(), v))
		requireCode(t, problem.Forbidden, err)
		w.now = w.now.Add(15 * time.Minute)
		w.closed(t, good)
		_, _, err = w.SignIn(auth.With(t.Context(), v), "") // it expired in between
		requireCode(t, problem.Unauthenticated, err)
	})
}

// Of many who open a link at the same time, one enters.
func TestAPortalLinkIsUsedOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		_, secret := w.link(t, a.ID)
		v, err := w.auth.AuthenticatePortalLink(t.Context(), secret)
		require.NoError(t, err)
		var (
			all     sync.WaitGroup
			entered atomic.Int32
		)
		for range 8 {
			all.Go(func() {
				if _, _, err := w.SignIn(auth.With(t.Context(), v), ""); err == nil {
					entered.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, entered.Load())
		require.Equal(t, 1, db.Ent.Session.Query().CountX(w.system))
	})
}

func TestPortalLinksAreRevokedWithTheirSessions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		_, own, err := w.SignIn(jane, "")
		require.NoError(t, err)
		one, first := w.link(t, a.ID)
		_, second := w.link(t, a.ID)
		_, open := w.link(t, a.ID)
		_, joes := w.link(t, b.ID)
		_, cookie1 := w.open(t, first)
		_, cookie2 := w.open(t, second)
		_, cookie3 := w.open(t, joes)

		_, err = w.RevokePortalLinks(w.admin, pusher.RevokePortalLinksInput{AccountID: b.ID, LinkID: &one.ID})
		requireCode(t, problem.NotFound, err)
		r, err := w.RevokePortalLinks(w.admin, pusher.RevokePortalLinksInput{AccountID: a.ID, LinkID: &one.ID, Reason: new("lost")})
		require.NoError(t, err)
		require.Equal(t, &pusher.RevokedPortalLinks{Sessions: 1}, r)
		require.Nil(t, w.browser(t, cookie1))
		require.NotNil(t, w.browser(t, cookie2))
		require.Equal(t, []string{"REVOKE admin: lost"}, w.did(one.ID))

		r, err = w.RevokePortalLinks(w.admin, pusher.RevokePortalLinksInput{AccountID: a.ID})
		require.NoError(t, err)
		require.Equal(t, &pusher.RevokedPortalLinks{Links: 1, Sessions: 1}, r)
		w.closed(t, open)
		require.Nil(t, w.browser(t, cookie2))
		require.NotNil(t, w.browser(t, cookie3), "another account's")
		require.NotNil(t, w.browser(t, own), "a token's")
	})
}

func TestPortalLinksAreTheOperatorsToMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	for _, c := range []struct {
		ctx  context.Context
		id   string
		code problem.Code
	}{
		{t.Context(), a.ID, problem.Unauthenticated},
		{jane, a.ID, problem.Forbidden}, {jane, "acc_x", problem.Forbidden}, {w.admin, "acc_x", problem.NotFound},
	} {
		_, _, err := w.CreatePortalLink(c.ctx, pusher.CreatePortalLinkInput{AccountID: c.id})
		requireCode(t, c.code, err)
		_, err = w.RevokePortalLinks(c.ctx, pusher.RevokePortalLinksInput{AccountID: c.id})
		requireCode(t, c.code, err)
	}
	for _, link := range []string{"", "x", "lnk_\x00", a.ID} {
		_, err := w.RevokePortalLinks(w.admin, pusher.RevokePortalLinksInput{AccountID: a.ID, LinkID: &link})
		requireCode(t, problem.NotFound, err)
	}
	short, long := time.Second, 48*time.Hour
	for field, in := range map[string]pusher.CreatePortalLinkInput{
		"scopes":           {Scopes: []auth.Scope{auth.Ingest}},
		"expiresIn":        {ExpiresIn: &long},
		"sessionExpiresIn": {SessionExpiresIn: &short},
		"reason":           {Reason: new(strings.Repeat("x", 200))},
	} {
		in.AccountID = a.ID
		_, _, err := w.CreatePortalLink(w.admin, in)
		requireCode(t, problem.Invalid, err)
		require.Equal(t, []string{field}, fieldsOf(err))
	}
	require.Zero(t, w.db.Ent.PortalLink.Query().CountX(w.system))
}

// Links are swept when another is made, once their sessions must be over.
func TestOldPortalLinksAreSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, _ := w.account(t, "jane@example.com")
	old, _ := w.link(t, a.ID)
	w.now = old.ExpiresAt.Add(12*time.Hour - time.Second)
	w.link(t, a.ID)
	require.Equal(t, 2, w.db.Ent.PortalLink.Query().CountX(w.system))
	w.now = old.ExpiresAt.Add(12 * time.Hour)
	w.link(t, a.ID)
	require.Equal(t, 2, w.db.Ent.PortalLink.Query().CountX(w.system))
	require.Len(t, w.actions(old.ID), 1, "the log stays")
}
