package scalar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/graph/scalar"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// A cursor is read as it was written; anything else is refused as invalid, and
// what is taken is a row's id and nothing more.
func FuzzCursor(f *testing.F) {
	self := id.New(id.Event, time.Unix(1_900_000_000, 0))
	for _, seed := range []string{self, "", "x", "\x00", "evt_", "gaFp", "AAAA", "%", "\xff"} {
		f.Add(seed)
	}
	f.Add(writtenCursor(ent.Cursor{ID: self}))
	f.Add(writtenCursor(ent.Cursor{ID: self, Value: self}))
	f.Add(writtenCursor(ent.Cursor{ID: self, Value: []any{1, nil}}))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := scalar.UnmarshalCursor(text)
		if err != nil {
			require.Equal(t, problem.Invalid, problem.CodeOf(err))
			require.Zero(t, got)
		} else {
			_, err := id.Parse(got.ID)
			require.NoError(t, err)
			require.Contains(t, []any{nil, got.ID}, got.Value)
			again, err := scalar.UnmarshalCursor(writtenCursor(got))
			require.NoError(t, err)
			require.Equal(t, got, again)
		}

		// The text as an id in a cursor that we have written.
		_, broken := id.Parse(text)
		for _, c := range []ent.Cursor{{ID: text}, {ID: text, Value: text}} {
			read, err := scalar.UnmarshalCursor(writtenCursor(c))
			require.Equal(t, broken == nil, err == nil, "%q: %v", text, err)
			if err == nil {
				require.Equal(t, c, read)
			}
		}
		_, err = scalar.UnmarshalCursor(writtenCursor(ent.Cursor{ID: self, Value: text}))
		require.Equal(t, text == self || text == "", err == nil) // an empty value is none
	})
}

func writtenCursor(c ent.Cursor) string {
	var b strings.Builder
	scalar.MarshalCursor(c).MarshalGQL(&b)
	return strings.Trim(b.String(), `"`)
}
