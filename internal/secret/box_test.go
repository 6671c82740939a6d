package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"datapusher/internal/secret"
)

var place = []string{"destinations", "dst_1", "acc_1", "signing_secret"}

func newBox(t require.TestingT) *secret.Box {
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	return box
}

// aPlace draws associated data with parts that are easily confused.
func aPlace(t *rapid.T, name string) []string {
	return rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\x01\x02/")), 0, 4, -1), 1, 5).Draw(t, name)
}

func TestWhatIsSealedOpensAtItsPlaceAlone(t *testing.T) {
	t.Parallel()
	box, other := newBox(t), newBox(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		at, elsewhere := aPlace(t, "place"), aPlace(t, "elsewhere")
		sealed, err := box.Seal(plain, at...)
		require.NoError(t, err)
		require.Len(t, sealed, len(plain)+secret.Overhead)

		got, err := box.Open(sealed, at...)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, got))

		if !slices.Equal(at, elsewhere) {
			_, err = box.Open(sealed, elsewhere...)
			require.ErrorIs(t, err, secret.ErrForged)
		}
		_, err = other.Open(sealed, at...)
		require.ErrorIs(t, err, secret.ErrUnknownKey)

		_, err = box.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")], at...)
		require.Error(t, err)

		flipped := bytes.Clone(sealed)
		bit := rapid.IntRange(0, 8*len(sealed)-1).Draw(t, "bit")
		flipped[bit/8] ^= 1 << (bit % 8)
		_, err = box.Open(flipped, at...)
		require.Error(t, err)
	})
}

func TestPartsOfAPlaceAreNotConfused(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	sealed, err := box.Seal([]byte("secret"), "ab", "c")
	require.NoError(t, err)
	for _, at := range [][]string{{"a", "bc"}, {"abc"}, {"ab", "c", ""}, {"", "ab", "c"}, {"ab"}, {"c", "ab"}, {"\x02ab\x01c"}, nil} {
		_, err := box.Open(sealed, at...)
		require.ErrorIs(t, err, secret.ErrForged, "%q", at)
	}
}

func TestSealing(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	a, err := box.Seal([]byte("secret"), place...)
	require.NoError(t, err)
	b, err := box.Seal([]byte("secret"), place...)
	require.NoError(t, err)
	require.NotEqual(t, a, b, "equal secrets must not be seen to be equal")
	require.NotContains(t, string(a), "secret")
	_, err = box.Seal([]byte("secret"))
	require.ErrorContains(t, err, "name its table")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	before, err := secret.Open(keys)
	require.NoError(t, err)
	old, err := before.Seal([]byte("secret"), place...)
	require.NoError(t, err)

	keys, id, err := secret.AddKey(keys)
	require.NoError(t, err)
	between, err := secret.Open(keys)
	require.NoError(t, err)
	require.Equal(t, before.KeyID(), between.KeyID(), "a key that only some processes know must not seal")
	require.True(t, between.Opens(id))
	keys, err = secret.Promote(keys, id)
	require.NoError(t, err)
	after, err := secret.Open(keys)
	require.NoError(t, err)
	require.Equal(t, id, after.KeyID())
	plain, err := after.Open(old, place...)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))

	sealed, err := after.Seal(plain, place...)
	require.NoError(t, err)
	for _, c := range []struct {
		sealed []byte
		by     *secret.Box
	}{{old, before}, {sealed, after}} {
		id, ok := secret.KeyIDOf(c.sealed)
		require.True(t, ok)
		require.Equal(t, c.by.KeyID(), id)
		require.True(t, bytes.HasPrefix(c.sealed, secret.Prefix(id)))
	}
	plain, err = between.Open(sealed, place...)
	require.NoError(t, err, "what the new primary sealed opens where the key was only added")
	require.Equal(t, "secret", string(plain))
	_, err = before.Open(sealed, place...)
	require.ErrorIs(t, err, secret.ErrUnknownKey)
	require.ErrorContains(t, err, fmt.Sprint(after.KeyID()))
}

func TestKeyIDOfWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	for _, s := range [][]byte{nil, {1, 2, 3, 4, 5}, bytes.Repeat([]byte{1}, secret.Overhead-1), make([]byte, 100)} {
		_, ok := secret.KeyIDOf(s)
		require.False(t, ok)
	}
}

func TestABoxIsNeverPrinted(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	const want = "secret.Box(redacted)"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		require.Equal(t, want, fmt.Sprintf(verb, box), verb)
		require.Equal(t, want, fmt.Sprintf(verb, *box), verb)
	}
	require.Contains(t, fmt.Sprintf("%+v", struct{ B *secret.Box }{box}), want)
	require.Equal(t, want, box.String())
	require.Equal(t, want, box.GoString())
	text, err := json.Marshal(box) //nolint:staticcheck // SA9005: that nothing is marshaled is what is tested
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(text))

	for name, handler := range map[string]func(*strings.Builder) slog.Handler{
		"text": func(b *strings.Builder) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *strings.Builder) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log strings.Builder
		slog.New(handler(&log)).Info("start", "box", box)
		require.Contains(t, log.String(), want, name)
	}
}

// FuzzBox feeds what a database may hold after a fault or an attack.
func FuzzBox(f *testing.F) {
	box := newBox(f)
	sealed, err := box.Seal([]byte("secret"), place...)
	require.NoError(f, err)
	for _, s := range [][]byte{nil, {1}, sealed, sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0), bytes.Repeat([]byte{1}, secret.Overhead), make([]byte, 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		plain, err := box.Open(s, place...)
		if bytes.Equal(s, sealed) {
			require.NoError(t, err)
			require.Equal(t, "secret", string(plain))
			return
		}
		require.Error(t, err)
		require.Nil(t, plain)
	})
}
