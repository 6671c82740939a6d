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

func TestHeadersComeBackInOrder(t *testing.T) {
	t.Parallel()
	b := box(t)
	want := []sender.Header{{Name: "X-Zeta", Value: "planted-marker"}, {Name: "X-Alpha", Value: ""}}
	sealed, err := vault.SealHeaders(b, "dst_1", "acc_1", want)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "planted-marker")
	require.NotContains(t, string(sealed), "Zeta")
	got, err := vault.OpenHeaders(b, "dst_1", "acc_1", sealed)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestNoHeadersAreNoBytes(t *testing.T) {
	t.Parallel()
	sealed, err := vault.SealHeaders(box(t), "dst_1", "acc_1", nil)
	require.NoError(t, err)
	require.Empty(t, sealed)
	got, err := vault.OpenHeaders(box(t), "dst_1", "acc_1", sealed)
	require.NoError(t, err)
	require.Empty(t, got)
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

func TestWhatIsCopiedElsewhereDoesNotOpen(t *testing.T) {
	t.Parallel()
	b := box(t)
	headers, err := vault.SealHeaders(b, "dst_1", "acc_1", []sender.Header{{Name: "A", Value: "planted-marker"}})
	require.NoError(t, err)
	secrets, err := vault.SealSecrets(b, "dst_1", "acc_1", []vault.SigningSecret{{Key: []byte("planted-marker")}})
	require.NoError(t, err)
	for name, open := range map[string]func() error{
		"another destination": func() error { _, err := vault.OpenHeaders(b, "dst_2", "acc_1", headers); return err },
		"another account":     func() error { _, err := vault.OpenSecrets(b, "dst_1", "acc_2", secrets); return err },
		"another column":      func() error { _, err := vault.OpenSecrets(b, "dst_1", "acc_1", headers); return err },
		"another key":         func() error { _, err := vault.OpenHeaders(box(t), "dst_1", "acc_1", headers); return err },
		"cut off":             func() error { _, err := vault.OpenHeaders(b, "dst_1", "acc_1", headers[:9]); return err },
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
		h, err := b.Seal([]byte(content), "destinations.headers", "dst_1", "acc_1")
		require.NoError(t, err)
		_, err = vault.OpenHeaders(b, "dst_1", "acc_1", h)
		require.Error(t, err)
		s, err := b.Seal([]byte(content), "destinations.signing_secrets", "dst_1", "acc_1")
		require.NoError(t, err)
		_, err = vault.OpenSecrets(b, "dst_1", "acc_1", s)
		require.Error(t, err)
	}
}
