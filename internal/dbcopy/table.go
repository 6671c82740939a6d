package dbcopy

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"datapusher/ent/migrations"
)

// page is how many rows one query reads.
const page = 1000

// table is one of the schema, with what is needed to read and fill it.
type table struct {
	name    string
	columns []column
}

type column struct {
	name string
	kind kind
}

// tables are those of the schema, each after those that it refers to.
func tables() ([]table, error) {
	left := migrations.Tables(dialect.Postgres)
	var (
		all   []table
		known = map[string]bool{}
	)
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(t *schema.Table) bool { return refersTo(t, known) })
		if at < 0 {
			return nil, fmt.Errorf("the tables refer to one another in a circle: %s", left[0].Name)
		}
		t, err := describe(left[at])
		if err != nil {
			return nil, err
		}
		all, known[t.name] = append(all, t), true
		left = slices.Delete(left, at, at+1)
	}
	return all, nil
}

// refersTo reports whether a table refers to no other than itself and those.
func refersTo(t *schema.Table, those map[string]bool) bool {
	for _, key := range t.ForeignKeys {
		if to := key.RefTable.Name; to != t.Name && !those[to] {
			return false
		}
	}
	return true
}

func describe(t *schema.Table) (table, error) {
	d := table{name: t.Name}
	if len(t.PrimaryKey) != 1 || t.PrimaryKey[0].Name != "id" {
		return d, fmt.Errorf("%s is not keyed by its id: it cannot be copied in order", t.Name)
	}
	for _, c := range t.Columns {
		k, err := kindOf(c.Type)
		if err != nil {
			return d, fmt.Errorf("%s.%s: %w", t.Name, c.Name, err)
		}
		if c.Name == "id" && k != text {
			return d, fmt.Errorf("%s.id is no text: it cannot be copied in order", t.Name)
		}
		d.columns = append(d.columns, column{c.Name, k})
	}
	return d, nil
}

func quoted(name string) string { return `"` + name + `"` }

// names are the columns, for a statement.
func (t table) names() string {
	all := make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i] = quoted(c.name)
	}
	return strings.Join(all, ", ")
}

// query reads a page. The driver of SQLite gives the same for no bytes as for an
// empty value, so each column of bytes is asked for that as well.
func (t table) query() string {
	all := []string{quoted("id")}
	for _, c := range t.columns {
		all = append(all, quoted(c.name))
		if c.kind == blob {
			all = append(all, quoted(c.name)+" IS NULL")
		}
	}
	return "SELECT " + strings.Join(all, ", ") + " FROM " + quoted(t.name) + " WHERE id > $1 ORDER BY id LIMIT $2"
}

// rows reads the table in the order of its ids, from the one after that id on. At
// most one row is in memory, beside what the driver has read ahead.
func (t table) rows(ctx context.Context, db *sql.DB, after string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for {
			n, last, err := t.page(ctx, db, after, yield)
			if err != nil {
				yield(row{}, fmt.Errorf("read %s after %q: %w", t.name, last, err))
			}
			if err != nil || n < page {
				return
			}
			after = last
		}
	}
}

// page yields the next rows and tells how many there were, and the last one's id. A
// caller that has had enough ends the table.
func (t table) page(ctx context.Context, db *sql.DB, after string, yield func(row, error) bool) (n int, last string, err error) {
	last = after
	rows, err := db.QueryContext(ctx, t.query(), after, page)
	if err != nil {
		return 0, last, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		r, err := t.scan(rows)
		if err != nil {
			return n, last, err
		}
		if last = r.id; !yield(r, nil) {
			return 0, last, nil
		}
	}
	return n, last, rows.Err()
}

// scan reads one row, in the form in which both databases give the same.
func (t table) scan(rows *sql.Rows) (row, error) {
	var (
		r     row
		found = make([]any, len(t.columns))
		none  = make([]bool, len(t.columns))
		into  = make([]any, 1, 2*len(t.columns))
	)
	into[0] = &r.id
	for i, c := range t.columns {
		into = append(into, &found[i])
		if c.kind == blob {
			into = append(into, &none[i])
		}
	}
	if err := rows.Scan(into...); err != nil {
		return r, err
	}
	for i, c := range t.columns {
		if c.kind == blob && !none[i] && found[i] == nil {
			found[i] = []byte{}
		}
		v, err := c.kind.normal(found[i])
		if err != nil {
			return r, fmt.Errorf("the row %q: %s: %w", r.id, c.name, err)
		}
		found[i] = v
	}
	r.values = found
	r.close()
	return r, nil
}
