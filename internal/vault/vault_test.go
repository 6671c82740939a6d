package vault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

func box(t *testing.T) *secret.Box {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	b, err := secret.Open(keys)
	require.NoError(t, err)
	return b
}

// places are where headers are sealed.
var places = map[string]struct {
	seal   func(box vault.Box, id, account string, headers []sender.Header) ([]byte, error)
	open   func(box vault.Box, id, account string, sealed []byte) ([]sender.Header, error)
	column string
}{
	"destination": {vault.SealHeaders, vault.OpenHeaders, "destinations.headers"},
	"event":       {vault.SealEventHeaders, vault.OpenEventHeaders, "events.headers"},
}

func TestHeadersComeBackInOrder(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		b := box(t)
		want := []sender.Header{{Name: "X-Zeta", Value: "planted-marker"}, {Name: "X-Alpha", Value: ""}}
		sealed, err := place.seal(b, "row_1", "acc_1", want)
		require.NoError(t, err, name)
		require.NotContains(t, string(sealed), "planted-marker", name)
		require.NotContains(t, string(sealed), "Zeta", name)
		got, err := place.open(b, "row_1", "acc_1", sealed)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		_, err = b.Open(sealed, place.column, "row_1", "acc_1")
		require.NoError(t, err, "%s: the column's name never changes", name)
	}
}

func TestNoHeadersAreNoBytes(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		sealed, err := place.seal(box(t), "row_1", "acc_1", nil)
		require.NoError(t, err, name)
		require.Empty(t, sealed, name)
		got, err := place.open(box(t), "row_1", "acc_1", sealed)
		require.NoError(t, err, name)
		require.Empty(t, got, name)
	}
}

func TestSecretsComeBackWithTheirEnds(t *testing.T) {
	t.Parallel()
	b := box(t)
	end := time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	want := []vault.SigningSecret{{Key: []byte("planted-marker-1")}, {Key: []byte("older"), ExpiresAt: &end}}
	sealed, err := vault.SealSecrets(b, "dst_1", "acc_1", want)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "planted-marker")
	got, err := vault.OpenSecrets(b, "dst_1", "acc_1", sealed)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.True(t, got[0].Valid(end))
	require.True(t, got[1].Valid(end.Add(-time.Microsecond)))
	require.False(t, got[1].Valid(end))
}

func TestSecretsComeBackWithTheirKinds(t *testing.T) {
	t.Parallel()
	b := box(t)
	want := []vault.SigningSecret{{Ed25519: true, Key: []byte("seed")}, {Key: []byte("shared")}}
	sealed, err := vault.SealSecrets(b, "dst_1", "acc_1", want)
	require.NoError(t, err)
	got, err := vault.OpenSecrets(b, "dst_1", "acc_1", sealed)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, sender.Key{Ed25519: true, Bytes: []byte("seed")}, got[0].SenderKey())
	require.Equal(t, sender.Key{Bytes: []byte("shared")}, got[1].SenderKey())
}

// What is stored is read by other versions of this program, too.
func TestTheStoredFormOfSecretsStays(t *testing.T) {
	t.Parallel()
	b := box(t)
	const column, stored = "destinations.signing_secrets", `{"v":1,"s":[{"k":"c2VlZA==","ed":true},{"k":"b2xk","e":1000000}]}`
	end := time.Unix(1, 0).UTC()
	secrets := []vault.SigningSecret{{Ed25519: true, Key: []byte("seed")}, {Key: []byte("old"), ExpiresAt: &end}}
	sealed, err := b.Seal([]byte(stored), column, "dst_1", "acc_1")
	require.NoError(t, err)
	got, err := vault.OpenSecrets(b, "dst_1", "acc_1", sealed)
	require.NoError(t, err)
	require.Equal(t, secrets, got)
	sealed, err = vault.SealSecrets(b, "dst_1", "acc_1", secrets)
	require.NoError(t, err)
	plain, err := b.Open(sealed, column, "dst_1", "acc_1")
	require.NoError(t, err)
	require.JSONEq(t, stored, string(plain))
}

func TestWhatIsCopiedElsewhereDoesNotOpen(t *testing.T) {
	t.Parallel()
	b := box(t)
	headers, err := vault.SealHeaders(b, "dst_1", "acc_1", []sender.Header{{Name: "A", Value: "planted-marker"}})
	require.NoError(t, err)
	secrets, err := vault.SealSecrets(b, "dst_1", "acc_1", []vault.SigningSecret{{Key: []byte("planted-marker")}})
	require.NoError(t, err)
	event, err := vault.SealEventHeaders(b, "evt_1", "acc_1", []sender.Header{{Name: "A", Value: "planted-marker"}})
	require.NoError(t, err)
	for name, open := range map[string]func() error{
		"another destination": func() error { _, err := vault.OpenHeaders(b, "dst_2", "acc_1", headers); return err },
		"another account":     func() error { _, err := vault.OpenSecrets(b, "dst_1", "acc_2", secrets); return err },
		"another column":      func() error { _, err := vault.OpenSecrets(b, "dst_1", "acc_1", headers); return err },
		"another key":         func() error { _, err := vault.OpenHeaders(box(t), "dst_1", "acc_1", headers); return err },
		"cut off":             func() error { _, err := vault.OpenHeaders(b, "dst_1", "acc_1", headers[:9]); return err },
		"another event":       func() error { _, err := vault.OpenEventHeaders(b, "evt_2", "acc_1", event); return err },
		"an event elsewhere":  func() error { _, err := vault.OpenEventHeaders(b, "evt_1", "acc_2", event); return err },
		"a row of that id":    func() error { _, err := vault.OpenHeaders(b, "evt_1", "acc_1", event); return err },
		"and the other way":   func() error { _, err := vault.OpenEventHeaders(b, "dst_1", "acc_1", headers); return err },
		"no secrets":          func() error { _, err := vault.OpenSecrets(b, "dst_1", "acc_1", nil); return err },
	} {
		err := open()
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "planted-marker", name)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	b := box(t)
	for _, content := range []string{`{"v":2,"h":[]}`, `[`, `{"v":2,"s":[]}`} {
		for _, place := range places {
			h, err := b.Seal([]byte(content), place.column, "row_1", "acc_1")
			require.NoError(t, err)
			_, err = place.open(b, "row_1", "acc_1", h)
			require.Error(t, err)
		}
		s, err := b.Seal([]byte(content), "destinations.signing_secrets", "dst_1", "acc_1")
		require.NoError(t, err)
		_, err = vault.OpenSecrets(b, "dst_1", "acc_1", s)
		require.Error(t, err)
	}
}
