package database

import (
	"context"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"datapusher/ent/migrations"
)

// Migration is one step of the schema.
type Migration struct {
	Version int64
	File    string
	Applied time.Time // zero: pending
}

// Migrate applies the pending migrations in order and returns them. On Postgres
// a session lock makes it safe to run from several processes at once.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := db.provider()
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	done := make([]Migration, len(results))
	for i, r := range results {
		done[i] = Migration{Version: r.Source.Version, File: r.Source.Path, Applied: time.Now()}
	}
	return done, nil
}

// Migrations lists every migration with the time it was applied.
func (db *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := db.provider()
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	all := make([]Migration, len(status))
	for i, s := range status {
		all[i] = Migration{Version: s.Source.Version, File: s.Source.Path, Applied: s.AppliedAt}
	}
	return all, nil
}

// CheckMigrated fails when migrations are pending and says how to apply them.
func (db *DB) CheckMigrated(ctx context.Context) error {
	all, err := db.Migrations(ctx)
	if err != nil {
		return err
	}
	pending := 0
	for _, m := range all {
		if m.Applied.IsZero() {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Errorf("%d of %d migrations are pending: run `datapusher migrate up`, or start with --migrate", pending, len(all))
	}
	return nil
}

func (db *DB) provider() (*goose.Provider, error) {
	files, err := migrations.FS(db.Dialect)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	kind := goose.DialectSQLite3
	if db.Postgres() {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(kind, db.Write, files, options...)
}
