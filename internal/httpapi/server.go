package httpapi

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// Timeouts bound how long a client may take. Zero is the default.
type Timeouts struct {
	// Headers is for the request's line and headers. A connection that sends them
	// byte by byte is cut off early: nobody is known yet, and nothing but a socket
	// is held. Default 5 s.
	Headers time.Duration
	// Request is for the whole of it, the body included. 1 MiB in 30 s is 35 kB/s,
	// and 8 MiB 280 kB/s: less than any line that carries an event, or a thousand.
	// Default 30 s.
	Request time.Duration
	// Answer is from the end of the headers to the end of the answer: reading the
	// body (30 s), the commit (it gives up after 10 s) and a slow reader. WebSockets
	// leave the server before, and long answers set a deadline of their own.
	// Default 60 s.
	Answer time.Duration
	// Idle is how long a connection is kept for the next request. Senders keep
	// connections for their next event; two minutes are longer than what proxies
	// keep them, so that the proxy closes first and no request meets a connection
	// that is just being closed. Default 120 s.
	Idle time.Duration
}

// ServerOptions of [NewServer].
type ServerOptions struct {
	Timeouts
	// MaxConnections are open at a time; beyond it those that do nothing are closed.
	// Zero: as many as there are.
	MaxConnections int
	Logger         *slog.Logger
}

// NewServer makes the server for a handler, with bounds on what a slow or
// talkative client can hold.
func NewServer(handler http.Handler, o ServerOptions) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: cmp.Or(o.Headers, 5*time.Second),
		ReadTimeout:       cmp.Or(o.Request, 30*time.Second),
		WriteTimeout:      cmp.Or(o.Answer, 60*time.Second),
		IdleTimeout:       cmp.Or(o.Idle, 120*time.Second),
		// The request's line and its headers. There is room for the seed's GET form,
		// which carries its data in the URL.
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
	if o.MaxConnections > 0 {
		told := rate.Sometimes{Interval: 10 * time.Second}
		s.ConnState = newConnections(o.MaxConnections, time.Now, func() {
			told.Do(func() {
				o.Logger.Warn("connections are closed to make room for new ones", "limit", o.MaxConnections)
			})
		}).changed
	}
	return s
}
