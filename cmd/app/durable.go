package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"datapusher/internal/database"
)

// durability refuses a database that may forget what it has committed. A warning
// would be a line that nobody reads until the machine has crashed; and what makes a
// database fast for tests is a setting that is easily carried along.
func (c Config) durability(ctx context.Context, db *database.DB, logger *slog.Logger) error {
	err := db.CheckDurable(ctx)
	switch {
	case err == nil:
		return nil
	case c.AllowUnsafe && errors.Is(err, database.ErrNotDurable):
		logger.Warn("events that are accepted may be lost", "error", err)
		return nil
	case errors.Is(err, database.ErrNotDurable):
		return fmt.Errorf("%w. --allow-unsafe-database starts all the same, where its storage is durable without it, or nothing is lost by losing it", err)
	}
	return err
}

// durable is the readiness check: the settings can be changed while we run.
func (c Config) durable(db *database.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		err := db.CheckDurable(ctx)
		if c.AllowUnsafe && errors.Is(err, database.ErrNotDurable) {
			return nil
		}
		return err
	}
}
