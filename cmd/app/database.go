package app

import (
	"context"
	"errors"
	"log/slog"

	"datapusher/internal/database"
	"datapusher/internal/dbcopy"
)

// openMigrated opens a database whose schema has to be current, and which has to be
// whole: not the target of a copy that has not ended. first, unless it is
// nil, gets the database before that is looked at: it may migrate.
func openMigrated(ctx context.Context, url string, first func(*database.DB) error) (_ *database.DB, err error) {
	db, err := database.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if first != nil {
		if err := first(db); err != nil {
			return nil, err
		}
	}
	if err := db.CheckMigrated(ctx); err != nil {
		return nil, err
	}
	return db, dbcopy.CheckEnded(ctx, db)
}

// openConfigured opens the database of a process, migrates where it is told to, and
// makes sure that its schema is current, the engine's own part included.
func openConfigured(ctx context.Context, c Config, logger *slog.Logger) (*database.DB, error) {
	db, err := openMigrated(ctx, c.DatabaseURL, func(db *database.DB) error {
		if !c.Migrate {
			return nil
		}
		done, err := db.Migrate(ctx)
		for _, m := range done {
			logger.Info("migrated", "version", m.Version, "file", m.File)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := prepareRiver(ctx, c, db, logger); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
