//go:build !linux

package load

import (
	"context"
	"time"
)

// sleeper sleeps as well as Go can.
type sleeper struct{ ctx context.Context }

// newSleeper makes a sleeper that does not sleep once ctx has ended.
func newSleeper(ctx context.Context) (*sleeper, error) { return &sleeper{ctx: ctx}, nil }

// sleep reports whether it slept all the time.
func (s *sleeper) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *sleeper) close() {}
