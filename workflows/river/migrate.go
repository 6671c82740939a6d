package river

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
)

// migrationLock is the advisory lock that migrating processes queue for.
const migrationLock = 0x7269766572 // "river"

// Migration is one step of River's own schema.
type Migration struct {
	Version int
	Name    string
	Applied bool
}

// Migrate applies the pending migrations of River, in the schema [Schema], and
// returns them. It is safe to run from several processes at once.
func Migrate(ctx context.Context, db *sql.DB) (done []Migration, err error) {
	release, err := lock(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("migrate river: %w", err)
	}
	defer release()
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+Schema); err != nil {
		return nil, fmt.Errorf("migrate river: %w", err)
	}
	m, err := migrator(db)
	if err != nil {
		return nil, err
	}
	result, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return nil, fmt.Errorf("migrate river: %w", err)
	}
	for _, v := range result.Versions {
		done = append(done, Migration{Version: v.Version, Name: v.Name, Applied: true})
	}
	return done, nil
}

// lock waits for the advisory lock, on a connection of its own.
func lock(ctx context.Context, db *sql.DB) (release func(), err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		_ = c.Close()
		return nil, err
	}
	return func() {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		_ = c.Close()
	}, nil
}

// Migrations lists every migration of River, and whether it was applied.
func Migrations(ctx context.Context, db *sql.DB) ([]Migration, error) {
	m, err := migrator(db)
	if err != nil {
		return nil, err
	}
	existing, err := m.ExistingVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read river's migrations: %w", err)
	}
	applied := map[int]bool{}
	for _, v := range existing {
		applied[v.Version] = true
	}
	var all []Migration
	for _, v := range m.AllVersions() {
		all = append(all, Migration{Version: v.Version, Name: v.Name, Applied: applied[v.Version]})
	}
	return all, nil
}

// CheckMigrated fails when migrations are pending and says how to apply them.
func CheckMigrated(ctx context.Context, db *sql.DB) error {
	all, err := Migrations(ctx, db)
	if err != nil {
		return err
	}
	pending := 0
	for _, m := range all {
		if !m.Applied {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Errorf("%d of %d migrations of river are pending: run `datapusher migrate up --engine=river`, or start with --migrate", pending, len(all))
	}
	return nil
}

func migrator(db *sql.DB) (*rivermigrate.Migrator[*sql.Tx], error) {
	m, err := rivermigrate.New(riverdatabasesql.New(db), &rivermigrate.Config{Schema: Schema})
	if err != nil {
		return nil, fmt.Errorf("river's migrations: %w", err)
	}
	return m, nil
}
