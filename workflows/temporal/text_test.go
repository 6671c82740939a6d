package temporal_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"datapusher/workflows/temporal"
)

// Every kind of character that JSON writes in its own way.
var awkward = rapid.StringOfN(rapid.OneOf(
	rapid.Rune(), rapid.SampledFrom([]rune("\x00\x01\b\t\n\f\r\x1f\"\\<>&\u007f\u2028\u2029\ufffdé…😀a"))), 0, 60, -1)

func TestJSONSize(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := awkward.Draw(t, "text")
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		if strings.ContainsRune(text, utf8.RuneError) { // may also mean "not UTF-8", which takes more
			require.GreaterOrEqual(t, temporal.JSONSize(text), len(encoded))
			return
		}
		require.Len(t, encoded, temporal.JSONSize(text))
	})
	invalid, err := json.Marshal("\xff\xfe")
	require.NoError(t, err)
	require.GreaterOrEqual(t, temporal.JSONSize("\xff\xfe"), len(invalid))
}

func TestClip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, limit := awkward.Draw(t, "text"), rapid.IntRange(5, 100).Draw(t, "limit")
		cut := temporal.Clip(text, limit)
		require.LessOrEqual(t, temporal.JSONSize(cut), limit)
		if cut == text {
			return
		}
		require.Greater(t, temporal.JSONSize(text), limit)
		kept, ok := strings.CutSuffix(cut, "…")
		require.True(t, ok)
		require.True(t, strings.HasPrefix(text, kept))
		next, _ := utf8.DecodeRuneInString(text[len(kept):])
		require.Greater(t, temporal.JSONSize(kept+string(next)+"…"), limit, "it could have kept more")
	})
}
