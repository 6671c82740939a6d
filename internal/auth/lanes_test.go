package auth_test

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
	"datapusher/internal/testutil/dbtest"
)

// gate holds queries for tokens while it is shut, and counts them.
type gate struct {
	mu       sync.Mutex
	shut     chan struct{} // nil: open
	entered  chan struct{}
	now, max atomic.Int64
	all      atomic.Int64
}

func newGate(db *database.DB) *gate {
	g := &gate{entered: make(chan struct{}, 1000)}
	db.Ent.Token.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			g.all.Add(1)
			g.max.Store(max(g.max.Load(), g.now.Add(1)))
			defer g.now.Add(-1)
			g.mu.Lock()
			shut := g.shut
			g.mu.Unlock()
			if shut != nil {
				g.entered <- struct{}{}
				<-shut
			}
			return next.Query(ctx, q)
		})
	}))
	return g
}

// close holds the queries that come from now on until release is called; open
// lets those pass that come later.
func (g *gate) close() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shut := make(chan struct{})
	g.shut = shut
	return sync.OnceFunc(func() { close(shut) })
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = nil
}

// Guesses wait for guesses. A token that is in use is looked up at once, also when
// what was remembered of it is over or forgotten, and for one that is new suspects
// are not in the way.
func TestGuessesWaitForEachOtherAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, g := newWorld(t, db), newGate(db)
		used, fresh := auth.NewSecretToken(), auth.NewSecretToken()
		row := w.token(used).SaveX(w.ctx)
		w.token(fresh).SaveX(w.ctx)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		authenticate := func(ctx context.Context, secret string) error {
			_, err := w.auth.Authenticate(ctx, secret)
			return err
		}
		require.NoError(t, authenticate(ctx, used))
		w.clock.Add(time.Second)

		releaseSuspects := g.close()
		var guesses sync.WaitGroup
		for range 50 {
			guesses.Go(func() {
				if problem.CodeOf(authenticate(auth.AsSuspect(ctx), auth.NewSecretToken())) == "" {
					t.Error("a guess is right")
				}
			})
		}
		<-g.entered // a suspect
		g.open()
		require.NoError(t, authenticate(ctx, fresh), "no suspect")
		releaseOthers := g.close()
		for range 50 {
			guesses.Go(func() {
				if problem.CodeOf(authenticate(ctx, auth.NewSecretToken())) == "" {
					t.Error("a guess is right")
				}
			})
		}
		<-g.entered
		<-g.entered
		g.open()
		for range 3 {
			require.NoError(t, authenticate(ctx, used))
			require.NoError(t, authenticate(auth.AsSuspect(ctx), used), "where it comes from is of no matter")
			w.clock.Add(time.Second)
			w.auth.Forget(w.account.ID)
			require.NoError(t, authenticate(ctx, used))
			w.auth.ForgetAll()
		}

		// One that is not right any more has lost its place.
		row.Update().SetRevokedAt(w.clock.Now()).ExecX(w.ctx)
		require.Equal(t, problem.Unauthenticated, problem.CodeOf(authenticate(ctx, used)))
		soon, end := context.WithTimeout(ctx, 50*time.Millisecond)
		defer end()
		require.Equal(t, problem.Unavailable, problem.CodeOf(authenticate(soon, used)), "it waits like a guess")
		require.LessOrEqual(t, g.max.Load(), int64(4), "three guesses, and one token in use")

		releaseSuspects()
		releaseOthers()
		guesses.Wait()
	})
}

// What cannot be a secret is no reason to ask the database for whoever guesses.
// Others get the answer after the same work.
func TestWhatIsNoSecretByItsFormIsNotLookedUpForSuspects(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w, g := newWorld(t, db), newGate(db)
	for _, suspect := range []bool{false, true} {
		ctx, want := t.Context(), int64(1)
		if suspect {
			ctx, want = auth.AsSuspect(ctx), 0
		}
		for _, secret := range []string{"", "short", "with space in it", "a-b-c-d-e-f-g", "dpt_\x00abcdefgh", strings.Repeat("a", 129)} {
			before := g.all.Load()
			_, err := w.auth.Authenticate(ctx, secret)
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), secret)
			require.Equal(t, want, g.all.Load()-before, secret)
			_, err = w.auth.AuthenticateSession(ctx, secret)
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), secret)
		}
		before := g.all.Load()
		_, err := w.auth.Authenticate(ctx, auth.NewSecretToken())
		require.Equal(t, problem.Unauthenticated, problem.CodeOf(err))
		require.EqualValues(t, 1, g.all.Load()-before, "it might be right")
	}
}
