package pusher_test

import (
	"slices"
	"strings"
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
	waits, short := []time.Duration{time.Millisecond}, new(time.Millisecond)
	want := []string{
		"name", "url", "httpMethod", "headers[0].name", "headers[1].value", "retrySchedule", "timeout", "giveUpAfter",
	}
	err := pusher.CreateDestinationInput{
		Name: new("a\nb"), URL: "ftp://x", HTTPMethod: &method, Headers: bad,
		RetrySchedule: waits, Timeout: short, GiveUpAfter: short, SigningSecret: new("planted-marker"),
	}.Validate()
	requireCode(t, problem.Invalid, err)
	require.Equal(t, append(want, "signingSecret"), fieldsOf(err))
	require.NotContains(t, err.Error(), "planted-marker")
	err = pusher.UpdateDestinationInput{
		Name: new("a\nb"), URL: new(""), HTTPMethod: &method, Headers: bad, RetrySchedule: waits, Timeout: short, GiveUpAfter: short,
	}.Validate()
	require.Equal(t, want, fieldsOf(err))
	require.NoError(t, pusher.UpdateDestinationInput{Name: new("")}.Validate())
}

func TestHowDeliveriesAreTriedHasLimits(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		in   pusher.UpdateDestinationInput
		want []string
	}{
		"no wait":          {pusher.UpdateDestinationInput{RetrySchedule: []time.Duration{}}, nil},
		"the most":         {pusher.UpdateDestinationInput{RetrySchedule: slices.Repeat([]time.Duration{7 * day}, 20)}, nil},
		"too many waits":   {pusher.UpdateDestinationInput{RetrySchedule: slices.Repeat([]time.Duration{day}, 21)}, []string{"retrySchedule"}},
		"a short wait":     {pusher.UpdateDestinationInput{RetrySchedule: []time.Duration{day, time.Second - 1}}, []string{"retrySchedule"}},
		"a long wait":      {pusher.UpdateDestinationInput{RetrySchedule: []time.Duration{7*day + 1}}, []string{"retrySchedule"}},
		"defaults":         {pusher.UpdateDestinationInput{Timeout: new(time.Duration(0)), GiveUpAfter: new(time.Duration(0))}, nil},
		"bounds":           {pusher.UpdateDestinationInput{Timeout: new(sender.MaxTimeout), GiveUpAfter: new(90 * day)}, nil},
		"bounds below":     {pusher.UpdateDestinationInput{Timeout: new(sender.MinTimeout), GiveUpAfter: new(time.Minute)}, nil},
		"above the bounds": {pusher.UpdateDestinationInput{Timeout: new(sender.MaxTimeout + 1), GiveUpAfter: new(90*day + 1)}, []string{"timeout", "giveUpAfter"}},
		"below the bounds": {pusher.UpdateDestinationInput{Timeout: new(sender.MinTimeout - 1), GiveUpAfter: new(time.Minute - 1)}, []string{"timeout", "giveUpAfter"}},
		"negative":         {pusher.UpdateDestinationInput{Timeout: new(-time.Second), GiveUpAfter: new(-day)}, []string{"timeout", "giveUpAfter"}},
	} {
		require.Equal(t, c.want, fieldsOf(c.in.Validate()), name)
	}
}

func TestHowDeliveriesAreTriedIsStored(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		long := slices.Repeat([]time.Duration{167*time.Hour + 59*time.Minute + 59*time.Second + 999999999}, 20)
		d, _, err := w.CreateDestination(jane, pusher.CreateDestinationInput{
			AccountID: a.ID, URL: "https://example.com", RetrySchedule: long, Timeout: new(1500 * time.Millisecond), GiveUpAfter: new(48 * time.Hour),
		})
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(strings.Repeat("167h59m59.999s ", 20)), d.RetrySchedule)
		require.Equal(t, 1500, *d.TimeoutMs)
		require.Equal(t, 172800, *d.GiveUpAfterS)

		d, err = w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Timeout: new(2 * time.Second), GiveUpAfter: new(time.Hour)})
		require.NoError(t, err)
		require.Equal(t, 2000, *d.TimeoutMs)
		require.Equal(t, 3600, *d.GiveUpAfterS)
		d, err = w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, RetrySchedule: []time.Duration{time.Second, time.Minute}})
		require.NoError(t, err)
		require.Equal(t, "1s 1m0s", d.RetrySchedule)
		require.Equal(t, 2000, *d.TimeoutMs, "what is not given stays")
		require.Equal(t, 3600, *d.GiveUpAfterS)

		none := time.Duration(0)
		d, err = w.UpdateDestination(jane, pusher.UpdateDestinationInput{
			ID: d.ID, RetrySchedule: []time.Duration{}, Timeout: &none, GiveUpAfter: &none,
		})
		require.NoError(t, err)
		require.Empty(t, d.RetrySchedule)
		require.Nil(t, d.TimeoutMs)
		require.Nil(t, d.GiveUpAfterS)
	})
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

func TestDeleteDestination(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		w.changed = nil
		require.NoError(t, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		require.Equal(t, []string{a.ID}, w.changed)
		require.Equal(t, []string{"destination/" + d.ID}, w.engine.woken, "its loop cancels what waits")
		require.Equal(t, []string{"DELETE " + tokenID(jane) + ": "}, w.did(d.ID))
		require.Zero(t, db.Ent.Destination.Query().CountX(w.system))
		requireCode(t, problem.NotFound, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		require.Equal(t, []string{"destination_deleted"}, w.deletedFor(t), "the row stays for the history")
	})
}

// deletedFor are the reasons of all destinations that are deleted.
func (w *world) deletedFor(t *testing.T) (reasons []string) {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), "SELECT reason FROM destinations WHERE deleted_at IS NOT NULL")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var r string
		require.NoError(t, rows.Scan(&r))
		reasons = append(reasons, r)
	}
	require.NoError(t, rows.Err())
	return reasons
}
