// Command diff writes the migration that leads from the files in ent/migrations
// to the schema of ent, for each dialect. It needs an empty scratch Postgres:
// `make migration name=<what>` starts one.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	"datapusher/ent/migrations"
	"datapusher/internal/database"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: diff <name>, with DATAPUSHER_TEST_POSTGRES naming a scratch server")
	}
	targets := map[string]string{
		dialect.SQLite:   "sqlite::memory:",
		dialect.Postgres: os.Getenv("DATAPUSHER_TEST_POSTGRES"),
	}
	folders := map[string]string{dialect.SQLite: "sqlite", dialect.Postgres: "postgres"}
	for name, url := range targets {
		if err := diff(context.Background(), name, filepath.Join("ent/migrations", folders[name]), url, os.Args[1]); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
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
