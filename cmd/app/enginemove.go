package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/workflows"
	"datapusher/workflows/river"
)

// Engines is the command "engine".
type Engines struct {
	Move EngineMove `cmd:"" help:"Give what waits in one engine to the other, so that none of it is late: see docs/ENGINES.md."`
}

// EngineMove is the command "engine move".
type EngineMove struct {
	Database
	To   string        `enum:"temporal,river" required:"" help:"The engine in use from now on (${enum})."`
	Wait time.Duration `default:"1m" help:"How long to look again while something is due, or being attempted."`
}

// lookEvery is the time between two looks for what is still with the old engine.
const lookEvery = time.Second

// Run moves what waits, and looks again until nothing is left with the old engine.
func (m *EngineMove) Run(ctx context.Context) error {
	if !database.IsPostgres(m.DatabaseURL) {
		return errors.New("with SQLite there is no other engine than temporal: --database-url has to be postgres://…")
	}
	db, err := database.Open(ctx, m.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := errors.Join(db.CheckMigrated(ctx), river.CheckMigrated(ctx, db.Write)); err != nil {
		return err
	}
	mover, end, err := m.mover(ctx, db)
	if err != nil {
		return err
	}
	defer end()
	return m.untilNothingIsLeft(ctx, mover)
}

// mover has an engine that hands over and does not work.
func (m *EngineMove) mover(ctx context.Context, db *database.DB) (*delivery.Mover, func(), error) {
	rivers, err := river.New(river.Options{DB: db.Write, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	to, end := workflows.Engine(rivers), func() {}
	if m.To != engineRiver {
		if to, end, err = newTemporal(Config{}, Options{}, nil, slog.New(slog.DiscardHandler)); err != nil {
			return nil, nil, err
		}
	}
	if err := to.Check(ctx); err != nil {
		end()
		return nil, nil, fmt.Errorf("%s cannot be reached: %w", m.To, err)
	}
	atWork, err := rivers.AtWork(ctx)
	if err != nil {
		end()
		return nil, nil, err
	}
	// Whether somebody works with Temporal cannot be known: it lists workers long after
	// their end.
	idle := m.To != engineRiver && !atWork
	return &delivery.Mover{DB: db, To: to, Idle: idle, Elsewhere: func(ctx context.Context, runs []string) ([]string, error) {
		held, err := rivers.Holds(ctx, runs)
		var elsewhere []string
		for _, run := range runs {
			if held[run] != (m.To == engineRiver) {
				elsewhere = append(elsewhere, run)
			}
		}
		return elsewhere, err
	}}, end, nil
}

func (m *EngineMove) untilNothingIsLeft(ctx context.Context, mover *delivery.Mover) error {
	limit := time.NewTimer(m.Wait)
	defer limit.Stop()
	for said := 0; ; {
		done, err := mover.Move(ctx)
		if done.Deliveries > 0 || done.Loops > 0 {
			fmt.Printf("moved %d deliveries in %d runs, woke %d loops\n", done.Deliveries, done.Runs, done.Loops)
		}
		switch {
		case err != nil:
			return err
		case done.Left == 0:
			fmt.Printf("everything is with %s\n", m.To)
			return nil
		}
		if done.Left != said {
			fmt.Printf("%d deliveries are due now or being attempted\n", done.Left)
			said = done.Left
		}
		select {
		case <-time.After(lookEvery):
		case <-limit.C:
			fmt.Printf("the processes that work with %s take them up\n", m.To)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
