// Package keyed asks for the rows of an edge by their keys. The id of a delivery is
// built from its event's, and an attempt's from its delivery's, so the rows of an
// edge are a range of the primary key, and no further index has to be written for
// each of them. And a page is a page for each parent by itself, however many rows
// each has.
//
// The generated code calls these functions in the place of ent's: ent/generate
// writes it so.
package keyed

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"

	"datapusher/internal/id"
)

// key says how the ids of an edge's rows are built from their parent's.
type key struct {
	rows func(parent string) (from, to string)
	stem string // SQL, of a parent: what its rows' ids begin with
}

// keys has the columns whose rows are a range, as <table>.<column>.
var keys = map[string]key{
	"deliveries.event_id":  {id.FanOut, "'dlv' || substr(%s, 4, 21)"},
	"attempts.delivery_id": {id.Attempts, "'att' || substr(%s, 4, 24)"},
}

func keyOf(s *sql.Selector, column string) (key, bool) {
	k, ok := keys[s.TableName()+"."+column]
	return k, ok
}

// among is the range of one parent's rows.
func (k key) among(s *sql.Selector, parent any) *sql.Predicate {
	text, ok := parent.(string)
	if !ok || len(text) != id.Length {
		return sql.False() // nothing has an id that is none
	}
	from, to := k.rows(text)
	return sql.And(sql.GTE(s.C("id"), from), sql.LT(s.C("id"), to))
}

// below is the range of the rows of the parent that an SQL expression names. It
// says all: with the column's equality beside it the planner would count on next
// to no rows and on reading a whole range to find them.
func (k key) below(b *sql.Builder, s *sql.Selector, parent string) {
	stem := fmt.Sprintf(k.stem, parent)
	b.WriteString(s.C("id") + " >= " + stem + " AND " + s.C("id") + " < " + stem + " || '['") // what follows Z
}

// FieldEQ is sql.FieldEQ.
func FieldEQ(column string, parent any) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(sql.EQ(s.C(column), parent))
		if k, ok := keyOf(s, column); ok {
			s.Where(k.among(s, parent))
		}
	}
}

// FieldIn is sql.FieldIn.
func FieldIn[T any](column string, parents ...T) func(*sql.Selector) {
	return func(s *sql.Selector) {
		all := make([]any, len(parents))
		for i := range parents {
			all[i] = parents[i]
		}
		s.Where(in(s, column, all))
	}
}

func in(s *sql.Selector, column string, parents []any) *sql.Predicate {
	p := sql.In(s.C(column), parents...)
	k, ok := keyOf(s, column)
	if !ok || len(parents) == 0 {
		return p
	}
	ranges := make([]*sql.Predicate, len(parents))
	for i := range parents {
		ranges[i] = k.among(s, parents[i])
	}
	return sql.And(p, sql.Or(ranges...))
}

// Only is the condition that a column has a value, of a query that is ordered by
// the column and then by the id. It is written so that Postgres does not know that
// the order by the id alone is the same: it would go through all rows by their ids,
// in the belief that some of that value come soon, and what has been silent for
// long has none.
func Only(column, value string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) {
			if b.Dialect() == dialect.Postgres {
				b.WriteString(s.C(column) + " = ANY(ARRAY[").Arg(value).WriteString("::text])")
				return
			}
			b.WriteString(s.C(column) + " = ").Arg(value)
		}))
	}
}

// Neighbors is sqlgraph.Neighbors.
func Neighbors(dialectName string, step *sqlgraph.Step) *sql.Selector {
	s := sqlgraph.Neighbors(dialectName, step)
	if step.ToEdgeOwner() {
		if k, ok := keyOf(s, step.Edge.Columns[0]); ok {
			s.Where(k.among(s, step.From.V))
		}
	}
	return s
}

// HasNeighbors is sqlgraph.HasNeighbors, of rows that are there and can be seen: a
// column that names one is not enough.
func HasNeighbors(s *sql.Selector, step *sqlgraph.Step) {
	HasNeighborsWith(s, whole(step), func(*sql.Selector) {})
}

// HasNeighborsWith is sqlgraph.HasNeighborsWith, of rows of the same account that
// are not deleted. Rows in a range are looked for with a scalar subquery: EXISTS
// could become a join, which reads all rows that fit, whoever's they are.
func HasNeighborsWith(s *sql.Selector, step *sqlgraph.Step, with func(*sql.Selector)) {
	d := sql.Dialect(s.Dialect())
	rows := d.Select().From(d.Table(step.Edge.Table)).WithContext(s.Context())
	k, ok := keyOf(rows, step.Edge.Columns[0])
	if !step.ToEdgeOwner() || !ok {
		sqlgraph.HasNeighborsWith(s, step, func(rows *sql.Selector) { reach(s, rows); with(rows) })
		return
	}
	rows.Select(rows.C("id")).Where(sql.P(func(b *sql.Builder) { k.below(b, rows, s.C(step.From.Column)) }))
	reach(s, rows)
	with(rows)
	s.Where(sql.P(func(b *sql.Builder) { b.WriteString("(").Join(rows.Limit(1)).WriteString(") IS NOT NULL") }))
}

// maxRows is more than a parent has.
const maxRows = id.MaxOrdinal + 1

// OfAll is the condition that rows belong to a parent, in that table, for which a
// condition holds. The parents are found first, and then the rows of each.
func OfAll(column, table string, which func(*sql.Selector)) func(*sql.Selector) {
	return func(s *sql.Selector) {
		d := sql.Dialect(s.Dialect())
		of := d.Table(table)
		found := d.Select(of.C("id")).From(of).WithContext(s.Context())
		which(found)
		rows := d.Select().From(d.Table(s.TableName()))
		rows.Select(rows.C("id"))
		p := &parents{column: column, each: true}
		rows.Where(p.condition(rows, nil)).Limit(maxRows)
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString(s.C("id"))
			if b.Dialect() == dialect.Postgres {
				b.WriteString(" = ANY(ARRAY(SELECT one.id FROM (").Join(found).WriteString(") AS parents (parent) CROSS JOIN LATERAL (").
					Join(rows).WriteString(") AS one))")
				return
			}
			b.WriteString(" IN (WITH parents (parent) AS (").Join(found).WriteString(") SELECT ").
				WriteString(rows.C("id")).WriteString(" FROM parents CROSS JOIN ").Ident(s.TableName()).WriteString(" WHERE ")
			b.Join(rows.P()).WriteString(")")
		}))
	}
}

// parents are those whose rows a statement asks for.
type parents struct {
	column string
	ids    []any
	each   bool // one after the other, as the table "parents" names them
}

type parentsKey struct{}

// Of is the condition that rows belong to one of the parents: all at once, unless
// [LimitPerRow] or [Count] takes one after the other.
func Of(s *sql.Selector, column string, ids []driver.Value) *sql.Predicate {
	p := &parents{column: column, ids: make([]any, len(ids))}
	for i := range ids {
		p.ids[i] = ids[i]
	}
	s.WithContext(context.WithValue(s.Context(), parentsKey{}, p))
	return p.condition(s, in(s, column, p.ids))
}

// condition is that rows belong to the parents, which is all unless it is asked
// for each.
func (p *parents) condition(s *sql.Selector, all *sql.Predicate) *sql.Predicate {
	k, ranged := keyOf(s, p.column)
	return sql.P(func(b *sql.Builder) {
		switch {
		case !p.each:
			b.Join(all)
		case ranged:
			k.below(b, s, "parents.parent")
		case b.Dialect() == dialect.Postgres:
			b.WriteString(s.C(p.column) + " = ANY(ARRAY[parents.parent])") // see Only
		default:
			b.WriteString(s.C(p.column) + " = parents.parent")
		}
	})
}

// table writes the parents as a table expression with one column, parent.
func (p *parents) table(b *sql.Builder) {
	list, _ := json.Marshal(p.ids) // texts cannot fail
	if b.Dialect() == dialect.Postgres {
		b.WriteString("(SELECT json_array_elements_text(").Arg(string(list)).WriteString("::json) AS parent) AS parents")
		return
	}
	b.WriteString("(SELECT value AS parent FROM json_each(").Arg(string(list)).WriteString(")) AS parents")
}

func parentsOf(s *sql.Selector) *parents {
	p, _ := s.Context().Value(parentsKey{}).(*parents)
	return p
}

// same is a selector in the place of another one, which becomes something else. Its
// conditions are the same ones: a clone of ent's has none of <, <=, > and >=, which
// write their sign into what they were cloned from.
func same(s *sql.Selector) *sql.Selector {
	copied := *s
	return &copied
}

// ordered gives one parent's rows an order. Before it comes the parent's column, in
// the same direction: see [Only].
func (p *parents) ordered(s *sql.Selector, order ...sql.Querier) *sql.Selector {
	s = same(s)
	if _, ranged := keyOf(s, p.column); !ranged {
		column := sql.Asc(s.C(p.column))
		if text, _ := order[0].Query(); strings.HasSuffix(text, "DESC") {
			column = sql.Desc(s.C(p.column))
		}
		s.OrderBy(column)
	}
	return s.OrderExpr(order...)
}

// LimitPerRow is entgql.LimitPerRow: the first rows of each parent, in that order.
// It reads no more of them, where ent would number all rows of all parents.
func LimitPerRow(_ string, limit int, order ...sql.Querier) func(*sql.Selector) {
	return func(s *sql.Selector) {
		p := parentsOf(s)
		p.each = true
		table, columns := s.TableName(), s.UnqualifiedColumns()
		d := sql.Dialect(s.Dialect())
		page := p.ordered(s, order...).Limit(limit)
		page.SetDistinct(false)
		kept := sql.ExprFunc(func(b *sql.Builder) {
			b.WriteString("WITH kept AS (")
			if b.Dialect() == dialect.Postgres {
				b.WriteString("SELECT page.* FROM ")
				p.table(b)
				b.WriteString(" CROSS JOIN LATERAL (").Join(page).WriteString(") AS page)")
				return
			}
			b.WriteString("SELECT page.* FROM ")
			p.table(b)
			b.WriteString(" CROSS JOIN ").Ident(table).WriteString(" AS page WHERE page.id IN (").
				Join(page.Select(page.C("id"))).WriteString("))")
		})
		*s = *d.Select(columns...).From(d.Table("kept").As(table)).OrderExpr(order...).Prefix(kept)
	}
}

// Count counts the rows of each parent, up to [MaxCountEach]. It takes the place of
// ent.Count in a total that is grouped by the parent's column.
func Count(s *sql.Selector) string {
	p := parentsOf(s)
	p.each = true
	table := s.TableName()
	d := sql.Dialect(s.Dialect())
	rows := p.ordered(s, sql.Expr(s.C("id"))).Select(s.C("id")).Limit(MaxCountEach)
	counted := sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("WITH counted AS (SELECT parent AS ").Ident(p.column).
			WriteString(", (SELECT count(*) FROM (").Join(rows).WriteString(") AS rows) AS counted FROM ")
		p.table(b)
		b.WriteString(")")
	})
	*s = *d.Select().From(d.Table("counted").As(table)).Prefix(counted)
	return sql.As(sql.Max(s.C("counted")), "count")
}
