package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	uiassets "github.com/temporalio/ui-server/v2/ui"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// uiPatience bounds how long the UI's open requests may still take when it stops.
const uiPatience = time.Second

// ui is the web UI. A nil one does nothing.
type ui struct {
	listener net.Listener
	server   *http.Server
	frontend *grpc.ClientConn
	done     chan struct{}
}

// listenUI takes the UI's address; nil where there is none.
func listenUI(ctx context.Context, address string) (*ui, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &ui{listener: listener}, nil
}

// serve begins to answer.
func (u *ui) serve(frontend, namespace string, logger logger) error {
	if u == nil {
		return nil
	}
	settings, err := config.NewConfigProviderWithRefresh(&config.Config{
		TemporalGRPCAddress: frontend,
		DefaultNamespace:    namespace,
		EnableUI:            true,
		DisableNewsFetch:    true,                              // nothing is fetched from elsewhere
		CORS:                config.CORS{CookieInsecure: true}, // it is served over plain HTTP
	})
	if err != nil {
		return err
	}
	if u.frontend, err = api.CreateGRPCConnection(settings); err != nil {
		return err
	}
	handler, err := uiHandler(settings, u.frontend)
	if err != nil {
		return err
	}
	u.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.slog.Handler(), slog.LevelWarn),
	}
	u.done = make(chan struct{})
	go func() {
		defer close(u.done)
		if err := u.server.Serve(u.listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("serve the temporal UI", errorTag(err))
		}
	}()
	return nil
}

// uiHandler puts the UI's parts together. Its own server does so too, but opens
// its listener itself, so that nobody learns the port or that it could not be
// had, writes to stdout, and cannot be stopped without leaving its connection behind.
func uiHandler(settings *config.ConfigProviderWithRefresh, frontend *grpc.ClientConn) (http.Handler, error) {
	e := echo.New()
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure())
	const secureCookie = false
	e.Use(csrf.EnsureTokenCookie(secureCookie), middleware.CSRFWithConfig(csrf.MiddlewareConfig(settings, secureCookie)))

	route.SetHealthRoute(e)
	v1 := e.Group("/api/v1")
	v1.GET("/settings", api.GetSettings(settings))
	v1.GET(api.WorkflowRawHistoryUrl, api.WorkflowRawHistoryHandler(workflowservice.NewWorkflowServiceClient(frontend)))
	forwarded := []api.Middleware{headers.WithForwardHeaders([]string{"Caller-Type"})}
	v1.Any("/*", api.TemporalAPIHandler(settings, forwarded, frontend))

	assets, err := uiassets.Assets()
	if err != nil {
		return nil, err
	}
	// The other flavour is that of Temporal's cloud.
	if assets, err = fs.Sub(assets, "local"); err != nil {
		return nil, err
	}
	if err := route.SetUIRoutes(e, "", assets); err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	route.SetRenderRoute(e, "/")
	return e, nil
}

// address is what the UI listens on, as a list of one or none.
func (u *ui) address() []string {
	if u == nil {
		return nil
	}
	return []string{u.listener.Addr().String()}
}

func (u *ui) url() string {
	if u == nil {
		return ""
	}
	return "http://" + reachable(u.listener.Addr().String())
}

// close ends the UI, whether it serves yet or not.
func (u *ui) close() {
	if u == nil {
		return
	}
	if u.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), uiPatience)
		defer cancel()
		if u.server.Shutdown(ctx) != nil {
			_ = u.server.Close()
		}
		<-u.done
	}
	_ = u.listener.Close() // closed already where it has been served on
	if u.frontend != nil {
		_ = u.frontend.Close()
	}
}
