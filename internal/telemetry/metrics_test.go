package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	status "datapusher/ent/delivery"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/telemetry"
)

func scrape(t *testing.T, m *telemetry.Metrics) (code int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w.Code, string(body)
}

func TestAScrapeShowsWhatHappened(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	m.Backlog(func(context.Context) (delivery.Backlog, error) {
		return delivery.Backlog{Pending: 3, Retrying: 4, Parked: 5, OldestPending: 90 * time.Second}, nil
	})
	m.Commit(1, 2*time.Millisecond)
	m.Commit(40, 30*time.Millisecond)
	attempt := func(code int, class sender.Class, s status.Status) {
		m.Attempt(sender.Result{Status: code, Class: class, Total: 20 * time.Millisecond}, delivery.Decision{Status: s})
	}
	attempt(204, "", status.StatusSucceeded)
	attempt(200, "", status.StatusSucceeded)
	attempt(503, "", status.StatusRetrying)
	attempt(404, "", status.StatusFailed)
	attempt(0, sender.Timeout, status.StatusRetrying)
	attempt(999, "", status.StatusRetrying)
	code, text := scrape(t, m)
	require.Equal(t, 200, code)
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		"datapusher_events_accepted_total 41",
		`datapusher_deliveries_settled_total{status="delivered"} 2`,
		`datapusher_deliveries_settled_total{status="failed"} 1`,
		`datapusher_attempts_total{result="2xx"} 2`,
		`datapusher_attempts_total{result="4xx"} 1`,
		`datapusher_attempts_total{result="5xx"} 1`,
		`datapusher_attempts_total{result="9xx"} 1`,
		`datapusher_attempts_total{result="timeout"} 1`,
		"datapusher_commit_seconds_count 2",
		`datapusher_commit_seconds_bucket{le="0.0025"} 1`,
		"datapusher_commit_events_sum 41",
		"datapusher_attempt_seconds_count 6",
		"datapusher_deliveries_pending 3",
		"datapusher_deliveries_retrying 4",
		"datapusher_deliveries_parked 5",
		"datapusher_oldest_pending_seconds 90",
	} {
		require.Contains(t, lines, want)
	}
	require.Contains(t, text, "go_goroutines")
}

func TestSeriesAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	_, text := scrape(t, telemetry.New())
	for _, want := range []string{
		"datapusher_events_accepted_total 0",
		`datapusher_deliveries_settled_total{status="delivered"} 0`,
		`datapusher_deliveries_settled_total{status="failed"} 0`,
	} {
		require.Contains(t, text, want)
	}
}

// A database that is away must not take the other figures with it.
func TestAScrapeWithoutTheDatabaseShowsTheRest(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	m.Backlog(func(ctx context.Context) (delivery.Backlog, error) {
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		return delivery.Backlog{}, errors.New("away")
	})
	m.Commit(1, time.Millisecond)
	code, text := scrape(t, m)
	require.Equal(t, 200, code)
	require.Contains(t, text, "datapusher_events_accepted_total 1")
	require.NotContains(t, text, "datapusher_deliveries_pending ")
}
