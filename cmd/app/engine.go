package app

import (
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"

	"datapusher/internal/database"
	"datapusher/workflows"
	"datapusher/workflows/river"
	"datapusher/workflows/temporal"
)

// newEngine makes the engine that the configuration names. It does not need the
// engine's server to be up: events are accepted without it.
func newEngine(c Config, o Options, db *database.DB, core workflows.Core, logger *slog.Logger) (workflows.Engine, func(), error) {
	if c.Engine == engineRiver {
		engine, err := river.New(river.Options{
			DB: db.Write, Core: core, Logger: logger, Listen: db.Hear, UIURL: c.RiverUIURL,
			DrainTimeout: c.drainTimeout(),
		})
		if err != nil {
			return nil, nil, err
		}
		return engine, func() {}, nil
	}
	return newTemporal(c, o, core, logger)
}

func newTemporal(c Config, o Options, core workflows.Core, logger *slog.Logger) (workflows.Engine, func(), error) {
	options, err := temporalOptions(o)
	if err != nil {
		return nil, nil, err
	}
	options.Logger = sdklog.NewStructuredLogger(logger.With("from", "temporal"))
	// One client for starter and worker: eager start needs it.
	shared, err := client.NewLazyClient(options)
	if err != nil {
		return nil, nil, fmt.Errorf("temporal: %w", err)
	}
	engine := temporal.New(temporal.Options{
		Client: shared, Core: core, Namespace: options.Namespace, UIURL: c.TemporalUIURL, Logger: logger,
		DrainTimeout: c.drainTimeout(), Plain: c.FirstAttempt == "activity",
	})
	return engine, shared.Close, nil
}

// temporalOptions come from the standard TEMPORAL_* environment, unless the
// program brings its own server.
func temporalOptions(o Options) (client.Options, error) {
	if o.TemporalAddress != "" {
		return client.Options{HostPort: o.TemporalAddress, Namespace: client.DefaultNamespace}, nil
	}
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return options, fmt.Errorf("the TEMPORAL_* environment: %w", err)
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	return options, nil
}
