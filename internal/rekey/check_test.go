package rekey_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/testutil/dbtest"
)

func (w *world) checks(t testing.TB) int {
	t.Helper()
	return w.db.Ent.KeyCheck.Query().CountX(auth.AsSystem(t.Context()))
}

func TestTheDatabaseRemembersItsKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		require.NoError(t, rekey.Verify(t.Context(), db, open(t, k.old)))
		require.Zero(t, w.checks(t), "looking leaves nothing behind")
		for _, keys := range []string{k.old, k.old, k.added} {
			require.NoError(t, rekey.Check(t.Context(), db, open(t, keys)))
			require.Equal(t, 1, w.checks(t), "a key that does not seal yet is not expected of others")
		}
		require.NoError(t, rekey.Check(t.Context(), db, open(t, k.promoted)))
		require.Equal(t, 2, w.checks(t))

		// Somebody was left out when the new keyset was given to everybody.
		err := rekey.Check(t.Context(), db, open(t, k.old))
		require.ErrorIs(t, err, rekey.ErrMissingKey)
		require.ErrorContains(t, err, fmt.Sprintf("key %d,", k.second))
		require.ErrorContains(t, err, "--encryption-keys (DATAPUSHER_ENCRYPTION_KEYS)")

		// A key was taken out by hand.
		alone, err := secret.RemoveKey(k.promoted, k.first)
		require.NoError(t, err)
		err = rekey.Check(t.Context(), db, open(t, alone))
		require.ErrorIs(t, err, rekey.ErrMissingKey)
		require.ErrorContains(t, err, fmt.Sprintf("keys retire %d", k.first))
		forgot, err := rekey.Forget(t.Context(), db, k.first)
		require.NoError(t, err)
		require.True(t, forgot)
		require.NoError(t, rekey.Check(t.Context(), db, open(t, alone)))
		forgot, err = rekey.Forget(t.Context(), db, k.first)
		require.NoError(t, err)
		require.False(t, forgot)
	})
}

// A database from before checks were kept has only what is sealed in it.
func TestWhatIsSealedTellsWhetherTheKeysAreRight(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(t *testing.T, w *world, box *secret.Box){
		"a destination": func(t *testing.T, w *world, box *secret.Box) { w.destination(t, box, "planted-marker") },
		"an event":      func(t *testing.T, w *world, box *secret.Box) { w.event(t, box, "planted-marker") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				k, other, w := newKeyring(t), newKeyring(t), newWorld(t, db)
				plant(t, w, open(t, k.old))
				err := rekey.Check(t.Context(), db, open(t, other.old))
				require.ErrorIs(t, err, rekey.ErrMissingKey)
				require.ErrorContains(t, err, fmt.Sprintf("key %d,", k.first))
				require.NotContains(t, err.Error(), "planted-marker")
				require.Zero(t, w.checks(t), "wrong keys are not remembered")
				err = rekey.Check(t.Context(), db, open(t, withID(t, k.first)))
				require.ErrorIs(t, err, rekey.ErrWrongKey)
				require.Zero(t, w.checks(t))
				for _, keys := range []string{k.old, k.added, k.promoted} {
					require.NoError(t, rekey.Check(t.Context(), db, open(t, keys)))
				}
			})
		})
	}
}

// withID is another keyset whose key has that id.
func withID(t testing.TB, id uint32) string {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	json, err := base64.StdEncoding.DecodeString(keys)
	require.NoError(t, err)
	own := fmt.Sprint(open(t, keys).KeyID())
	return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(string(json), own, fmt.Sprint(id))))
}

func TestAnotherKeyOfTheSameID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k := newKeyring(t)
		require.NoError(t, rekey.Check(t.Context(), db, open(t, k.old)))
		err := rekey.Check(t.Context(), db, open(t, withID(t, k.first)))
		require.ErrorIs(t, err, rekey.ErrWrongKey)
		require.ErrorContains(t, err, fmt.Sprintf("key %d of", k.first))
	})
}

// Who can write to the database can break a value; that must not stop processes,
// which would be worse than the one delivery that fails.
func TestABrokenValueIsNoWrongKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		box := open(t, k.old)
		a, b := w.destination(t, box, "a"), w.destination(t, box, "b")
		w.exec(t, "UPDATE destinations SET headers = (SELECT headers FROM destinations WHERE id = $1) WHERE id = $2", b, a)
		require.NoError(t, rekey.Check(t.Context(), db, box), "another value of the same key opens")
		w.exec(t, "UPDATE destinations SET headers = signing_secrets")
		require.NoError(t, rekey.Check(t.Context(), db, box), "none of them opens, but the key is proven by its check")
		for _, garbage := range [][]byte{{1}, []byte(strings.Repeat("x", 99)), {}} {
			w.exec(t, "UPDATE destinations SET headers = $1", garbage)
			require.NoError(t, rekey.Check(t.Context(), db, box), "no key is to blame for %q", garbage)
		}
	})
}

func TestProcessesThatStartTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		k, w := newKeyring(t), newWorld(t, db)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := rekey.Check(t.Context(), db, open(t, k.old)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, w.checks(t))
	})
}

// At the first start of an installation, when nothing tells yet which keys are the
// right ones, two that differ cannot both be taken.
func TestProcessesWithDifferentKeysThatStartTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for range 20 {
			keys := []string{newKeyring(t).old, newKeyring(t).old}
			errs := make([]error, len(keys))
			var wg sync.WaitGroup
			for i, k := range keys {
				wg.Go(func() { errs[i] = rekey.Check(t.Context(), db, open(t, k)) })
			}
			wg.Wait()
			started := 0
			for i, err := range errs {
				if err == nil {
					started++
					require.NoError(t, rekey.Check(t.Context(), db, open(t, keys[i])), "who has started can start again")
					continue
				}
				require.ErrorIs(t, err, rekey.ErrMissingKey)
			}
			require.LessOrEqual(t, started, 1)
			require.Equal(t, started, w.checks(t))
			w.exec(t, "DELETE FROM key_checks")
		}
	})
}
