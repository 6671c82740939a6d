package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"datapusher/internal/database"
	"datapusher/workflows/river"
)

// engineRiver is the Engine that needs no server but the database.
const engineRiver = "river"

var errRiverNeedsPostgres = errors.New("--engine=river needs Postgres: set --database-url to postgres://…, or take --engine=temporal")

// EngineChoice is the setting that says whether an engine's own tables are
// migrated beside ours.
type EngineChoice struct {
	Engine string `env:"DATAPUSHER_ENGINE" enum:"temporal,river" default:"temporal" help:"The engine in use (${enum}): river has tables of its own in the same database."`
}

func (e EngineChoice) check(url string) error {
	if e.Engine == engineRiver && !database.IsPostgres(url) {
		return errRiverNeedsPostgres
	}
	return nil
}

// migrate applies River's migrations, if River is the engine.
func (e EngineChoice) migrate(ctx context.Context, db *database.DB) ([]river.Migration, error) {
	if e.Engine != engineRiver {
		return nil, nil
	}
	return river.Migrate(ctx, db.Write)
}

// list writes River's migrations, if River is the engine.
func (e EngineChoice) list(ctx context.Context, db *database.DB, w io.Writer) error {
	if e.Engine != engineRiver {
		return nil
	}
	all, err := river.Migrations(ctx, db.Write)
	for _, m := range all {
		state := "pending"
		if m.Applied {
			state = "applied" // River keeps no time
		}
		fmt.Fprintf(w, "%s\t%s\n", riverFile(m), state)
	}
	return err
}

// riverFile is how a migration of River is listed among ours.
func riverFile(m river.Migration) string { return fmt.Sprintf("river/%03d %s", m.Version, m.Name) }

// prepareRiver makes sure that River's tables are current, if River is the engine.
func prepareRiver(ctx context.Context, c Config, db *database.DB, logger *slog.Logger) error {
	if c.Engine != engineRiver {
		return nil
	}
	if c.Migrate {
		done, err := river.Migrate(ctx, db.Write)
		if err != nil {
			return err
		}
		for _, m := range done {
			logger.Info("migrated", "version", m.Version, "file", riverFile(m))
		}
	}
	return river.CheckMigrated(ctx, db.Write)
}
