package scalar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/graph/scalar"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

func written(t *testing.T, m graphql.Marshaler) string {
	t.Helper()
	var b strings.Builder
	m.MarshalGQL(&b)
	return strings.Trim(b.String(), `"`)
}

func requireInvalid(t *testing.T, err error, in any) {
	t.Helper()
	require.Equal(t, problem.Invalid, problem.CodeOf(err), "%v", in)
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2030-01-31T12:00:00Z":             "2030-01-31T12:00:00Z",
		"2030-01-31T12:00:00.123456+02:00": "2030-01-31T10:00:00.123456Z",
	} {
		got, err := scalar.UnmarshalTime(in)
		require.NoError(t, err)
		require.Equal(t, want, written(t, scalar.MarshalTime(got)))
	}
	for _, in := range []any{"", "now", "2030-01-31", "2030-02-31T00:00:00Z", 1893456000, nil, "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z"} {
		_, err := scalar.UnmarshalTime(in)
		requireInvalid(t, err, in)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"24h": 24 * time.Hour, "7d": 168 * time.Hour, "0s": 0, "1h30m": 90 * time.Minute, "-1d": -24 * time.Hour, "100000d": 100000 * 24 * time.Hour,
	} {
		got, err := scalar.UnmarshalDuration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
		again, err := scalar.UnmarshalDuration(written(t, scalar.MarshalDuration(got)))
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, in := range []any{"", "d", "1.5d", "7", 7, nil, "soon", "100001d", "999999999999999999999d", "7d1h", "2562048h"} {
		_, err := scalar.UnmarshalDuration(in)
		requireInvalid(t, err, in)
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	self := id.New(id.Event, time.Now())
	for _, c := range []ent.Cursor{{ID: self}, {ID: self, Value: self}} {
		got, err := scalar.UnmarshalCursor(written(t, scalar.MarshalCursor(c)))
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	for name, in := range map[string]any{
		"nothing": "", "no base64": "%", "no msgpack": "AAAA", "a number": 7, "null": nil,
		"no id":                 written(t, scalar.MarshalCursor(ent.Cursor{ID: "x"})),
		"a NUL":                 written(t, scalar.MarshalCursor(ent.Cursor{ID: "\x00"})),
		"a value that is none":  written(t, scalar.MarshalCursor(ent.Cursor{ID: self, Value: 7})),
		"another value":         written(t, scalar.MarshalCursor(ent.Cursor{ID: self, Value: "x"})),
		"a value of many parts": written(t, scalar.MarshalCursor(ent.Cursor{ID: self, Value: []string{"a"}})),
		"long":                  strings.Repeat("gaFp", 100),
	} {
		_, err := scalar.UnmarshalCursor(in)
		requireInvalid(t, err, name)
	}
}
