package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer makes the server for a handler, with bounds on what a slow or
// talkative client can hold.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler,
		// A connection that sends its headers byte by byte is cut off early: nobody
		// is known yet, and nothing but a socket is held.
		ReadHeaderTimeout: 5 * time.Second,
		// 1 MiB in 30 s is 35 kB/s, and 8 MiB 280 kB/s: less than any line that carries
		// an event, or a thousand.
		ReadTimeout: 30 * time.Second,
		// From the end of the headers to the end of the answer: reading the body
		// (30 s), the commit (it gives up after 10 s) and a slow reader. WebSockets
		// leave the server before, and long answers set a deadline of their own.
		WriteTimeout: 60 * time.Second,
		// Senders keep connections for their next event; two minutes are longer
		// than what proxies keep them, so that the proxy closes first and no
		// request meets a connection that is just being closed.
		IdleTimeout: 120 * time.Second,
		// Room for the seed's GET form, which carries its data in the URL.
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
