package database

import (
	"context"
	"database/sql"
	"errors"
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

const (
	// lockPatience is how long a migration waits for a table that others use. Whoever
	// waits for the whole of a table has everybody wait who comes later: with one
	// long query before it, a change that takes a millisecond would stop the service.
	lockPatience = 3 * time.Second
	// lockTries are how often a migration asks again that did not get its lock, each
	// time lockPause later. The others go on between.
	lockTries = 20
	lockPause = 2 * time.Second
)

// Migrate applies the pending migrations in order and returns them. On Postgres
// a session lock makes it safe to run from several processes at once, and processes
// that work meanwhile are not held up: a migration that does not get the tables it
// changes gives way, and tries again for a minute or two.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := db.provider()
	if err != nil {
		return nil, err
	}
	var done []Migration
	for try := 1; ; try++ {
		results, err := p.Up(ctx)
		if partial, ok := errors.AsType[*goose.PartialError](err); ok {
			results = partial.Applied
		}
		for _, r := range results {
			done = append(done, Migration{Version: r.Source.Version, File: r.Source.Path, Applied: time.Now()})
		}
		if err == nil {
			return done, nil
		}
		if !lockTimedOut(err) || try == lockTries {
			return done, migrationFailed(err)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return done, ctx.Err()
		}
	}
}

func migrationFailed(err error) error {
	if lockTimedOut(err) {
		return fmt.Errorf("migrate: somebody has been using a table for too long: look for long transactions in pg_stat_activity, "+
			"and repeat the command when they have ended: %w", err)
	}
	return fmt.Errorf("migrate: %w", err)
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
		options = append(options, goose.WithSessionLocker(givesWay{locker}))
	}
	return goose.NewProvider(kind, db.Write, files, options...)
}

// givesWay is a session's lock, with lockPatience for whatever the session locks.
type givesWay struct{ lock.SessionLocker }

// SessionLock implements lock.SessionLocker.
func (g givesWay) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if err := g.SessionLocker.SessionLock(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SET lock_timeout = %d", lockPatience.Milliseconds())); err != nil {
		return errors.Join(err, g.SessionLocker.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// SessionUnlock implements lock.SessionLocker. The connection goes back into the pool.
func (g givesWay) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "RESET lock_timeout")
	return errors.Join(err, g.SessionLocker.SessionUnlock(ctx, conn))
}
