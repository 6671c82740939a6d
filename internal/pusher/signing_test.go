package pusher_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

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

func TestASecretOfOnesOwn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		first, second := sender.NewSecret(), sender.NewSecret()
		own := sender.FormatSecret(first)
		d, shown, err := w.CreateDestination(jane, pusher.CreateDestinationInput{AccountID: a.ID, URL: "https://example.com", SigningSecret: &own})
		require.NoError(t, err)
		require.Equal(t, own, shown)
		require.Equal(t, []vault.SigningSecret{{Key: first}}, w.secrets(t, d))

		next := sender.FormatSecret(second)
		_, shown, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningSecret: &next})
		require.NoError(t, err)
		require.Equal(t, next, shown)
		day := w.now.Add(24 * time.Hour)
		require.Equal(t, []vault.SigningSecret{{Key: second}, {Key: first, ExpiresAt: &day}}, w.secrets(t, d))

		// Back to one that is still valid: it signs once, and has no end any more.
		_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningSecret: &own})
		require.NoError(t, err)
		require.Equal(t, []vault.SigningSecret{{Key: first}, {Key: second, ExpiresAt: &day}}, w.secrets(t, d))
	})
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		ed, hmac := destination.SigningAlgorithmEd25519, destination.SigningAlgorithmHMACSHA256
		d, public, err := w.CreateDestination(jane, pusher.CreateDestinationInput{AccountID: a.ID, URL: "https://example.com", SigningAlgorithm: &ed})
		require.NoError(t, err)
		require.Regexp(t, "^whpk_", public)
		require.Equal(t, ed, d.SigningAlgorithm)
		key := w.secrets(t, d)[0]
		require.True(t, key.Ed25519)
		require.Equal(t, key.SenderKey().Public(), public)
		require.NotContains(t, public, sender.FormatSecret(key.Key)[len("whsec_"):], "the private key is shown")

		// The kind stays unless it is named, and both sign until the overlap is over.
		d, public, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID})
		require.NoError(t, err)
		require.Regexp(t, "^whpk_", public)
		d, shared, err := w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningAlgorithm: &hmac})
		require.NoError(t, err)
		require.Regexp(t, "^whsec_", shared)
		require.Equal(t, hmac, d.SigningAlgorithm)
		day := w.now.Add(24 * time.Hour)
		got := w.secrets(t, d)
		require.Len(t, got, 3)
		require.Equal(t, []bool{false, true, true}, []bool{got[0].Ed25519, got[1].Ed25519, got[2].Ed25519})
		require.True(t, got[1].ExpiresAt.Equal(day))
		d, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningAlgorithm: &ed, Overlap: new(time.Duration(0))})
		require.NoError(t, err)
		require.Len(t, w.secrets(t, d), 1)

		// A key for it is made here: nobody else has known it.
		own := sender.FormatSecret(sender.NewSecret())
		_, _, err = w.CreateDestination(jane, pusher.CreateDestinationInput{AccountID: a.ID, URL: "https://example.com", SigningAlgorithm: &ed, SigningSecret: &own})
		require.Equal(t, []string{"signingSecret"}, fieldsOf(err))
		for _, algorithm := range []*destination.SigningAlgorithm{nil, &ed} {
			_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningAlgorithm: algorithm, SigningSecret: &own})
			requireCode(t, problem.Invalid, err)
			require.Equal(t, []string{"signingSecret"}, fieldsOf(err))
		}
		_, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, SigningAlgorithm: &hmac, SigningSecret: &own})
		require.NoError(t, err)
	})
}

func TestSigningInputsAreChecked(t *testing.T) {
	t.Parallel()
	brew := destination.SigningAlgorithm("BREW")
	for _, secret := range []string{"", "x", "whsec_", "whsec_AAAA", "whpk_" + sender.FormatSecret(sender.NewSecret())[6:]} {
		err := pusher.RotateSigningSecretInput{Overlap: new(-time.Second), SigningAlgorithm: &brew, SigningSecret: &secret}.Validate()
		require.Equal(t, []string{"overlap", "signingAlgorithm", "signingSecret"}, fieldsOf(err), secret)
	}
}
