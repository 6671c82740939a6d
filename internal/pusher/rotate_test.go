package pusher_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

// newToken makes a token as the admin, and the context of a viewer with it.
func (w *world) newToken(t *testing.T, accountID string, expires *time.Time, scopes ...auth.Scope) (*ent.Token, string, context.Context) {
	t.Helper()
	tok, secret, err := w.CreateToken(w.admin, pusher.CreateTokenInput{AccountID: accountID, Name: "ci", Scopes: scopes, ExpiresAt: expires})
	require.NoError(t, err)
	return tok, secret, w.as(t, secret)
}

func TestRotateToken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		end := w.now.Add(24 * time.Hour)
		old, secret, _ := w.newToken(t, a.ID, &end, auth.Read, auth.Ingest)

		// With an overlap both work until it is over.
		next, second, err := w.RotateToken(jane, pusher.RotateTokenInput{ID: old.ID, Overlap: new(time.Hour)})
		require.NoError(t, err)
		require.NotEqual(t, old.ID, next.ID)
		require.Equal(t, old.Name, next.Name)
		require.Equal(t, []string{"INGEST", "READ"}, next.Scopes)
		require.True(t, end.Equal(*next.ExpiresAt))
		require.False(t, next.First)
		require.Equal(t, auth.HashOf(second), next.Hash)
		require.True(t, w.valid(t, secret))
		require.True(t, w.valid(t, second))
		require.Equal(t, []string{"ROTATE " + tokenID(jane) + ": "}, w.did(old.ID))
		w.now = w.now.Add(time.Hour)
		require.False(t, w.valid(t, secret))
		require.True(t, w.valid(t, second))

		// Without one the old ends at once; what is no longer valid has no successor.
		last, third, err := w.RotateToken(w.admin, pusher.RotateTokenInput{ID: next.ID})
		require.NoError(t, err)
		require.False(t, w.valid(t, second))
		require.True(t, w.valid(t, third))
		_, err = w.RevokeToken(jane, pusher.RevokeTokenInput{ID: last.ID})
		require.NoError(t, err)
		tokens := db.Ent.Token.Query().CountX(w.system)
		for _, gone := range []string{old.ID, next.ID, last.ID} {
			_, _, err = w.RotateToken(w.admin, pusher.RotateTokenInput{ID: gone})
			requireCode(t, problem.Conflict, err)
		}
		require.Equal(t, tokens, db.Ent.Token.Query().CountX(w.system))

		// An overlap never prolongs a token.
		soon := w.now.Add(time.Minute)
		short, shortSecret, _ := w.newToken(t, a.ID, &soon, auth.Read)
		_, _, err = w.RotateToken(jane, pusher.RotateTokenInput{ID: short.ID, Overlap: new(time.Hour)})
		require.NoError(t, err)
		require.True(t, soon.Equal(*db.Ent.Token.GetX(w.system, short.ID).ExpiresAt))
		w.now = soon
		require.False(t, w.valid(t, shortSecret))
	})
}

func TestTheSuccessorOfTheFirstTokenIsTheFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		first := db.Ent.Token.Query().OnlyX(w.system)
		next, secret, err := w.RotateToken(jane, pusher.RotateTokenInput{ID: first.ID, Overlap: new(time.Hour)})
		require.NoError(t, err)
		require.True(t, next.First)
		require.Nil(t, next.ExpiresAt)
		require.Equal(t, next.ID, db.Ent.Token.Query().Where(token.First(true)).OnlyIDX(w.system))

		// It is what the account's rotation goes on from.
		_, _, err = w.RotateSecretToken(w.as(t, secret), pusher.RotateSecretTokenInput{AccountID: a.ID})
		require.NoError(t, err)
		require.False(t, w.valid(t, secret))
	})
}

func TestARotationNeedsRoomForItsOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	var tok *ent.Token
	for range pusher.MaxTokens - 1 {
		tok, _, _ = w.newToken(t, a.ID, nil, auth.Read)
	}
	_, _, err := w.RotateToken(jane, pusher.RotateTokenInput{ID: tok.ID, Overlap: new(time.Hour)})
	requireCode(t, problem.Conflict, err)
	require.Nil(t, w.db.Ent.Token.GetX(w.system, tok.ID).ExpiresAt, "nothing has happened")
	_, _, err = w.RotateToken(jane, pusher.RotateTokenInput{ID: tok.ID})
	require.NoError(t, err, "a rotation adds none")
}

// A token makes none that can do more or lasts longer than itself, in no way.
func TestATokenGivesNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	const (
		ingest, read, manage = auth.Ingest, auth.Read, auth.Manage
		hour                 = time.Hour
		never                = time.Duration(0)
	)
	type scopes = []auth.Scope
	for name, c := range map[string]struct {
		has       scopes
		hasFor    time.Duration
		give      scopes
		giveFor   time.Duration
		want      bool // may give that, by making it or as the successor of another
		wantFirst bool // may give the account a new first token
	}{
		"the same":                  {scopes{manage}, never, scopes{manage}, never, true, false},
		"less":                      {scopes{ingest, manage}, never, scopes{ingest}, never, true, true},
		"manage includes read":      {scopes{manage}, never, scopes{read}, never, true, false},
		"both":                      {scopes{manage}, never, scopes{read, manage}, never, true, false},
		"everything":                {scopes{ingest, read, manage}, never, scopes{ingest, read, manage}, never, true, true},
		"a scope that it lacks":     {scopes{read, manage}, never, scopes{ingest}, never, false, false},
		"one of several":            {scopes{manage}, never, scopes{manage, ingest}, never, false, false},
		"sooner":                    {scopes{manage}, hour, scopes{manage}, hour - 1000, true, false},
		"as long":                   {scopes{manage}, hour, scopes{manage}, hour, true, false},
		"longer":                    {scopes{manage}, hour, scopes{manage}, hour + 1000, false, false},
		"for ever":                  {scopes{manage}, hour, scopes{manage}, never, false, false},
		"all scopes, but for ever":  {scopes{ingest, manage}, hour, scopes{ingest}, never, false, false},
		"an end that it lacks":      {scopes{manage}, never, scopes{manage}, hour, true, false},
		"more, and less long":       {scopes{manage}, hour, scopes{ingest}, hour - 1000, false, false},
		"everything, for some time": {scopes{ingest, manage}, hour, scopes{ingest, read, manage}, hour, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, dbtest.SQLite(t))
			a, _ := w.account(t, "jane@example.com")
			end := func(d time.Duration) *time.Time {
				if d == never {
					return nil
				}
				return new(w.now.Add(d))
			}
			_, _, caller := w.newToken(t, a.ID, end(c.hasFor), c.has...)
			other, _, _ := w.newToken(t, a.ID, end(c.giveFor), c.give...)
			in := pusher.CreateTokenInput{AccountID: a.ID, Name: "x", Scopes: c.give, ExpiresAt: end(c.giveFor)}
			for command, run := range map[string]func(context.Context) error{
				"create": func(ctx context.Context) error { _, _, err := w.CreateToken(ctx, in); return err },
				"rotate": func(ctx context.Context) error {
					_, _, err := w.RotateToken(ctx, pusher.RotateTokenInput{ID: other.ID, Overlap: new(time.Hour)})
					return err
				},
				"rotate the first": func(ctx context.Context) error {
					_, _, err := w.RotateSecretToken(ctx, pusher.RotateSecretTokenInput{AccountID: a.ID, Overlap: new(time.Hour)})
					return err
				},
			} {
				want := c.want
				if command == "rotate the first" {
					want = c.wantFirst
				}
				before := w.db.Ent.Token.Query().CountX(w.system)
				err := run(caller)
				if want {
					require.NoError(t, err, command)
				} else {
					requireCode(t, problem.Forbidden, err)
					require.Contains(t, err.Error(), "or the admin token", "it says what to do")
					require.Equal(t, before, w.db.Ent.Token.Query().CountX(w.system))
				}
				require.NoError(t, run(w.admin), "an admin may give everything")
			}
		})
	}
}

// What was remembered of a token does not count: one that has just been revoked
// leaves no other behind.
func TestARevokedTokenLeavesNoOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		other, _, _ := w.newToken(t, a.ID, nil, auth.Read)
		for name, end := range map[string]func(row *ent.Token){
			"revoked": func(row *ent.Token) { row.Update().SetRevokedAt(w.now).ExecX(w.system) },
			"expired": func(row *ent.Token) { row.Update().SetExpiresAt(w.now).ExecX(w.system) },
			"unknown": func(row *ent.Token) { db.Ent.Token.DeleteOne(row).ExecX(w.system) },
		} {
			row, _, caller := w.newToken(t, a.ID, nil, auth.Scopes...)
			end(row)
			before := db.Ent.Token.Query().CountX(w.system)
			_, _, err := w.CreateToken(caller, pusher.CreateTokenInput{AccountID: a.ID, Name: "x", Scopes: []auth.Scope{auth.Read}})
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), name)
			_, _, err = w.RotateToken(caller, pusher.RotateTokenInput{ID: other.ID})
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), name)
			_, _, err = w.RotateSecretToken(caller, pusher.RotateSecretTokenInput{AccountID: a.ID})
			require.Equal(t, problem.Unauthenticated, problem.CodeOf(err), name)
			require.Equal(t, before, db.Ent.Token.Query().CountX(w.system))
		}
	})
}
