package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"datapusher/internal/auth"
)

// checkTimeout bounds each check, so that a probe gets its answer.
const checkTimeout = 2 * time.Second

// healthz says that the process answers. It looks at nothing else: restarting
// this process would not mend another.
func healthz(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// probe shares one round of checks among all who ask at the same time: asking
// often must not cost more than asking.
type probe struct{ group singleflight.Group }

// readiness is the answer of /readyz.
type readiness struct {
	Status string            `json:"status"` // ok, or failed when a check has
	Checks map[string]result `json:"checks"`
}

type result struct {
	Status string `json:"status"`          // ok or failed
	Millis int64  `json:"ms"`              // how long it took
	Error  string `json:"error,omitempty"` // for the operator alone
}

// readyz says whether requests should come here: 200, or 503 when a check fails.
func (a *api) readyz(w http.ResponseWriter, r *http.Request) error {
	// Who asks matters only for the reasons; a probe has no credential, and the
	// database that would know one may be what is down.
	v, err := a.viewer(r)
	operator := err == nil && v != nil && v.Kind == auth.Admin
	shared, _, _ := a.probe.group.Do("", func() (any, error) {
		return a.check(context.WithoutCancel(r.Context())), nil
	})
	answer := readiness{Status: "ok", Checks: map[string]result{}}
	status := http.StatusOK
	for name, res := range shared.(map[string]result) {
		if res.Error != "" {
			answer.Status, res.Status, status = "failed", "failed", http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "1")
		}
		if !operator {
			res.Error = ""
		}
		answer.Checks[name] = res
	}
	writeJSON(w, "application/json", status, answer)
	return nil
}

// check makes all checks at the same time.
func (a *api) check(ctx context.Context) map[string]result {
	names := slices.Sorted(maps.Keys(a.Checks))
	done := make([]chan result, len(names))
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for i, name := range names {
		done[i] = make(chan result, 1) // whoever comes too late leaves all the same
		go func() { done[i] <- checked(ctx, a.Checks[name]) }()
	}
	results := make(map[string]result, len(names))
	for i, name := range names {
		results[name] = await(ctx, done[i])
	}
	return results
}

// await takes a check's result. One that came in time counts, also when the time
// was over before it was looked at.
func await(ctx context.Context, done <-chan result) result {
	select {
	case res := <-done:
		return res
	case <-ctx.Done():
	}
	select {
	case res := <-done:
		return res
	default:
		return result{Status: "failed", Millis: checkTimeout.Milliseconds(), Error: "no answer in time"}
	}
}

func checked(ctx context.Context, check Check) result {
	began := time.Now()
	err := check(ctx)
	res := result{Status: "ok", Millis: time.Since(began).Milliseconds()}
	if err != nil {
		res.Status, res.Error = "failed", err.Error()
		if res.Error == "" {
			res.Error = "failed"
		}
	}
	return res
}
