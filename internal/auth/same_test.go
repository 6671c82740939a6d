package auth_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// Whether a secret is good or not, the same statement looks it up: neither the
// answer nor the work tells a guess that is nearly right from one that is not.
func TestEverySecretCostsTheSameStatement(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		now := w.clock.Now()
		good, revoked, expired := auth.NewSecretToken(), auth.NewSecretToken(), auth.NewSecretToken()
		w.token(good).SaveX(w.ctx)
		w.token(revoked).SetRevokedAt(now).SaveX(w.ctx)
		w.token(expired).SetExpiresAt(now).SaveX(w.ctx)
		_, cookie := w.session(now.Add(time.Hour))
		_, oldCookie := w.session(now)

		var mu sync.Mutex
		var asked []string
		heard := ent.NewClient(ent.Driver(dialect.DebugWithContext(db.Driver(), func(_ context.Context, v ...any) {
			mu.Lock()
			defer mu.Unlock()
			statement, _, _ := strings.Cut(fmt.Sprint(v...), " args=")
			asked = append(asked, statement)
		})))
		a := auth.NewAuthenticator(heard, auth.Options{AdminToken: adminToken, Now: w.clock.Now, Flush: time.Hour, WatchEvery: time.Hour})
		t.Cleanup(a.Close)
		during := func(authenticate func(context.Context, string) (*auth.Viewer, error), secret string) []string {
			mu.Lock()
			asked = nil
			mu.Unlock()
			_, _ = authenticate(t.Context(), secret)
			mu.Lock()
			defer mu.Unlock()
			return asked
		}
		want := during(a.Authenticate, good)
		require.Len(t, want, 1)
		for _, secret := range []string{
			"", "x", revoked, expired, auth.NewSecretToken(), good[:len(good)-1] + "_", good[:12], good + "x", "dpt_\x00abcdefgh",
			adminToken[:len(adminToken)-1], adminToken + "x", strings.Repeat("a", 10_000),
		} {
			require.Equal(t, want, during(a.Authenticate, secret), "%.20q", secret)
		}
		require.Empty(t, during(a.Authenticate, good), "a good one is remembered")

		want = during(a.AuthenticateSession, cookie)
		require.Len(t, want, 1)
		for _, secret := range []string{"", "x", oldCookie, auth.NewSessionSecret(), cookie[:len(cookie)-1] + "_", cookie[:12], good, adminToken} {
			require.Equal(t, want, during(a.AuthenticateSession, secret), "%.20q", secret)
		}
	})
}

// The prefix only finds candidates: the whole secret decides.
func TestTokensMayShareAPrefix(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		secrets := map[string]string{}
		for _, last := range []string{"a", "b", "c"} {
			secret := "dpt_" + strings.Repeat("A", 42) + last
			secrets[secret] = w.token(secret).SaveX(w.ctx).ID
		}
		for secret, id := range secrets {
			v, err := w.auth.Authenticate(t.Context(), secret)
			require.NoError(t, err)
			require.Equal(t, id, v.TokenID)
		}
		_, err := w.auth.Authenticate(t.Context(), "dpt_"+strings.Repeat("A", 42)+"d")
		require.Error(t, err)
	})
}

// Two processes on one database: what one ends, the other takes for a second at
// most, however often it is asked meanwhile.
func TestAnotherProcessKnowsWithinASecond(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		other := w.process(t, adminToken)
		secret := auth.NewSecretToken()
		row := w.token(secret).SaveX(w.ctx)
		session, cookie := w.session(w.clock.Now().Add(time.Hour))
		ask := func() (token, signedIn error) {
			_, token = other.Authenticate(t.Context(), secret)
			_, signedIn = other.AuthenticateSession(t.Context(), cookie)
			return token, signedIn
		}
		for range 30 {
			token, signedIn := ask()
			require.NoError(t, token)
			require.NoError(t, signedIn)
			w.clock.Add(100 * time.Millisecond)
		}
		other.ForgetAll()
		_, _ = ask() // the other has read it at the last moment
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		session.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		w.auth.Forget(w.account.ID)
		for range 10 { // a second; being asked for prolongs nothing
			_, _ = ask()
			w.clock.Add(100 * time.Millisecond)
		}
		token, signedIn := ask()
		require.Error(t, token)
		require.Error(t, signedIn)
	})
}
