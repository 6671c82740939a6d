package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

func fine(context.Context) error   { return nil }
func broken(context.Context) error { return errors.New("planted reason") }

func TestReadiness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		checks map[string]httpapi.Check
		status int
		failed string
	}{
		{"nothing to check", nil, http.StatusOK, ""},
		{"all is fine", map[string]httpapi.Check{"database": fine, "engine": fine}, http.StatusOK, ""},
		{"one has failed", map[string]httpapi.Check{"database": fine, "engine": broken}, http.StatusServiceUnavailable, "engine"},
	} {
		o := options()
		o.Checks = tt.checks
		h := httpapi.New(o)
		for credential, operator := range map[string]bool{"X-None: x": false, bearer("jane"): false, bearer("wrong"): false, bearer("admin"): true} {
			got := serve(h, "GET /readyz", "", credential)
			require.Equal(t, tt.status, got.status, tt.name)
			checks := got.json(t)["checks"].(map[string]any)
			require.Len(t, checks, len(tt.checks))
			for name, v := range checks {
				check := v.(map[string]any)
				require.Equal(t, name == tt.failed, check["status"] == "failed", tt.name)
				require.Equal(t, name == tt.failed && operator, check["error"] == "planted reason", "%s: %s", tt.name, got.body)
			}
			require.Equal(t, tt.failed != "", got.json(t)["status"] == "failed")
			require.Equal(t, tt.failed != "", got.header.Get("Retry-After") == "1")
		}
	}
}

// A check that does not end, and does not look at its context either, must not
// keep the probe waiting.
func TestAProbeGetsItsAnswerInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		defer close(stuck)
		o := options()
		o.Checks = map[string]httpapi.Check{"engine": func(context.Context) error { <-stuck; return nil }, "serving": fine}
		began := time.Now()
		got := serve(httpapi.New(o), "GET /readyz", "", bearer("admin"))
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Contains(t, got.body, `"engine":{"status":"failed","ms":2000,"error":"no answer in time"}`)
		require.Contains(t, got.body, `"serving":{"status":"ok"`, "the stuck one is waited for first")
	})
}

// Asking often must not cost more than asking.
func TestProbesAtTheSameTimeShareTheirChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		o := options()
		o.Checks = map[string]httpapi.Check{"database": func(context.Context) error {
			made.Add(1)
			time.Sleep(time.Second)
			return nil
		}}
		h := httpapi.New(o)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if serve(h, "GET /readyz", "").status != http.StatusOK {
					t.Error("not ready")
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, made.Load())
	})
}
