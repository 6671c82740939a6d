package keyed

import (
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"
)

// What is here is where entgql's lists read too much, or say what is not so.

// How far a total is counted; it stands for more, too. Without it a total would
// read the whole history.
const (
	MaxCount     = 10_000
	MaxCountEach = 1_000 // of a list that each row of another one has
)

// AtMost lets a query that is counted end at [MaxCount].
func AtMost(s *sql.Selector) {
	table := s.TableName()
	rows := same(s).Select(s.C("id")).Limit(MaxCount)
	*s = *sql.Dialect(s.Dialect()).Select().From(rows.As(table))
}

// Cursors is entgql.CursorsPredicate, in the list's own direction: what is after
// one cursor and before the other, from whichever end the page is taken.
func Cursors(after, before *entgql.Cursor[string], idColumn, column string, direction entgql.OrderDirection) (all []func(*sql.Selector)) {
	beyond := func(c *entgql.Cursor[string], greater bool) {
		if c == nil {
			return
		}
		all = append(all, func(s *sql.Selector) {
			one, both := sql.LT, sql.CompositeLT
			if greater {
				one, both = sql.GT, sql.CompositeGT
			}
			if c.Value == nil || column == idColumn {
				s.Where(one(s.C(idColumn), c.ID))
				return
			}
			s.Where(both([]string{s.C(column), s.C(idColumn)}, c.Value, c.ID))
		})
	}
	ascending := direction == entgql.OrderDirectionAsc
	beyond(after, ascending)
	beyond(before, !ascending)
	return all
}

// parts are the fields of a list that decide what is read for it.
var parts = map[string]bool{"edges": true, "node": true, "totalCount": true, "pageInfo": true}

// Collected finds a field among those that are selected in another one: a list by
// its alias, and a part of a list whatever its alias, with what is selected in any.
func Collected(op *graphql.OperationContext, in graphql.CollectedField, name string) (found graphql.CollectedField, ok bool) {
	for _, f := range graphql.CollectFields(op, in.Selections, nil) {
		switch {
		case parts[name] && f.Name == name && ok:
			found.Selections = append(slices.Clip(found.Selections), f.Selections...)
		case parts[name] && f.Name == name, !parts[name] && f.Alias == name:
			found, ok = f, true
		}
	}
	return found, ok
}
