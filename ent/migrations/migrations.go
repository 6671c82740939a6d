// Package migrations holds the versioned migrations of the schema, a folder per
// dialect, and the schema that they must lead to. Files are made by
// `make migration name=<what>` and never edited after a release.
package migrations

import (
	"embed"
	"io/fs"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"datapusher/ent/migrate"
)

//go:embed all:postgres all:sqlite
var files embed.FS

// FS is the folder of a dialect's migrations.
func FS(name string) (fs.FS, error) {
	if name == dialect.Postgres {
		return fs.Sub(files, "postgres")
	}
	return fs.Sub(files, "sqlite")
}

// Tables is the schema that the migrations of a dialect lead to: ent's, without
// the foreign keys of the tables that grow without end. Those would cost a
// look-up for each row and stand in the way of dropping old partitions.
func Tables(name string) []*schema.Table {
	tables, err := schema.CopyTables(migrate.Tables)
	if err != nil {
		panic(err) // the generated tables contradict themselves
	}
	for _, t := range tables {
		switch t.Name {
		case migrate.EventsTable.Name, migrate.DeliveriesTable.Name, migrate.AttemptsTable.Name:
			t.ForeignKeys = nil
		}
		if name == dialect.Postgres {
			for _, i := range t.Indexes {
				stable(i)
			}
		}
	}
	return tables
}

// stable writes an index's condition the way that Postgres gives it back
// unchanged. It rewrites IN over a varchar once more each time it reads it, so
// that every diff would find a change.
func stable(i *schema.Index) {
	if i.Annotation == nil {
		return
	}
	column, list, found := strings.Cut(i.Annotation.Where, " IN (")
	if !found {
		return
	}
	a := *i.Annotation
	a.Where = column + "::text = ANY (ARRAY[" + strings.ReplaceAll(strings.TrimSuffix(list, ")"), "',", "'::text,") + "::text])"
	i.Annotation = &a
}
