package auth_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
)

func TestNewSecretTokensAre256RandomBits(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	letters := map[rune]int{}
	for range 2000 {
		s := auth.NewSecretToken()
		require.Regexp(t, `^dpt_[A-Za-z0-9]{43}$`, s)
		require.False(t, seen[s])
		seen[s] = true
		for _, c := range s[4:] {
			letters[c]++
		}
	}
	require.Len(t, letters, 62)
	for c, n := range letters { // 86,000 letters, 1387 of each expected, 6 sigma
		require.InDelta(t, 1387, n, 222, string(c))
	}
}

func TestPrefixAndHash(t *testing.T) {
	t.Parallel()
	require.Equal(t, "dpt_AbCdEfGh", auth.PrefixOf("dpt_AbCdEfGhIjK"))
	require.Equal(t, "abcdefgh", auth.PrefixOf("abcdefghijklmnop"))
	require.Equal(t, "abc", auth.PrefixOf("abc"))
	want := sha256.Sum256([]byte("x"))
	require.Equal(t, want[:], auth.HashOf("x"))
}

func TestFromHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authorization, token, want string
	}{
		"bearer":               {"Bearer abc", "", "abc"},
		"scheme in any case":   {"bEARER abc", "", "abc"},
		"several spaces":       {"Bearer   abc", "", "abc"},
		"the seed's header":    {"", "abc", "abc"},
		"both":                 {"Bearer one", "two", "one"},
		"another scheme":       {"Basic abc", "", ""},
		"another scheme, both": {"Basic abc", "two", "two"},
		"nothing":              {"", "", ""},
		"bearer of nothing":    {"Bearer ", "", ""},
		"no space":             {"Bearerabc", "", ""},
	} {
		h := http.Header{}
		if c.authorization != "" {
			h.Set("Authorization", c.authorization)
		}
		if c.token != "" {
			h.Set("CL-X-TOKEN", c.token)
		}
		secret, ok := auth.FromHeader(h)
		require.Equal(t, c.want, secret, name)
		require.Equal(t, c.want != "", ok, name)
	}
	require.True(t, strings.EqualFold(auth.TokenHeader, "cl-x-token"))
}
