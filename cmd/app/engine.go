package app

import (
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"

	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

// newEngine makes the engine that the configuration names. It does not need the
// engine's server to be up: events are accepted without it.
func newEngine(c Config, o Options, core workflows.Core, logger *slog.Logger) (workflows.Engine, func(), error) {
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
		DrainTimeout: c.ShutdownTimeout, Plain: c.FirstAttempt == "activity",
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
