package dbcopy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/stretchr/testify/require"

	"datapusher/ent/migrate"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// fillers are values of every type that a copy may spoil: what COPY and the drivers
// give a meaning of their own, the ends of ranges, what is empty and yet there.
var fillers = map[field.Type][]any{
	field.TypeString: {"plain", "", " ", `\N`, `\.`, "a\tb\nc\r\\n", `"quoted" 'text'`, "é ü 日本 \U0001f600", strings.Repeat("long ", 2000)},
	field.TypeBytes:  {[]byte("bytes"), []byte{}, []byte{0, 1, 254, 255}, []byte(`\x00\\`), []byte("\xff\xfe not UTF-8"), []byte(strings.Repeat("x", 5000))},
	field.TypeTime: {
		time.Date(2026, 1, 31, 12, 34, 56, 123456000, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 29, 2, 30, 0, 1000, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
	},
	field.TypeBool:    {true, false},
	field.TypeInt:     {int64(0), int64(-1), int64(math.MaxInt64)},
	field.TypeInt64:   {int64(0), int64(-1), int64(math.MinInt64)},
	field.TypeFloat64: {0.1, 5.0, 1e300, -2.5e-7, math.MaxFloat64},
	field.TypeJSON:    {`["a","b"]`, `[]`, `null`, `[ "b" , "a<&>",  "\u00e9\\" ]`},
}

// idOf is the id of the nth row of a table.
func idOf(table string, n int) string { return fmt.Sprintf("%.3s_%026d", table, n) }

// fill adds rows to every table of an SQLite database, from n to the one before end:
// each third has nothing in it that may be missing.
func fill(t *testing.T, db *database.DB, n, end int) {
	t.Helper()
	tx, err := db.Write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec("PRAGMA defer_foreign_keys = ON")
	require.NoError(t, err)
	for ; n < end; n++ {
		for _, table := range migrate.Tables {
			var names, places []string
			var values []any
			for i, c := range table.Columns {
				names, places = append(names, `"`+c.Name+`"`), append(places, "?")
				values = append(values, valueOf(table.Name, c, n, i))
			}
			_, err := tx.Exec(`INSERT INTO "`+table.Name+`" (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(places, ", ")+`)`, values...)
			require.NoError(t, err, "%s: the test has to know how to fill it", table.Name)
		}
	}
	require.NoError(t, tx.Commit())
}

func valueOf(table string, c *schema.Column, n, at int) any {
	switch {
	case c.Name == "id":
		return idOf(table, n)
	case c.Nullable && n%3 == 2:
		return nil
	case c.Name == "account_id":
		return idOf(migrate.AccountsTable.Name, n)
	case strings.HasSuffix(c.Name, "_id") && c.Type == field.TypeString:
		return idOf(c.Name, n)
	case c.Name == "seed_id":
		return int64(n)
	case c.Name == "email": // unique
		return fmt.Sprintf("%d@example.com", n)
	case c.Name == "hash": // unique
		return fmt.Appendf(nil, "hash\x00%d", n)
	case c.Type == field.TypeEnum:
		return c.Enums[n%len(c.Enums)]
	}
	all := fillers[c.Type]
	v := all[(n+at)%len(all)]
	if s, ok := v.(string); ok && c.SchemaType != nil && len(s) > 30 {
		return s[:30]
	}
	return v
}

// source is an SQLite database with rows from 0 to n in every table, opened as a copy does.
func source(t *testing.T, n int) (db *database.DB, url string) {
	t.Helper()
	url = dbtest.SQLiteURL(t)
	edit(t, url, func(db *database.DB) { fill(t, db, 0, n) })
	return alone(t, url), url
}

// edit opens a database as a process does, and closes it again.
func edit(t *testing.T, url string, change func(db *database.DB)) {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	change(db)
	require.NoError(t, db.Close())
}

func alone(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.OpenAlone(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
