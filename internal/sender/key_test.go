package sender_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestNewKeysOfBothKindsCanSign(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	for _, ed25519 := range []bool{false, true} {
		k := sender.NewKey(ed25519)
		require.Equal(t, ed25519, k.Ed25519)
		require.Len(t, k.Bytes, 32)
		require.NotEqual(t, k, sender.NewKey(ed25519))
		r := post("https://example.com")
		r.Keys = []sender.Key{k}
		_, class := s.Build(r)
		require.Empty(t, class)
	}
}

// The pair is the first test of RFC 8032, section 7.1.
func TestWhatAReceiverVerifiesWith(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	seed := unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	public := unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	require.Equal(t, "whpk_"+base64.StdEncoding.EncodeToString(public), sender.Key{Ed25519: true, Bytes: seed}.Public())

	secret := sender.Key{Bytes: seed}.Public()
	require.Equal(t, "whsec_"+base64.StdEncoding.EncodeToString(seed), secret)
	back, err := sender.ParseSecret(secret)
	require.NoError(t, err)
	require.Equal(t, seed, back)
}

func TestAKeyOfAWrongLengthHasNothingToShow(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 31, 33, 64} {
		require.Empty(t, sender.Key{Ed25519: true, Bytes: make([]byte, n)}.Public(), n)
	}
	for n, shown := range map[int]bool{0: false, 23: false, 24: true, 64: true, 65: false} {
		require.Equal(t, shown, sender.Key{Bytes: make([]byte, n)}.Public() != "", n)
	}
}
