// Command diff writes the migration that leads from the files in ent/migrations
// to the schema of ent, for each dialect. It needs an empty scratch Postgres:
// `make migration name=<what>` starts one.
//
// What ent does not know, such as a trigger, is written by hand into a file of
// its own for each dialect; `go run ./ent/migrations/diff -rehash` then brings
// atlas.sum up to date.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"datapusher/ent/migrations"
	"datapusher/internal/database"
)

// folders of the dialects.
var folders = map[string]string{
	dialect.SQLite:   "ent/migrations/sqlite",
	dialect.Postgres: "ent/migrations/postgres",
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: diff <name>, with DATAPUSHER_TEST_POSTGRES naming a scratch server; or diff -rehash")
	}
	targets := map[string]string{
		dialect.SQLite:   "sqlite::memory:",
		dialect.Postgres: os.Getenv("DATAPUSHER_TEST_POSTGRES"),
	}
	for name, folder := range folders {
		var err error
		if os.Args[1] == "-rehash" {
			err = rehash(folder)
		} else {
			err = diff(context.Background(), name, folder, targets[name], os.Args[1])
		}
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

// rehash writes the sums of a folder's files, after one was written by hand.
func rehash(folder string) error {
	dir, err := sqltool.NewGooseDir(folder)
	if err != nil {
		return err
	}
	sum, err := dir.Checksum()
	if err != nil {
		return err
	}
	return migrate.WriteSumFile(dir, sum)
}

func diff(ctx context.Context, dialectName, folder, url, name string) error {
	db, err := database.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	dir, err := sqltool.NewGooseDir(folder)
	if err != nil {
		return err
	}
	m, err := schema.NewMigrate(db.Driver(),
		schema.WithDir(dir),
		schema.WithFormatter(sqltool.GooseFormatter),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true), schema.WithDropIndex(true),
		schema.WithErrNoPlan(true),
	)
	if err != nil {
		return err
	}
	if err := m.NamedDiff(ctx, name, migrations.Tables(dialectName)...); !errors.Is(err, migrate.ErrNoPlan) {
		return err
	}
	fmt.Println(folder, "is current")
	return nil
}
