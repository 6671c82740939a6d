package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/dbcopy"
	"datapusher/internal/delivery"
	"datapusher/internal/failpoint"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/statistics"
	"datapusher/internal/telemetry"
	"datapusher/workflows"
)

// now is the clock of everything that is put together here.
var now = failpoint.Clock(time.Now)

// base is what every process has, whether it serves, works or both: the
// database, the core and the engine.
type base struct {
	config  Config
	logger  *slog.Logger
	db      *database.DB
	box     *secret.Box
	own     *sender.Own // where this system is reached: no delivery goes there
	sender  *sender.Sender
	core    *delivery.Core
	engine  workflows.Engine
	metrics *telemetry.Metrics
	changes *changes.Bus // what has changed, for subscriptions in any process
	counter *statistics.Counter
	closers []func() // run in the opposite order
}

func (b *base) onClose(f func()) { b.closers = append(b.closers, f) }

func (b *base) close() {
	for _, f := range slices.Backward(b.closers) {
		f()
	}
}

// newBase opens the database and puts core and engine together. After an error
// nothing is left open.
func newBase(ctx context.Context, c Config, o Options) (_ *base, err error) {
	tuneMemory(o.TemporalAddress != "")
	b := &base{config: c, logger: o.Logger, metrics: telemetry.New()}
	if b.logger == nil {
		b.logger = c.Logger()
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := b.openEgress(o); err != nil {
		return nil, err
	}
	if c.ProfileListen != "" {
		stop, err := b.serveProfiles(ctx)
		if err != nil {
			return nil, err
		}
		b.onClose(stop)
	}
	if b.box, err = secret.Open(c.EncryptionKeys); err != nil {
		return nil, fmt.Errorf("the encryption keys: %w", err)
	}
	if b.db, err = openConfigured(ctx, c, b.logger); err != nil {
		return nil, err
	}
	b.onClose(func() { _ = b.db.Close() })
	if err := rekey.Check(ctx, b.db, b.box); err != nil { // after the migrations
		return nil, err
	}
	// Once more: a copy may have begun since the database was opened.
	if err := dbcopy.CheckEnded(ctx, b.db); err != nil {
		return nil, err
	}
	b.changes = changes.New(b.db, b.logger)
	b.onClose(b.changes.Close)
	b.counter = statistics.New(statistics.Options{DB: b.db, Now: time.Now, Logger: b.logger})
	b.onClose(b.counter.Close) // after all that counts
	b.core = delivery.New(delivery.Options{
		DB: b.db, Box: b.box, Sender: b.sender, Logger: b.logger, Now: now, Observe: b.metrics.Attempt,
		DisableAfter: c.DisableAfter, Changes: b.changes, Statistics: b.counter,
	})
	b.onClose(b.core.Close)
	b.metrics.Backlog(b.core.Backlog)
	engine, closeEngine, err := newEngine(c, o, b.db, b.core, b.logger)
	if err != nil {
		return nil, err
	}
	b.engine = engine
	b.onClose(closeEngine)
	b.core.Use(engine)
	return b, nil
}

// work runs the engine and the reconciler until ctx ends. An engine that cannot
// work now, because its server is away, is started again: deliveries wait in the
// database meanwhile.
func (b *base) work(ctx context.Context) {
	if b.config.FirstAttempt == "commit" {
		// Who drains takes nothing new.
		context.AfterFunc(ctx, b.changes.Watch(changes.Topic{Kind: changes.Runs}, func(runs []string) { b.core.Announced(ctx, runs) }))
	}
	reconciled := make(chan struct{})
	go func() {
		defer close(reconciled)
		b.core.Reconcile(ctx)
	}()
	for wait := time.Second; ; wait = min(2*wait, 15*time.Second) {
		err := b.engine.Run(ctx)
		if ctx.Err() != nil {
			break
		}
		b.logger.Error("the engine does not run; trying again", "in", wait, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	<-reconciled
}
