// Package embedded runs a Temporal server inside this process: all four of its
// services, on SQLite or Postgres, with its web UI.
//
// It is the real server, not a simulation, set up for one machine: every
// service but the frontend listens on loopback, nothing limits the request rate,
// and nothing is reported to anybody outside.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/temporal"
)

// Server is a running Temporal server.
type Server struct {
	address string
	all     []string
	server  temporal.Server
	store   store
	ui      *ui
	logger  logger
	errors  *slog.Logger // logs even while logger is silent
	stop    sync.Once
}

// Start prepares the store, starts a server on it, and returns when the server
// takes requests. The context bounds the start alone; [Server.Stop] ends the server.
//
// An address that cannot be listened on and a store that cannot be used are
// errors. What a Temporal server holds to be fatal later ends the process, as
// it does in a server of its own.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	options = options.withDefaults()
	logger := newLogger(options.Logger, options.LogLevel)
	addresses, err := chooseAddresses(ctx, options.Listen)
	if err != nil {
		return nil, fmt.Errorf("temporal server: %w", err)
	}
	store, err := openStore(ctx, options.Store, logger)
	if err != nil {
		return nil, fmt.Errorf("temporal store: %w", err)
	}
	if err := ensureNamespace(ctx, store, options.Namespace, options.SearchAttributes, logger); err != nil {
		return nil, fmt.Errorf("temporal namespace %s: %w", options.Namespace, err)
	}

	// The UI's address is taken before the server starts, so that one in use is found out early.
	ui, err := listenUI(ctx, options.UIListen)
	if err != nil {
		return nil, fmt.Errorf("temporal UI: %w", err)
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(serverConfig(addresses, store, options.FaultRate)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(addresses.hosts()),
		temporal.WithDynamicConfigClient(dynamicConfig),
		temporal.WithLogger(logger),
		// Whoever reaches the frontend may use it: it listens where its owner says.
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporal.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
	)
	if err != nil {
		ui.close()
		return nil, fmt.Errorf("temporal server: %w", err)
	}
	s := &Server{address: addresses.frontend, all: append(addresses.all(), ui.address()...), server: server, store: store, ui: ui, logger: logger, errors: options.Logger}
	if err := server.Start(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start the temporal server: %w", err)
	}
	if err := ready(ctx, addresses.client(), options.Namespace); err != nil {
		s.Stop()
		return nil, fmt.Errorf("the temporal server does not get ready: %w", err)
	}
	if err := ui.serve(addresses.client(), options.Namespace, logger); err != nil {
		s.Stop()
		return nil, fmt.Errorf("temporal UI: %w", err)
	}
	return s, nil
}

// Address is host:port of the frontend, as listened on.
func (s *Server) Address() string { return s.address }

// Listeners are host:port of everything that the server listens on: the four
// services, and the UI where there is one.
func (s *Server) Listeners() []string { return s.all }

// UIURL is where a browser finds the UI, such as "http://127.0.0.1:8233";
// empty without a UI.
func (s *Server) UIURL() string { return s.ui.url() }

// Version is the Temporal server's version, such as "1.32.0".
func (s *Server) Version() string { return Version }

// Store says what the state is kept in: "sqlite" or "postgres".
func (s *Server) Store() string { return s.store.name() }

// Stop ends the UI and the server and waits for them, which takes a good second:
// the frontend lets open requests end. Clients and workers of this server should
// have been closed before; further calls do nothing.
//
// Little things that a Temporal server never cleans up, such as the pollers of
// its own maintenance workers, end with the process.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.logger.stop()
		s.ui.close()
		if err := errors.Join(s.server.Stop(), s.store.close()); err != nil {
			s.errors.Error("stop the temporal server", "error", err)
		}
	})
}
