package pusher_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestCreateAndRevokeToken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		end := w.now.Add(time.Hour)
		tok, secret, err := w.CreateToken(jane, pusher.CreateTokenInput{
			AccountID: a.ID, Name: "ci", Scopes: []auth.Scope{auth.Read, auth.Ingest, auth.Read}, ExpiresAt: &end,
		})
		require.NoError(t, err)
		require.Equal(t, []string{"INGEST", "READ"}, tok.Scopes)
		require.True(t, end.Equal(*tok.ExpiresAt))
		require.False(t, tok.First)

		reader := w.as(t, secret)
		_, err = w.UpdateAccount(reader, pusher.UpdateAccountInput{ID: a.ID, Name: new("x")})
		requireCode(t, problem.Forbidden, err)

		for range 2 {
			revoked, err := w.RevokeToken(jane, pusher.RevokeTokenInput{ID: tok.ID})
			require.NoError(t, err)
			require.True(t, w.now.Equal(*revoked.RevokedAt))
			require.False(t, w.valid(t, secret))
		}
	})
}

func TestCreateTokenTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	_, _, err := w.CreateToken(jane, pusher.CreateTokenInput{AccountID: a.ID, ExpiresAt: &w.now})
	require.Equal(t, []string{"name", "scopes", "expiresAt"}, fieldsOf(err))
	_, _, err = w.CreateToken(jane, pusher.CreateTokenInput{AccountID: a.ID, Name: "x", Scopes: []auth.Scope{"ROOT"}})
	require.Equal(t, []string{"scopes"}, fieldsOf(err))
}

func TestTokensAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	in := pusher.CreateTokenInput{AccountID: a.ID, Name: "x", Scopes: []auth.Scope{auth.Read}}
	for range pusher.MaxTokens - 1 {
		_, _, err := w.CreateToken(jane, in)
		require.NoError(t, err)
	}
	_, _, err := w.CreateToken(jane, in)
	requireCode(t, problem.Conflict, err)
	_, _, err = w.RotateSecretToken(jane, pusher.RotateSecretTokenInput{AccountID: a.ID})
	require.NoError(t, err, "a rotation adds none")
}

func TestRotateSecretToken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, old, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "a", Email: "a@example.com"})
		require.NoError(t, err)
		require.True(t, w.valid(t, old))

		// With an overlap both work until it is over.
		_, second, err := w.RotateSecretToken(w.as(t, old), pusher.RotateSecretTokenInput{AccountID: a.ID, Overlap: new(time.Hour)})
		require.NoError(t, err)
		require.True(t, w.valid(t, old))
		require.True(t, w.valid(t, second))
		w.now = w.now.Add(time.Hour)
		require.False(t, w.valid(t, old))
		require.True(t, w.valid(t, second))

		// Without one the old ends at once.
		of, third, err := w.RotateSecretToken(w.admin, pusher.RotateSecretTokenInput{AccountID: a.ID})
		require.NoError(t, err)
		require.Equal(t, a.ID, of.ID)
		require.False(t, w.valid(t, second))
		require.True(t, w.valid(t, third))
		first := db.Ent.Token.Query().Where(token.First(true)).OnlyX(w.system)
		require.Equal(t, auth.HashOf(third), first.Hash)
	})
}

func TestOverlapsAreBounded(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]bool{-1: false, 0: true, 7 * 24 * time.Hour: true, 7*24*time.Hour + 1: false} {
		err := pusher.RotateSecretTokenInput{Overlap: &d}.Validate()
		require.Equal(t, want, err == nil, d)
		err = pusher.RotateTokenInput{Overlap: &d}.Validate()
		require.Equal(t, want, err == nil, d)
		err = pusher.RotateSigningSecretInput{Overlap: &d}.Validate()
		require.Equal(t, want, err == nil, d)
	}
}
