package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/dashboard"
	"datapusher/internal/delivery"
	"datapusher/internal/dispatch"
	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
)

// Version of the program; set by the linker in releases.
var Version = "dev"

// Options are what a binary knows beyond the configuration.
type Options struct {
	// TemporalAddress is the host:port of a Temporal server that the program
	// brings along; "" takes the TEMPORAL_* environment.
	TemporalAddress string
	// Own are host:port of further listeners of this system in this process or
	// beside it: no delivery goes there.
	Own []string
	// Work has the process make attempts beside serving.
	Work bool
	// Logger is the program's log; nil makes one as configured.
	Logger *slog.Logger
}

// Server is a process that serves the API, and works if told to.
type Server struct {
	*base
	Pusher *pusher.Pusher
	Ingest *ingest.Ingest

	graphql    *graph.Handler
	dispatcher *dispatch.Dispatcher
	http       []*http.Server
	url        string
	stopping   atomic.Bool
	stopWork   context.CancelFunc
	worked     sync.WaitGroup
	served     sync.WaitGroup
	failed     chan error
}

// Start listens and begins to serve. Close ends it.
func Start(ctx context.Context, c Config, o Options) (_ *Server, err error) {
	if err := c.validate(true); err != nil {
		return nil, err
	}
	b, err := newBase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	s := &Server{base: b, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	authenticator := auth.NewAuthenticator(b.db.Ent, auth.Options{AdminToken: c.AdminToken, Logger: b.logger})
	b.onClose(authenticator.Close)

	headStart := o.Work && c.FirstAttempt == "commit"
	runs := dispatch.Options{Engine: b.engine, Logger: b.logger, Now: now}
	runs.Pace, runs.Waiting = c.paces()
	var lease time.Duration
	switch {
	case headStart:
		runs.HeadStart, lease = b.core, delivery.Lease
	case c.FirstAttempt == "commit":
		runs.Crier = b.changes
	}
	s.dispatcher = dispatch.New(runs)
	b.onClose(s.dispatcher.Close)
	in := ingest.Options{
		DB: b.db, Runs: s.dispatcher, Logger: b.logger, Now: now, Lease: lease, Observe: b.metrics.Commit,
		KeyLifetime: c.IdempotencyTTL, Changes: b.changes, Statistics: b.counter, TxInsert: s.dispatcher.TxInsert(),
	}
	if o.Work {
		in.Busy, in.Deferred = b.core.Busy, b.core.Deferred
	}
	if c.FirstAttempt == "activity" {
		in.MaxBatch = 1
	}
	s.Ingest = ingest.New(in)
	b.onClose(s.Ingest.Close)

	s.Pusher = pusher.New(pusher.Options{
		DB: b.db, Box: b.box, Auth: authenticator, Engine: b.engine, Sender: b.sender, Now: now, Logger: b.logger,
		Changed: b.core.Changed, Changes: b.changes, Statistics: b.counter,
	})
	handler, err := s.handler(authenticator)
	if err != nil {
		return nil, err
	}
	if err := s.listen(ctx, s.lastAnswers(handler)); err != nil {
		return nil, err
	}
	if o.Work {
		working, stop := context.WithCancel(context.Background())
		s.stopWork = stop
		s.worked.Go(func() { b.work(working) })
	}
	return s, nil
}

func (s *Server) handler(authenticator *auth.Authenticator) (http.Handler, error) {
	proxies, err := sender.ParseCIDRs(s.config.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies: %w", err)
	}
	silent := s.config.Introspection == introspectionOff
	s.graphql = graph.NewHandler(graph.Options{
		Pusher: s.Pusher, DB: s.db, Box: s.box, Engine: s.engine, Logger: s.logger, Auth: authenticator, NoIntrospection: silent,
		Changes: s.changes, Statistics: s.counter, System: s.facts(), PublicURL: s.config.PublicURL,
	})
	s.onClose(s.graphql.Close)
	return httpapi.New(httpapi.Options{
		Auth: authenticator, Ingest: s.Ingest, Pusher: s.Pusher, DB: s.db, Box: s.box,
		GraphQL: s.graphql, SDL: graph.SDL(), SchemaForViewers: silent,
		Dashboard: dashboard.NewApp(), Playground: dashboard.Playground("/graphql"), Metrics: s.metrics.Handler(), Logger: s.logger,
		CORSOrigins: s.config.CORSOrigins, PublicURL: s.config.PublicURL,
		TrustedProxies: proxies, AccountRate: s.config.AccountRate, AccountBurst: s.config.AccountBurst,
		Checks: map[string]func(context.Context) error{
			"database":   s.db.Check,
			"durability": s.config.durable(s.db),
			"engine":     s.engine.Check,
			"serving": func(context.Context) error {
				if s.stopping.Load() {
					return errors.New("the server is stopping")
				}
				return nil
			},
		},
	}), nil
}

// facts are what the process tells operators of itself.
func (s *Server) facts() graph.SystemFacts {
	f := graph.SystemFacts{Version: Version, GoVersion: runtime.Version(), StartedAt: time.Now().UTC().Truncate(time.Microsecond), EngineName: s.config.Engine}
	if s.config.Engine != engineRiver {
		f.EngineURL = s.config.TemporalUIURL
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				f.Commit = setting.Value
			}
		}
	}
	return f
}

func (s *Server) listen(ctx context.Context, handler http.Handler) error {
	main, err := s.serve(ctx, s.config.Listen, handler)
	if err != nil {
		return err
	}
	s.url = "http://" + main.String()
	if s.config.MetricsListen != "" {
		if _, err := s.serve(ctx, s.config.MetricsListen, s.metrics.Handler()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) serve(ctx context.Context, address string, handler http.Handler) (net.Addr, error) {
	l, err := s.listenOn(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	server := httpapi.NewServer(handler, httpapi.ServerOptions{MaxConnections: s.config.MaxConnections, Logger: s.logger})
	s.http = append(s.http, server)
	s.served.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- err:
			default:
			}
		}
	})
	return l.Addr(), nil
}

// URL is where the API listens, such as "http://127.0.0.1:8000".
func (s *Server) URL() string { return s.url }

// Wait returns when ctx has ended and the drain delay is over, or with the error that
// ended a listener.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		s.drain()
		return nil
	case err := <-s.failed:
		return fmt.Errorf("the listener ended: %w", err)
	}
}

// Close stops in the order in which nothing is lost: readiness fails, nothing more is
// begun for the engine, requests that are going on end, what they accepted is committed
// and handed over, and attempts that are going on end. It takes ShutdownTimeout at
// most, and a moment.
func (s *Server) Close() {
	s.stopping.Store(true)
	s.inTime(s.end)
}

func (s *Server) end(ctx context.Context) {
	if s.stopWork != nil {
		// Attempts end meanwhile, however long requests take. What these still bring has
		// its first attempts by the head start, and further ones elsewhere or later.
		s.stopWork()
	}
	s.graphql.Close() // net/http does not know of WebSockets any more
	requests, cancel := context.WithTimeout(ctx, s.config.requestsTimeout())
	defer cancel()
	for _, h := range s.http {
		if err := h.Shutdown(requests); err != nil {
			s.logger.Warn("requests were cut off", "error", err)
			_ = h.Close()
		}
	}
	s.served.Wait()
	s.Ingest.Close()
	s.dispatcher.Close()
	s.worked.Wait()
	s.close()
}
