package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStoppingTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ needs, takes time.Duration }{
		"ends in time":          {3 * time.Second, 3 * time.Second},
		"ends when it is told":  {0, 10 * time.Second},
		"ends a moment later":   {10*time.Second + lastWord/2, 10*time.Second + lastWord/2},
		"would not end so soon": {time.Hour, 10*time.Second + lastWord},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &base{config: Config{ShutdownTimeout: 10 * time.Second}, logger: slog.New(slog.DiscardHandler)}
				began, over := time.Now(), make(chan struct{})
				b.inTime(func(ctx context.Context) {
					defer close(over)
					if c.needs == 0 {
						<-ctx.Done()
						return
					}
					time.Sleep(c.needs) // of the bubble's clock
				})
				require.Equal(t, c.takes, time.Since(began))
				<-over
			})
		})
	}
}

func TestTheEngineCutsOffBeforeTheProcessEnds(t *testing.T) {
	t.Parallel()
	for timeout, c := range map[time.Duration]struct{ drain, requests time.Duration }{
		35 * time.Second: {30 * time.Second, 10 * time.Second},
		8 * time.Second:  {6 * time.Second, 2 * time.Second},
		0:                {time.Millisecond, time.Millisecond / 3},
	} {
		require.Equal(t, c.drain, Config{ShutdownTimeout: timeout}.drainTimeout())
		require.Equal(t, c.requests, Config{ShutdownTimeout: timeout}.requestsTimeout())
	}
}

func TestDrainingServesOnForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{
			base:   &base{config: Config{DrainDelay: 5 * time.Second}, logger: slog.New(slog.DiscardHandler)},
			failed: make(chan error, 1),
		}
		handler := s.lastAnswers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
		ask := func() http.Header {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
			require.Equal(t, http.StatusAccepted, w.Code)
			return w.Header()
		}
		require.Empty(t, ask().Get("Connection"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began, waited := time.Now(), make(chan error)
		go func() { waited <- s.Wait(ctx) }()
		synctest.Wait()
		require.True(t, s.stopping.Load())
		require.Equal(t, "close", ask().Get("Connection"))
		require.NoError(t, <-waited)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}
