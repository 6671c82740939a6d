package pusher_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

func (w *world) headers(t *testing.T, d *ent.Destination) []sender.Header {
	t.Helper()
	d = w.db.Ent.Destination.GetX(w.system, d.ID)
	h, err := vault.OpenHeaders(w.box, d.ID, d.AccountID, d.Headers)
	require.NoError(t, err)
	return h
}

func (w *world) secrets(t *testing.T, d *ent.Destination) []vault.SigningSecret {
	t.Helper()
	d = w.db.Ent.Destination.GetX(w.system, d.ID)
	s, err := vault.OpenSecrets(w.box, d.ID, d.AccountID, d.SigningSecrets)
	require.NoError(t, err)
	return s
}

func TestCreateDestination(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		headers := []sender.Header{{Name: "X-Key", Value: "planted-marker"}}
		d, secret, err := w.CreateDestination(jane, pusher.CreateDestinationInput{
			AccountID: a.ID, URL: "https://example.com/hook", Headers: headers, Name: new("shop"),
		})
		require.NoError(t, err)
		require.Equal(t, destination.HTTPMethodPost, d.HTTPMethod)
		require.Equal(t, destination.StateSending, d.State)
		require.True(t, d.Enabled)
		require.Equal(t, "shop", d.Name)
		require.NotContains(t, string(d.Headers), "planted-marker")
		require.Equal(t, headers, w.headers(t, d))
		key, err := sender.ParseSecret(secret)
		require.NoError(t, err)
		require.Equal(t, []vault.SigningSecret{{Key: key}}, w.secrets(t, d))
		require.Equal(t, []string{a.ID}, w.changed)
		require.Equal(t, a.ID, d.QueryAccount().OnlyIDX(jane), "the destination is usable after the commit")
	})
}

func TestDestinationInputsTellEverythingAtOnce(t *testing.T) {
	t.Parallel()
	method := destination.HTTPMethod("BREW")
	bad := []sender.Header{{Name: "Host", Value: "x"}, {Name: "X-Ok", Value: "a\r\nb"}}
	want := []string{"name", "url", "httpMethod", "headers[0].name", "headers[1].value"}
	err := pusher.CreateDestinationInput{Name: new("a\nb"), URL: "ftp://x", HTTPMethod: &method, Headers: bad}.Validate()
	requireCode(t, problem.Invalid, err)
	require.Equal(t, want, fieldsOf(err))
	err = pusher.UpdateDestinationInput{Name: new("a\nb"), URL: new(""), HTTPMethod: &method, Headers: bad}.Validate()
	require.Equal(t, want, fieldsOf(err))
	require.NoError(t, pusher.UpdateDestinationInput{Name: new("")}.Validate())
}

func TestUpdateDestinationChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d, _, err := w.CreateDestination(jane, pusher.CreateDestinationInput{
			AccountID: a.ID, URL: "https://example.com/1", Headers: []sender.Header{{Name: "A", Value: "1"}}, Name: new("one"),
		})
		require.NoError(t, err)
		w.changed = nil
		get := destination.HTTPMethodGet
		u, err := w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, URL: new("https://example.com/2"), HTTPMethod: &get})
		require.NoError(t, err)
		require.Equal(t, []string{a.ID}, w.changed)
		require.Equal(t, "https://example.com/2", u.URL)
		require.Equal(t, get, u.HTTPMethod)
		require.Equal(t, "one", u.Name)
		require.Len(t, w.headers(t, d), 1)

		u, err = w.UpdateDestination(jane, pusher.UpdateDestinationInput{
			ID: d.ID, Name: new(""), Headers: []sender.Header{{Name: "B", Value: "2"}},
		})
		require.NoError(t, err)
		require.Empty(t, u.Name)
		require.Equal(t, []sender.Header{{Name: "B", Value: "2"}}, w.headers(t, d))
		_, err = w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Headers: []sender.Header{}})
		require.NoError(t, err)
		require.Empty(t, w.headers(t, d))
		require.Empty(t, w.engine.woken)
	})
}

func TestDisablingParksAndEnablingWakes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		off, err := w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Enabled: new(false)})
		require.NoError(t, err)
		require.False(t, off.Enabled)
		require.Equal(t, destination.StateDisabled, off.State)
		require.Equal(t, pusher.DisabledByOwner, off.Reason)
		require.Empty(t, w.engine.woken)

		for _, w.engine.down = range []bool{false, true} {
			w.engine.woken = nil
			on, err := w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Enabled: new(true)})
			require.NoError(t, err, "the reconciler wakes it again")
			require.True(t, on.Enabled)
			require.Equal(t, destination.StateSending, on.State)
			require.Empty(t, on.Reason)
			require.Equal(t, []string{"destination/" + d.ID}, w.engine.woken)
		}
	})
}

func TestDeleteDestination(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		w.changed = nil
		require.NoError(t, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		require.Equal(t, []string{a.ID}, w.changed)
		require.Zero(t, db.Ent.Destination.Query().CountX(w.system))
		requireCode(t, problem.NotFound, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		var rows int
		require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM destinations WHERE deleted_at IS NOT NULL").Scan(&rows))
		require.Equal(t, 1, rows, "the row stays for the history")
	})
}

func TestRotateSigningSecret(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		first := w.secrets(t, d)[0].Key
		start := w.now

		_, text, err := w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID})
		require.NoError(t, err)
		second, err := sender.ParseSecret(text)
		require.NoError(t, err)
		day := start.Add(24 * time.Hour)
		require.Equal(t, []vault.SigningSecret{{Key: second}, {Key: first, ExpiresAt: &day}}, w.secrets(t, d))

		// An older one keeps its sooner end, and goes when that has come.
		w.now = start.Add(time.Hour)
		_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, Overlap: new(48 * time.Hour)})
		require.NoError(t, err)
		got := w.secrets(t, d)
		require.Len(t, got, 3)
		require.True(t, got[1].ExpiresAt.Equal(w.now.Add(48*time.Hour)))
		require.True(t, got[2].ExpiresAt.Equal(day))
		w.now = day
		for range 3 {
			_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID})
			require.NoError(t, err)
		}
		require.Len(t, w.secrets(t, d), pusher.MaxSigningSecrets)
		_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID})
		requireCode(t, problem.Conflict, err)
		_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, Overlap: new(time.Duration(0))})
		require.NoError(t, err)
		require.Len(t, w.secrets(t, d), 1)
	})
}
