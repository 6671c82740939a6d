package auth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// watch opens a stream of a viewer. It is over when the test is.
func watch(t *testing.T, a *auth.Authenticator, v *auth.Viewer) context.Context {
	t.Helper()
	watched, stop := a.Watch(t.Context(), v)
	t.Cleanup(stop)
	return watched
}

// requireEnded waits for the end of a stream.
func requireEnded(stream context.Context, t *testing.T, why error) {
	t.Helper()
	select {
	case <-stream.Done():
		require.ErrorIs(t, context.Cause(stream), why)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the stream is still open")
	}
}

// Everything that ends a credential ends its streams, in this process and in
// others, and nobody else's.
func TestAStreamEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, row *ent.Token, s *ent.Session){
		"revoked": func(w *world, row *ent.Token, s *ent.Session) {
			row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
			s.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		},
		"gone": func(w *world, row *ent.Token, s *ent.Session) {
			w.db.Ent.Token.DeleteOne(row).ExecX(w.ctx)
			w.db.Ent.Session.DeleteOne(s).ExecX(w.ctx)
		},
		"expired": func(w *world, _ *ent.Token, _ *ent.Session) { w.clock.Add(time.Hour) },
		"cut short": func(w *world, row *ent.Token, s *ent.Session) {
			row.Update().SetExpiresAt(w.clock.Now()).ExecX(w.ctx)
			s.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				secret := auth.NewSecretToken()
				row := w.token(secret).SetExpiresAt(w.clock.Now().Add(time.Hour)).SaveX(w.ctx)
				staying := w.token(auth.NewSecretToken()).SaveX(w.ctx)
				s, cookie := w.session(w.clock.Now().Add(time.Hour))
				_, other := w.session(w.clock.Now().Add(2 * time.Hour))

				var ending, going []context.Context
				for _, a := range []*auth.Authenticator{w.auth, w.process(t, adminToken)} {
					v, err := a.Authenticate(t.Context(), secret)
					require.NoError(t, err)
					signedIn, err := a.AuthenticateSession(t.Context(), cookie)
					require.NoError(t, err)
					anotherIn, err := a.AuthenticateSession(t.Context(), other)
					require.NoError(t, err)
					admin, err := a.Authenticate(t.Context(), adminToken)
					require.NoError(t, err)
					ending = append(ending, watch(t, a, v), watch(t, a, v), watch(t, a, signedIn))
					going = append(going, watch(t, a, admin), watch(t, a, nil), watch(t, a, anotherIn),
						watch(t, a, &auth.Viewer{Kind: auth.Account, TokenID: staying.ID}))
				}
				end(w, row, s)
				for _, stream := range ending {
					requireEnded(stream, t, auth.ErrRevoked)
				}
				for _, stream := range going {
					require.NoError(t, stream.Err())
				}
			})
		})
	}
}

func TestAStreamEndsWithItsAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	row := w.token(auth.NewSecretToken()).SaveX(w.ctx)
	stream := watch(t, w.auth, &auth.Viewer{Kind: auth.Account, TokenID: row.ID})
	w.account.Update().SetDeletedAt(w.clock.Now()).ExecX(w.ctx)
	requireEnded(stream, t, auth.ErrRevoked)
}

// A session that was opened with another admin token is over.
func TestAStreamEndsWithTheAdminToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	s, _ := w.session(w.clock.Now().Add(time.Hour))
	for _, token := range []string{"another-admin-token", ""} {
		stream := watch(t, w.process(t, token), &auth.Viewer{Kind: auth.Admin, SessionID: s.ID})
		requireEnded(stream, t, auth.ErrRevoked)
	}
}

// The process that makes the change does not wait for the next look.
func TestForgetLooksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a := auth.NewAuthenticator(w.db.Ent, auth.Options{AdminToken: adminToken, Now: w.clock.Now, WatchEvery: time.Hour})
	t.Cleanup(a.Close)
	for name, forget := range map[string]func(s *ent.Session){
		"account": func(*ent.Session) { a.Forget(w.account.ID) },
		"session": func(s *ent.Session) { a.ForgetSession(s.ID) },
		"all":     func(*ent.Session) { a.ForgetAll() },
	} {
		t.Run(name, func(t *testing.T) {
			row := w.token(auth.NewSecretToken()).SaveX(w.ctx)
			s, _ := w.session(w.clock.Now().Add(time.Hour))
			streams := []context.Context{
				watch(t, a, &auth.Viewer{Kind: auth.Account, TokenID: row.ID}),
				watch(t, a, &auth.Viewer{Kind: auth.Admin, SessionID: s.ID}),
			}
			row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
			s.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
			forget(s)
			for _, stream := range streams {
				requireEnded(stream, t, auth.ErrRevoked)
			}
		})
	}
}

// While the database is away, what is known holds: the expiry. After some
// seconds nothing is known any more.
func TestAStreamThatCannotBeCheckedEnds(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db)
	require.NoError(t, db.Close())
	now := w.clock.Now()
	expiring := watch(t, w.auth, &auth.Viewer{Kind: auth.Account, TokenID: "tok_1", ExpiresAt: now.Add(time.Second)})
	lasting := watch(t, w.auth, &auth.Viewer{Kind: auth.Account, TokenID: "tok_2", ExpiresAt: now.Add(time.Hour)})
	w.clock.Add(time.Second)
	requireEnded(expiring, t, auth.ErrRevoked)
	require.NoError(t, lasting.Err())
	w.clock.Add(4 * time.Second)
	requireEnded(lasting, t, auth.ErrUnchecked)
}

// More than one statement takes are looked at, and those who left are forgotten.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var rows []*ent.TokenCreate
		for range 1100 {
			rows = append(rows, w.token(auth.NewSecretToken()))
		}
		var streams []context.Context
		var stops []func()
		for _, row := range db.Ent.Token.CreateBulk(rows...).SaveX(w.ctx) {
			stream, stop := w.auth.Watch(t.Context(), &auth.Viewer{Kind: auth.Account, TokenID: row.ID})
			streams, stops = append(streams, stream), append(stops, stop)
		}
		require.Equal(t, 1100, w.auth.Watched())
		for _, stop := range stops[:100] {
			stop()
			stop()
		}
		require.Equal(t, 1000, w.auth.Watched())
		for i, stream := range streams {
			require.Equal(t, i < 100, stream.Err() != nil, fmt.Sprint(i))
		}
		db.Ent.Token.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		for _, stream := range streams[100:] {
			requireEnded(stream, t, auth.ErrRevoked)
		}
		require.Eventually(t, func() bool { return w.auth.Watched() == 0 }, 10*time.Second, time.Millisecond)
	})
}

// A stream that ends by itself is no longer watched.
func TestAStreamThatEndsIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	row := w.token(auth.NewSecretToken()).SaveX(w.ctx)
	ctx, cancel := context.WithCancel(t.Context())
	stream, stop := w.auth.Watch(ctx, &auth.Viewer{Kind: auth.Account, TokenID: row.ID})
	defer stop()
	require.Equal(t, 1, w.auth.Watched())
	cancel()
	<-stream.Done()
	require.ErrorIs(t, context.Cause(stream), context.Canceled)
	require.Eventually(t, func() bool { return w.auth.Watched() == 0 }, 10*time.Second, time.Millisecond)
}
