package app

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Health is the command "health": a health check for containers that have no
// other program.
type Health struct {
	URL     string        `default:"http://127.0.0.1:8000/healthz" help:"What to ask: /healthz for liveness, /readyz for readiness."`
	Timeout time.Duration `default:"3s" help:"How long the answer may take."`
}

// Run fails unless the answer is 200.
func (h *Health) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", h.URL, a.Status)
	}
	return nil
}
