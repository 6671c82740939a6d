package pusher_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/workflows"
)

// world is a pusher on a database of its own, with what it calls beside it.
type world struct {
	*pusher.Pusher
	db      *database.DB
	box     *secret.Box
	auth    *auth.Authenticator
	engine  *engine
	now     time.Time
	changed []string

	admin  context.Context
	system context.Context
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	w := &world{
		db: db, box: box, engine: &engine{},
		now:    time.Date(2030, 5, 6, 7, 8, 9, 123456000, time.UTC),
		admin:  auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin}),
		system: auth.AsSystem(t.Context()),
	}
	now := func() time.Time { return w.now }
	w.auth = auth.NewAuthenticator(db.Ent, auth.Options{Now: now, Flush: time.Hour})
	t.Cleanup(w.auth.Close)
	w.Pusher = pusher.New(pusher.Options{
		DB: db, Box: box, Auth: w.auth, Engine: w.engine, Now: now,
		Changed: func(accountID string) { w.changed = append(w.changed, accountID) },
	})
	return w
}

// account makes an account and the context of a viewer with its first token.
func (w *world) account(t *testing.T, email string) (*ent.Account, context.Context) {
	t.Helper()
	a, secret, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "Jane", Email: email})
	require.NoError(t, err)
	return a, w.as(t, secret)
}

// as is the context of a viewer with that token.
func (w *world) as(t *testing.T, secret string) context.Context {
	t.Helper()
	v, err := w.auth.Authenticate(t.Context(), secret)
	require.NoError(t, err)
	return auth.With(t.Context(), v)
}

func (w *world) destination(ctx context.Context, t *testing.T, accountID string) *ent.Destination {
	t.Helper()
	d, _, err := w.CreateDestination(ctx, pusher.CreateDestinationInput{AccountID: accountID, URL: "https://example.com/hook"})
	require.NoError(t, err)
	return d
}

// valid reports whether a token still opens the door.
func (w *world) valid(t *testing.T, secret string) bool {
	t.Helper()
	_, err := w.auth.Authenticate(t.Context(), secret)
	if err != nil {
		require.Equal(t, problem.Unauthenticated, problem.CodeOf(err))
	}
	return err == nil
}

func requireCode(t *testing.T, want problem.Code, err error) {
	t.Helper()
	require.Equal(t, want, problem.CodeOf(err), "%v", err)
}

func fieldsOf(err error) []string {
	var names []string
	for _, f := range problem.From(err).Fields {
		names = append(names, f.Name)
	}
	return names
}

// engine notes what is woken.
type engine struct {
	workflows.Engine
	mu    sync.Mutex
	woken []string
	down  bool
}

func (e *engine) Wake(_ context.Context, loop string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.woken = append(e.woken, loop)
	if e.down {
		return errors.New("the engine is down")
	}
	return nil
}
