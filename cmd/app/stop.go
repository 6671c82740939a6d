package app

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Signals gives a context that SIGINT or SIGTERM ends: whatever runs under it stops in
// order. A second signal ends the process at once, with the exit code of one that it
// has killed; what was going on is taken up again as after a crash. In a container
// nobody else would do that: the first process has no default for signals.
func Signals() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-received:
		case <-ctx.Done():
			return
		}
		cancel()
		if s, ok := (<-received).(syscall.Signal); ok {
			os.Exit(128 + int(s))
		}
		os.Exit(1)
	}()
	return ctx, cancel
}

// drain lets whoever looks at /readyz see that no further requests are wanted here,
// while those that come all the same are still served. A listener that ends cuts it
// short.
func (s *Server) drain() {
	s.stopping.Store(true)
	if s.config.DrainDelay == 0 {
		return
	}
	s.logger.Info("stopping: /readyz fails, and requests are served a little longer", "for", s.config.DrainDelay)
	select {
	case <-time.After(s.config.DrainDelay):
	case err := <-s.failed:
		s.logger.Error("the listener ended", "error", err)
	}
}

// lastAnswers has clients that keep connections open give each up with the answer
// that it brings, once the server is stopping. A connection that is closed while it
// waits may meet the next request under way.
func (s *Server) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// inTime calls f and returns when that has ended, or when the time to stop is over.
// What goes on then dies with the process, and is as safe as in a crash: accepted
// events are stored, and the deliveries that were being attempted are attempted again
// by another process when their lease has ended.
func (b *base) inTime(f func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), b.config.ShutdownTimeout)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	select {
	case <-done: // in the same moment
	case <-time.After(lastWord):
		b.logger.Warn("the time to stop is over; what is still going on is left to other processes, and to the next start",
			"timeout", b.config.ShutdownTimeout)
	}
}

// lastWord is how long, after the time to stop is over, what was cut off has to end.
const lastWord = time.Second

// drainTimeout is how long the engine lets attempts end. It is over a little before
// the time to stop, so that what is cut off is handed back to the engine and need not
// be missed there first.
func (c Config) drainTimeout() time.Duration {
	return max(c.ShutdownTimeout-min(5*time.Second, c.ShutdownTimeout/4), time.Millisecond)
}

// requestsTimeout is how long requests may take to end. A client that is slow must not
// use up the time of the attempts: what is accepted last still has two thirds of it.
func (c Config) requestsTimeout() time.Duration { return c.drainTimeout() / 3 }
