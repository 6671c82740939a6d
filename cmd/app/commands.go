package app

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"datapusher/internal/database"
	"datapusher/workflows/river"
)

// Serve is the command "serve".
type Serve struct {
	Config
	Worker bool `env:"DATAPUSHER_WORKER" help:"Make attempts in this process as well; the default shape of production."`
}

// Run serves until ctx ends.
func (s *Serve) Run(ctx context.Context) error {
	server, err := Start(ctx, s.Config, Options{Work: s.Worker})
	if err != nil {
		return err
	}
	defer server.Close()
	server.logger.Info("serving", "url", server.URL(), "worker", s.Worker, "engine", s.Engine, "version", Version)
	return server.Wait(ctx)
}

// Worker is the command "worker".
type Worker struct{ Config }

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) error { return Work(ctx, w.Config) }

// Migrate is the command "migrate".
type Migrate struct {
	Up     MigrateUp     `cmd:"" help:"Apply pending migrations."`
	Status MigrateStatus `cmd:"" help:"List migrations and when they were applied."`
}

// Database is the one setting that migrations need.
type Database struct {
	DatabaseURL string `name:"database-url" env:"DATAPUSHER_DATABASE_URL" required:"" help:"postgres://… or sqlite:<file>."`
}

// MigrateUp is the command "migrate up".
type MigrateUp struct {
	Database
	EngineChoice
	GrantTo string `env:"DATAPUSHER_GRANT_TO" help:"Postgres role that serve and worker use: it gets the rights that they need, and may not change the audit log."`
}

// Run applies what is pending.
func (m *MigrateUp) Run(ctx context.Context) error {
	if err := m.check(m.DatabaseURL); err != nil {
		return err
	}
	db, err := database.Open(ctx, m.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := m.apply(ctx, db); err != nil || m.GrantTo == "" {
		return err
	}
	if err := db.Grant(ctx, m.GrantTo); err != nil {
		return err
	}
	if m.Engine == engineRiver {
		if err := db.GrantSchema(ctx, m.GrantTo, river.Schema); err != nil {
			return err
		}
	}
	fmt.Println("granted to", m.GrantTo)
	return nil
}

func (m *MigrateUp) apply(ctx context.Context, db *database.DB) error {
	done, err := db.Migrate(ctx)
	for _, one := range done {
		fmt.Println("applied", one.File)
	}
	if err != nil {
		return err
	}
	rivers, err := m.migrate(ctx, db)
	for _, one := range rivers {
		fmt.Println("applied", riverFile(one))
	}
	if err == nil && len(done)+len(rivers) == 0 {
		fmt.Println("nothing to apply")
	}
	return err
}

// MigrateStatus is the command "migrate status".
type MigrateStatus struct {
	Database
	EngineChoice
}

// Run prints every migration.
func (m *MigrateStatus) Run(ctx context.Context) error {
	if err := m.check(m.DatabaseURL); err != nil {
		return err
	}
	db, err := database.Open(ctx, m.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.Migrations(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, one := range all {
		applied := "pending"
		if !one.Applied.IsZero() {
			applied = one.Applied.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\n", one.File, applied)
	}
	if err := m.list(ctx, db, w); err != nil {
		return err
	}
	return w.Flush()
}

// ShowVersion is the command "version".
type ShowVersion struct{}

// Run prints the version.
func (ShowVersion) Run() error {
	_, err := fmt.Println("datapusher", Version)
	return err
}
