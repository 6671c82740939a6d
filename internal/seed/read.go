package seed

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// account is a row of the seed system, as text.
type account struct{ key, name, email, website, token string }

// destination is a row of the seed system, as text.
type destination struct{ key, account, url, method, headers string }

// table is what is known of a table: Django names it after the app, so that it
// has to be found by its columns.
type table struct {
	name    string
	columns []string
}

func (t table) has(columns ...string) bool {
	for _, c := range columns {
		if !slices.Contains(t.columns, c) {
			return false
		}
	}
	return true
}

// either is the first of the columns that the table has.
func (t table) either(columns ...string) string {
	for _, c := range columns {
		if t.has(c) {
			return c
		}
	}
	return ""
}

func tables(ctx context.Context, db *sql.DB) ([]table, error) {
	rows, err := db.QueryContext(ctx, `
SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' ORDER BY m.name, c.cid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []table
	for rows.Next() {
		var name, column string
		if err := rows.Scan(&name, &column); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, table{name: name})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, column)
	}
	return all, rows.Err()
}

// find is the one table that a test holds for.
func find(all []table, what string, is func(table) bool) (table, error) {
	var found []table
	for _, t := range all {
		if is(t) {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		return table{}, fmt.Errorf("the file has %d tables of %s, not one: is it the seed system's db.sqlite3?", len(found), what)
	}
	return found[0], nil
}

// read takes all rows of the seed system's two tables, in the order of their keys.
func read(ctx context.Context, db *sql.DB) (accounts []account, destinations []destination, err error) {
	all, err := tables(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	at, err := find(all, "accounts", func(t table) bool {
		return t.has("account_name", "email", "secret_token") && t.either("account_id", "id") != ""
	})
	if err != nil {
		return nil, nil, err
	}
	dt, err := find(all, "destinations", func(t table) bool {
		return t.has("url", "http_method", "headers") && t.either("account_id", "account") != "" && t.either("destination_id", "id") != ""
	})
	if err != nil {
		return nil, nil, err
	}
	website := at.either("website")
	err = rows(ctx, db, at, []string{at.either("account_id", "id"), "account_name", "email", website, "secret_token"}, func(v []string) {
		accounts = append(accounts, account{v[0], v[1], v[2], v[3], v[4]})
	})
	if err != nil {
		return nil, nil, err
	}
	err = rows(ctx, db, dt, []string{
		dt.either("destination_id", "id"), dt.either("account_id", "account"), "url", "http_method", "headers",
	}, func(v []string) {
		destinations = append(destinations, destination{v[0], v[1], v[2], v[3], v[4]})
	})
	return accounts, destinations, err
}

// rows reads columns of a table as text; an unnamed column is empty.
func rows(ctx context.Context, db *sql.DB, t table, columns []string, each func([]string)) error {
	selected := make([]string, len(columns))
	for i, c := range columns {
		selected[i] = "''"
		if c != "" {
			selected[i] = "coalesce(CAST(" + quote(c) + " AS TEXT), '')"
		}
	}
	found, err := db.QueryContext(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+quote(t.name)+" ORDER BY "+quote(columns[0])) //nolint:gosec // G202: names from our own list, quoted
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		values, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return err
		}
		each(values)
	}
	return found.Err()
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// alias is the integer that a key is; nil when it is something else.
func alias(key string) *int64 {
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}
