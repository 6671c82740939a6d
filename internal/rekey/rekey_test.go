package rekey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/schema/field"
	"github.com/stretchr/testify/require"

	"datapusher/ent/migrate"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

// keyring is a keyset in its three steps: before a rotation, and with a second key
// that was added, and promoted.
type keyring struct {
	old, added, promoted string
	first, second        uint32
}

func newKeyring(t testing.TB) (k keyring) {
	t.Helper()
	var err error
	k.old, err = secret.NewKeys()
	require.NoError(t, err)
	k.added, k.second, err = secret.AddKey(k.old)
	require.NoError(t, err)
	k.promoted, err = secret.Promote(k.added, k.second)
	require.NoError(t, err)
	k.first = open(t, k.old).KeyID()
	return k
}

func open(t testing.TB, keys string) *secret.Box {
	t.Helper()
	box, err := secret.Open(keys)
	require.NoError(t, err)
	return box
}

// world is a database with an account.
type world struct {
	db      *database.DB
	account string
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{db: db, account: id.New(id.Account, time.Now())}
	db.Ent.Account.Create().SetID(w.account).SetName("Jane").SetEmail("jane@example.com").ExecX(auth.AsSystem(t.Context()))
	return w
}

func headers(value string) []sender.Header { return []sender.Header{{Name: "X-Key", Value: value}} }

// destination makes one whose secrets are sealed with the box's primary.
func (w *world) destination(t testing.TB, box *secret.Box, value string) string {
	t.Helper()
	self := id.New(id.Destination, time.Now())
	h, err := vault.SealHeaders(box, self, w.account, headers(value))
	require.NoError(t, err)
	s, err := vault.SealSecrets(box, self, w.account, []vault.SigningSecret{{Key: []byte(value)}})
	require.NoError(t, err)
	w.db.Ent.Destination.Create().SetID(self).SetAccountID(w.account).SetURL("https://example.com").
		SetHeaders(h).SetSigningSecrets(s).SetUpdatedAt(past).ExecX(auth.AsSystem(t.Context()))
	return self
}

var past = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// event makes a replay with headers of its own.
func (w *world) event(t testing.TB, box *secret.Box, value string) string {
	t.Helper()
	self := id.New(id.Event, time.Now())
	h, err := vault.SealEventHeaders(box, self, w.account, headers(value))
	require.NoError(t, err)
	w.db.Ent.Event.Create().SetID(self).SetAccountID(w.account).SetPayload([]byte(`{}`)).SetHeaders(h).ExecX(auth.AsSystem(t.Context()))
	return self
}

// values are all secrets of the database, opened; each has to be what it was
// planted as.
func (w *world) values(t testing.TB, box *secret.Box) (all []string, keys []uint32) {
	t.Helper()
	ctx := auth.AsSystem(t.Context())
	note := func(sealed []byte) {
		id, ok := secret.KeyIDOf(sealed)
		require.True(t, ok)
		keys = append(keys, id)
	}
	for _, d := range w.db.Ent.Destination.Query().AllX(ctx) {
		h, err := vault.OpenHeaders(box, d.ID, d.AccountID, d.Headers)
		require.NoError(t, err)
		s, err := vault.OpenSecrets(box, d.ID, d.AccountID, d.SigningSecrets)
		require.NoError(t, err)
		require.Equal(t, h[0].Value, string(s[0].Key), "both belong together")
		note(d.Headers)
		note(d.SigningSecrets)
		all = append(all, h[0].Value)
	}
	for _, e := range w.db.Ent.Event.Query().AllX(ctx) {
		h, err := vault.OpenEventHeaders(box, e.ID, e.AccountID, e.Headers)
		require.NoError(t, err)
		note(e.Headers)
		all = append(all, h[0].Value)
	}
	slices.Sort(keys)
	return all, slices.Compact(keys)
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := w.db.Write.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

func TestEverythingComesUnderThePrimary(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		want := []string{"one", "two", "three"}
		w.destination(t, open(t, k.old), "one")
		w.destination(t, open(t, k.promoted), "two")
		w.event(t, open(t, k.old), "three")
		bare := w.db.Ent.Event.Create().SetID(id.New(id.Event, time.Now())).SetAccountID(w.account).SetPayload([]byte(`{}`)).SaveX(auth.AsSystem(t.Context()))
		gone := w.destination(t, open(t, k.old), "gone")
		w.exec(t, "UPDATE destinations SET deleted_at = $1 WHERE id = $2", past, gone)

		counts, err := rekey.Sealed(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, map[uint32]int{k.first: 5, k.second: 2}, perKey(counts))

		box := open(t, k.promoted)
		var told int
		done, err := rekey.Rotate(t.Context(), db, box, func(rekey.Progress) { told++ })
		require.NoError(t, err)
		require.Positive(t, told)
		resealed := make(map[string]int)
		for _, p := range done {
			resealed[p.Column.String()] = p.Resealed
		}
		require.Equal(t, map[string]int{"destinations.headers": 2, "destinations.signing_secrets": 2, "events.headers": 1}, resealed)
		counts, err = rekey.Sealed(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, map[uint32]int{k.second: 7}, perKey(counts), "what was deleted too, and what has no value has none")

		w.db.Ent.Event.DeleteOneID(bare.ID).ExecX(auth.AsSystem(t.Context()))
		alone, err := secret.RemoveKey(k.promoted, k.first)
		require.NoError(t, err)
		got, _ := w.values(t, open(t, alone))
		require.ElementsMatch(t, want, got)
		for _, d := range db.Ent.Destination.Query().AllX(auth.AsSystem(t.Context())) {
			require.True(t, d.UpdatedAt.Equal(past), "for its owner nothing has changed")
		}
		done, err = rekey.Rotate(t.Context(), db, box, nil)
		require.NoError(t, err)
		for _, p := range done {
			require.Zero(t, p.Resealed, "a second rotation finds nothing")
		}
	})
}

func perKey(counts []rekey.Count) map[uint32]int {
	n := make(map[uint32]int)
	for _, c := range counts {
		n[c.Key] += c.Values
	}
	return n
}

// Owners change their destinations while they are rotated, through processes that
// have the new keyset: nothing that they write is lost.
func TestRotationUnderConcurrentChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		const rows = 100 // each is changed once: a later change would hide a lost one
		ids, want := make([]string, rows), make([]string, rows)
		for i := range ids {
			want[i] = fmt.Sprintf("planted-%d", i)
			ids[i] = w.destination(t, open(t, k.old), want[i])
		}
		box := open(t, k.promoted)
		ctx := auth.AsSystem(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := range rows {
				i := n * 7 % rows
				value := fmt.Sprintf("changed-%d", n)
				h, err := vault.SealHeaders(box, ids[i], w.account, headers(value))
				if err != nil {
					t.Error(err)
					return
				}
				s, err := vault.SealSecrets(box, ids[i], w.account, []vault.SigningSecret{{Key: []byte(value)}})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Ent.Destination.UpdateOneID(ids[i]).SetHeaders(h).SetSigningSecrets(s).Exec(ctx); err != nil {
					t.Error(err)
				}
				want[i] = value
			}
		})
		_, err := rekey.Rotate(t.Context(), db, box, nil)
		require.NoError(t, err)
		wg.Wait()
		got, keys := w.values(t, box)
		require.ElementsMatch(t, want, got)
		require.Equal(t, []uint32{k.second}, keys)
	})
}

// interrupted is a box that lets something happen before the first value is opened.
type interrupted struct {
	*secret.Box
	once *sync.Once
	by   func()
}

func (i interrupted) Open(sealed []byte, aad ...string) ([]byte, error) {
	i.once.Do(i.by)
	return i.Box.Open(sealed, aad...)
}

// A row that changes between being read and being written keeps the change, and is
// looked at once more.
func TestAChangeInBetweenIsKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		self := w.destination(t, open(t, k.old), "before")
		// A process that has not been started again still seals with the old key.
		h, err := vault.SealHeaders(open(t, k.added), self, w.account, headers("between"))
		require.NoError(t, err)
		box := interrupted{Box: open(t, k.promoted), once: new(sync.Once), by: func() {
			w.exec(t, "UPDATE destinations SET headers = $1 WHERE id = $2", h, self)
		}}
		done, err := rekey.Rotate(t.Context(), db, box, nil)
		require.NoError(t, err)
		require.Equal(t, 1, done[0].Resealed)
		d := db.Ent.Destination.GetX(auth.AsSystem(t.Context()), self)
		got, err := vault.OpenHeaders(box, d.ID, d.AccountID, d.Headers)
		require.NoError(t, err)
		require.Equal(t, headers("between"), got)
		key, _ := secret.KeyIDOf(d.Headers)
		require.Equal(t, k.second, key)
	})
}

var errKilled = errors.New("killed")

func TestAKilledRotationGoesOn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		var want []string
		for i := range 1200 { // more than two windows
			value := fmt.Sprintf("planted-%d", i)
			w.event(t, open(t, k.old), value)
			want = append(want, value)
		}
		box := open(t, k.promoted)
		ctx, kill := context.WithCancelCause(t.Context())
		_, err := rekey.Rotate(ctx, db, box, func(p rekey.Progress) {
			if p.Resealed > 0 {
				kill(errKilled)
			}
		})
		require.ErrorIs(t, err, context.Canceled)
		counts, err := rekey.Sealed(t.Context(), db)
		require.NoError(t, err)
		before := perKey(counts)
		require.Positive(t, before[k.first], "it was killed in the middle: %v", before)
		require.Positive(t, before[k.second], "it was killed in the middle: %v", before)
		got, _ := w.values(t, box)
		require.ElementsMatch(t, want, got, "in the middle everything opens")

		done, err := rekey.Rotate(t.Context(), db, box, nil)
		require.NoError(t, err)
		require.Equal(t, before[k.first], done[2].Resealed, "the rest alone is done")
		got, keys := w.values(t, box)
		require.ElementsMatch(t, want, got)
		require.Equal(t, []uint32{k.second}, keys)
	})
}

func TestWhatCannotBeOpenedIsToldAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		broken := w.destination(t, open(t, k.old), "planted-marker")
		well := w.destination(t, open(t, k.old), "well")
		// Bytes of another row.
		w.exec(t, "UPDATE destinations SET headers = (SELECT headers FROM destinations WHERE id = $1) WHERE id = $2", well, broken)
		done, err := rekey.Rotate(t.Context(), db, open(t, k.promoted), nil)
		require.ErrorContains(t, err, "1 values cannot be opened")
		require.NotContains(t, err.Error(), "planted-marker")
		require.Equal(t, []string{broken}, done[0].BrokenIDs)
		require.Equal(t, []int{1, 2}, []int{done[0].Resealed, done[1].Resealed})
	})
}

func TestARotationThatComesToNoEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		w.event(t, open(t, k.old), "first")
		_, err := rekey.Rotate(t.Context(), db, open(t, k.promoted), func(p rekey.Progress) {
			if p.Column.Table == "events" {
				w.event(t, open(t, k.added), "more") // as a process with the old primary does
			}
		})
		require.ErrorIs(t, err, rekey.ErrRestless)
	})
}

// Every column of bytes is known to be sealed, or to hold nothing that has to be.
func TestEverySealedColumnIsRotated(t *testing.T) {
	t.Parallel()
	inClear := []string{
		"actions.after", "actions.before", // without secrets
		"attempts.request_headers", "attempts.response_body", "attempts.response_headers", // with secrets masked
		"events.payload", "idempotency_keys.body_hash", "tokens.hash", "sessions.admin_hash", "sessions.hash", "portal_links.hash",
		"key_checks.sealed", // each stays under the key that it is about
	}
	var known []string
	for _, c := range vault.Columns() {
		known = append(known, c.String())
	}
	var bytes []string
	for _, table := range migrate.Tables {
		for _, c := range table.Columns {
			if c.Type == field.TypeBytes {
				bytes = append(bytes, table.Name+"."+c.Name)
			}
		}
	}
	require.ElementsMatch(t, bytes, append(known, inClear...),
		"a new column of bytes: add it to vault.Columns where it is sealed, and to this list where it is not")
}
