package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

const adminToken = "adminadminadminadmin"

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type world struct {
	db      *database.DB
	clock   *clock
	auth    *auth.Authenticator
	account *ent.Account
	ctx     context.Context // of the system
}

func newWorld(t *testing.T, db *database.DB) *world {
	w := &world{db: db, clock: newClock(), ctx: auth.AsSystem(t.Context())}
	w.auth = w.process(t, adminToken)
	w.account = db.Ent.Account.Create().SetName("a").SetEmail("a@example.com").SaveX(w.ctx)
	return w
}

// process is the authenticator of a process on the same database. It looks at
// those who are watched all the time.
func (w *world) process(t *testing.T, adminToken string) *auth.Authenticator {
	a := auth.NewAuthenticator(w.db.Ent, auth.Options{
		AdminToken: adminToken, Now: w.clock.Now, Flush: time.Hour, WatchEvery: time.Millisecond,
	})
	t.Cleanup(a.Close)
	return a
}

func (w *world) token(secret string) *ent.TokenCreate {
	return w.db.Ent.Token.Create().SetAccountID(w.account.ID).SetName("t").SetScopes([]string{"INGEST", "READ"}).
		SetHash(auth.HashOf(secret)).SetPrefix(auth.PrefixOf(secret))
}

func TestValidCredentials(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		v, err := w.auth.Authenticate(t.Context(), adminToken)
		require.NoError(t, err)
		require.Equal(t, auth.Admin, v.Kind)
		require.False(t, v.Can(auth.Ingest))

		for _, secret := range []string{auth.NewSecretToken(), strings.Repeat("aZ09", 8)} {
			row := w.token(secret).SetExpiresAt(w.clock.Now().Add(time.Minute)).SaveX(w.ctx)
			for range 2 { // from the table, then from the cache
				v, err = w.auth.Authenticate(t.Context(), secret)
				require.NoError(t, err)
				require.Equal(t, &auth.Viewer{
					Kind: auth.Account, AccountID: w.account.ID, TokenID: row.ID,
					Scopes: []auth.Scope{auth.Ingest, auth.Read}, ExpiresAt: row.ExpiresAt.UTC(),
				}, v)
			}
		}
	})
}

func TestEveryInvalidCredentialGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		now := w.clock.Now()
		good, revoked, expired, gone := auth.NewSecretToken(), auth.NewSecretToken(), auth.NewSecretToken(), auth.NewSecretToken()
		w.token(good).SaveX(w.ctx)
		w.token(revoked).SetRevokedAt(now).SaveX(w.ctx)
		w.token(expired).SetExpiresAt(now).SaveX(w.ctx)
		deleted := db.Ent.Account.Create().SetName("b").SetEmail("b@example.com").SetDeletedAt(now).SaveX(w.ctx)
		db.Ent.Token.Create().SetAccountID(deleted.ID).SetName("t").SetScopes([]string{"READ"}).
			SetHash(auth.HashOf(gone)).SetPrefix(auth.PrefixOf(gone)).SaveX(w.ctx)

		for name, secret := range map[string]string{
			"empty":                     "",
			"unknown":                   auth.NewSecretToken(),
			"right prefix, wrong rest":  good[:len(good)-1] + "_",
			"cut off":                   good[:12],
			"longer":                    good + "A",
			"revoked":                   revoked,
			"expired this instant":      expired,
			"of a deleted account":      gone,
			"NUL":                       "dpt_\x00abcdefgh",
			"not UTF-8":                 "dpt_\xff\xfe\xfdabcdefgh",
			"huge":                      strings.Repeat("a", 1<<20),
			"the admin token's prefix":  adminToken[:19],
			"the hash instead of it":    string(auth.HashOf(good)),
			"spaces":                    " " + good,
			"another case of a letters": strings.ToLower(good),
		} {
			v, err := w.auth.Authenticate(t.Context(), secret)
			require.Nil(t, v, name)
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), name)
			require.Equal(t, auth.Denied().Error(), err.Error(), name)
		}
	})
}

func TestWithoutAnAdminTokenNobodyIsAdmin(t *testing.T) {
	t.Parallel()
	a := auth.NewAuthenticator(dbtest.SQLite(t).Ent, auth.Options{})
	t.Cleanup(a.Close)
	_, err := a.Authenticate(t.Context(), "")
	require.Equal(t, problem.Unauthenticated, problem.CodeOf(err))
}

func TestADatabaseThatIsDownIsNotTheCallersFault(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db)
	require.NoError(t, db.Close())
	_, err := w.auth.Authenticate(t.Context(), auth.NewSecretToken())
	require.Equal(t, problem.Unavailable, problem.CodeOf(err))
}

func TestTheCacheEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		secret := auth.NewSecretToken()
		row := w.token(secret).SaveX(w.ctx)
		authenticate := func() error { _, err := w.auth.Authenticate(t.Context(), secret); return err }
		require.NoError(t, authenticate())

		// Revoked by another process: seen when the second is over.
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		require.NoError(t, authenticate())
		w.clock.Add(time.Second)
		require.Error(t, authenticate())

		// In this process: at once.
		row.Update().ClearRevokedAt().ExecX(w.ctx)
		require.NoError(t, authenticate())
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		w.auth.Forget("acc_another")
		require.NoError(t, authenticate())
		w.auth.Forget(w.account.ID)
		require.Error(t, authenticate())

		row.Update().ClearRevokedAt().ExecX(w.ctx)
		require.NoError(t, authenticate())
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		w.auth.ForgetAll()
		require.Error(t, authenticate())
	})
}

func TestACachedTokenStillExpiresOnTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	secret := auth.NewSecretToken()
	w.token(secret).SetExpiresAt(w.clock.Now().Add(100 * time.Millisecond)).SaveX(w.ctx)
	_, err := w.auth.Authenticate(t.Context(), secret)
	require.NoError(t, err)
	w.clock.Add(100 * time.Millisecond)
	_, err = w.auth.Authenticate(t.Context(), secret)
	require.Error(t, err)
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	secret := auth.NewSecretToken()
	w.token(secret).SaveX(w.ctx)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			v, err := w.auth.Authenticate(t.Context(), secret)
			if err != nil || v.AccountID != w.account.ID {
				t.Errorf("got %v, %v", v, err)
			}
		})
	}
	wg.Wait()
}

func TestLastUsedIsWrittenInTheBackgroundOnceAMinute(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		secret := auth.NewSecretToken()
		row := w.token(secret).SaveX(w.ctx)
		use := func() {
			t.Helper()
			w.auth.ForgetAll()
			_, err := w.auth.Authenticate(t.Context(), secret)
			require.NoError(t, err)
		}
		written := func() *time.Time {
			t.Helper()
			return db.Ent.Token.GetX(w.ctx, row.ID).LastUsedAt
		}
		use()
		require.Nil(t, written(), "a request waited for it")
		require.NoError(t, w.auth.Flush(t.Context()))
		first := w.clock.Now()
		require.True(t, first.Equal(*written()))

		w.clock.Add(59 * time.Second)
		use()
		require.NoError(t, w.auth.Flush(t.Context()))
		require.True(t, first.Equal(*written()))

		w.clock.Add(time.Second)
		use()
		w.auth.Close() // writes what waits
		require.True(t, first.Add(time.Minute).Equal(*written()))
	})
}
