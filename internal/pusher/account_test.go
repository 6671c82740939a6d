package pusher_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, secret, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{
			Name: "Jane", Email: "Jane@Example.com", Website: new("https://example.com"),
		})
		require.NoError(t, err)
		require.Equal(t, "jane@example.com", a.Email)
		require.Equal(t, "https://example.com", a.Website)
		require.True(t, w.now.Equal(a.CreatedAt))
		require.Equal(t, 1, a.QueryTokens().CountX(w.system), "the account is usable after the commit")

		first := db.Ent.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system)
		require.Equal(t, "secret token", first.Name)
		require.True(t, first.First)
		require.Equal(t, []string{"INGEST", "READ", "MANAGE"}, first.Scopes)
		require.Equal(t, auth.HashOf(secret), first.Hash)
		require.True(t, w.valid(t, secret))
	})
}

func TestCreateAccountNeedsTheAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, jane := w.account(t, "jane@example.com")
	in := pusher.CreateAccountInput{Name: "x", Email: "x@example.com"}
	_, _, err := w.CreateAccount(t.Context(), in)
	requireCode(t, problem.Unauthenticated, err)
	_, _, err = w.CreateAccount(jane, in)
	requireCode(t, problem.Forbidden, err)
}

func TestAnEmailIsUniqueAmongTheLiving(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		again := pusher.CreateAccountInput{Name: "Jane", Email: "JANE@example.com"}
		_, _, err := w.CreateAccount(w.admin, again)
		requireCode(t, problem.Conflict, err)
		require.NotContains(t, problem.From(err).Message, "constraint")
		require.Equal(t, 1, db.Ent.Token.Query().CountX(w.system), "half a command was stored")

		other, _ := w.account(t, "joe@example.com")
		_, err = w.UpdateAccount(w.admin, pusher.UpdateAccountInput{ID: other.ID, Email: &again.Email})
		requireCode(t, problem.Conflict, err)

		require.NoError(t, w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: a.ID}))
		_, _, err = w.CreateAccount(w.admin, again)
		require.NoError(t, err)
	})
}

func TestOfAHundredEqualAccountsOneIsMade(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var wg sync.WaitGroup
		codes := make(chan problem.Code, 20)
		for range cap(codes) {
			wg.Go(func() {
				_, _, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "x", Email: "x@example.com"})
				codes <- problem.CodeOf(err)
			})
		}
		wg.Wait()
		close(codes)
		count := map[problem.Code]int{}
		for c := range codes {
			count[c]++
		}
		require.Equal(t, map[problem.Code]int{"": 1, problem.Conflict: 19}, count)
	})
}

func TestAccountInputsTellEverythingAtOnce(t *testing.T) {
	t.Parallel()
	err := pusher.CreateAccountInput{Name: " ", Email: "jane", Website: new("ftp://example.com")}.Validate()
	requireCode(t, problem.Invalid, err)
	require.Equal(t, []string{"name", "email", "website"}, fieldsOf(err))
	require.NoError(t, pusher.UpdateAccountInput{}.Validate())
	require.NoError(t, pusher.UpdateAccountInput{Website: new("")}.Validate())
	require.Equal(t, []string{"name"}, fieldsOf(pusher.UpdateAccountInput{Name: new("")}.Validate()))

	for _, email := range []string{
		"", "jane", "jane@", "@example.com", "Jane <jane@example.com>", "<jane@example.com>", " jane@example.com",
		"jane@example.com\n", "a@b, c@d", "jane\x00@example.com", "jane@example.com\r\nBcc: x@y", "\xff@example.com",
		strings.Repeat("a", 251) + "@b.c",
	} {
		require.Equal(t, []string{"email"}, fieldsOf(pusher.CreateAccountInput{Name: "x", Email: email}.Validate()), "%q", email)
	}
	for _, website := range []string{
		"example.com", "javascript:alert(1)", "https://", "https:///path", "//example.com", "https://u:p@example.com",
		"https://exa\nmple.com", "https://example.com/" + strings.Repeat("a", 2048), "https://\xff.com",
	} {
		require.Equal(t, []string{"website"}, fieldsOf(pusher.CreateAccountInput{Name: "x", Email: "x@y", Website: &website}.Validate()), "%q", website)
	}
	for _, name := range []string{"", " \t", "a\nb", "a\x00", "\xff", strings.Repeat("a", 201)} {
		require.Equal(t, []string{"name"}, fieldsOf(pusher.CreateAccountInput{Name: name, Email: "x@y"}.Validate()), "%q", name)
	}
}

func TestUpdateAccountChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		got, err := w.UpdateAccount(jane, pusher.UpdateAccountInput{ID: a.ID, Website: new("https://example.com"), Email: new("J@example.com")})
		require.NoError(t, err)
		require.Equal(t, "Jane", got.Name)
		require.Equal(t, "j@example.com", got.Email)
		require.Equal(t, "https://example.com", got.Website)
		got, err = w.UpdateAccount(jane, pusher.UpdateAccountInput{ID: a.ID, Name: new("Joe")})
		require.NoError(t, err)
		require.Equal(t, "Joe", got.Name)
		require.Equal(t, "https://example.com", got.Website)
		got, err = w.UpdateAccount(jane, pusher.UpdateAccountInput{ID: a.ID, Website: new("")})
		require.NoError(t, err)
		require.Empty(t, got.Website)
	})
}

func TestDeleteAccountTakesEverythingWithIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, secret, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "a", Email: "a@example.com"})
		require.NoError(t, err)
		kept, _ := w.account(t, "b@example.com")
		goes := w.destination(w.admin, t, a.ID)
		stays := w.destination(w.admin, t, kept.ID)
		require.True(t, w.valid(t, secret))
		w.changed = nil

		require.NoError(t, w.DeleteAccount(w.as(t, secret), pusher.DeleteAccountInput{ID: a.ID}))
		require.False(t, w.valid(t, secret), "revocation does not work at once")
		require.Equal(t, []string{a.ID}, w.changed)
		require.Equal(t, []string{"destination/" + goes.ID}, w.engine.woken)
		require.Equal(t, []string{"account_deleted"}, w.deletedFor(t))
		require.Len(t, w.did(a.ID), 1)
		require.Equal(t, stays.ID, db.Ent.Destination.Query().OnlyX(w.system).ID)
		require.Zero(t, db.Ent.Token.Query().Where(token.AccountID(a.ID), token.RevokedAtIsNil()).CountX(w.system))
		requireCode(t, problem.NotFound, w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: a.ID}))
	})
}

func TestOfAnAccountsLanesNotAllAreWoken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	for range 102 {
		w.destination(w.admin, t, a.ID)
	}
	b, _ := w.account(t, "joe@example.com")
	w.destination(w.admin, t, b.ID)
	w.destination(w.admin, t, b.ID)
	require.NoError(t, w.DeleteAccount(jane, pusher.DeleteAccountInput{ID: a.ID}))
	require.Len(t, w.engine.woken, 100, "the reconciler wakes the others")

	w.engine.forget()
	w.engine.down = true
	require.NoError(t, w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: b.ID}))
	require.Len(t, w.engine.woken, 1, "an engine that is down is not asked again and again")
}
