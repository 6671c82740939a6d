package sender_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestASecretIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	k := sender.NewSecret()
	require.Len(t, k, 32)
	require.NotEqual(t, k, sender.NewSecret())
	written := sender.FormatSecret(k)
	require.True(t, strings.HasPrefix(written, "whsec_"))
	got, err := sender.ParseSecret(written)
	require.NoError(t, err)
	require.Equal(t, k, got)
}

func TestWhatIsNoSecretIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for secret, want := range map[string]string{
		"":                    "must begin with whsec_",
		encode(32):            "must begin with whsec_",
		"WHSEC_" + encode(32): "must begin with whsec_",
		"whsec_":              "24 to 64 bytes",
		"whsec_" + encode(23): "24 to 64 bytes",
		"whsec_" + encode(65): "24 to 64 bytes",
		"whsec_" + strings.TrimSuffix(encode(32), "A=") + "B=": "base64", // bits left over
		"whsec_!!!!":              "base64",
		"whsec_" + encode(31)[1:]: "base64",
		"whsec_" + encode(32)[:20] + "\n" + encode(32)[20:]: "base64",
		"whsec_" + strings.Repeat("_-", 22):                 "base64",
	} {
		_, err := sender.ParseSecret(secret)
		require.ErrorContains(t, err, want, secret)
		if len(secret) > 20 {
			require.NotContains(t, err.Error(), secret[10:])
		}
	}
	for _, n := range []int{24, 64} {
		_, err := sender.ParseSecret("whsec_" + encode(n))
		require.NoError(t, err)
	}
}
