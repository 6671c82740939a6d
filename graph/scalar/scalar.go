// Package scalar reads and writes the scalars of the GraphQL schema. What a
// caller got wrong is a coded error that says how to write it.
package scalar

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"datapusher/ent"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// MarshalTime writes a time in UTC, after RFC 3339, to the microsecond.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(time.RFC3339Nano)))
	})
}

// UnmarshalTime reads a time after RFC 3339. Years beyond 9999 and before 1 do
// not fit the databases.
func UnmarshalTime(v any) (time.Time, error) {
	if s, ok := v.(string); ok {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, problem.New(problem.Invalid, "a Time is written after RFC 3339, such as 2030-01-31T12:00:00Z")
}

// MarshalDuration writes a duration as [ParseDuration] reads it.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(d.String())) })
}

// UnmarshalDuration reads what [ParseDuration] does.
func UnmarshalDuration(v any) (time.Duration, error) {
	if s, ok := v.(string); ok {
		if d, ok := ParseDuration(s); ok {
			return d, nil
		}
	}
	return 0, problem.New(problem.Invalid, "a Duration is written like 90s, 1h30m or 7d")
}

// ParseDuration reads a duration as Go writes it ("1h30m"), or whole days ("7d").
func ParseDuration(s string) (time.Duration, bool) {
	const day, most = 24 * time.Hour, 100_000 // days in an int64 of nanoseconds, and a little less
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * day, err == nil && n >= -most && n <= most
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// MarshalCursor writes the place of a row in a list.
func MarshalCursor(c ent.Cursor) graphql.Marshaler { return c }

// UnmarshalCursor reads what [MarshalCursor] writes. Lists are ordered by ids
// alone, so anything else in a cursor has been made up.
func UnmarshalCursor(v any) (c ent.Cursor, err error) {
	bad := problem.New(problem.Invalid, "the cursor is not one that a list has given")
	s, ok := v.(string)
	if !ok || len(s) > 256 {
		return ent.Cursor{}, bad
	}
	if c, ok = readCursor(s); !ok {
		return ent.Cursor{}, bad
	}
	if _, err := id.Parse(c.ID); err != nil {
		return ent.Cursor{}, bad
	}
	if value, ok := c.Value.(string); c.Value != nil && (!ok || value != c.ID) {
		return ent.Cursor{}, bad
	}
	return c, nil
}

// readCursor decodes a cursor. The library panics where a member is there twice.
func readCursor(s string) (c ent.Cursor, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	ok = c.UnmarshalGQL(s) == nil
	return c, ok
}
