package delivery

import (
	"sync"
	"sync/atomic"
)

// maxIdle goroutines wait for the next attempt.
const maxIdle = 256

// crew are goroutines that make attempts, one after the other. An attempt needs
// a deep stack; growing a new one for each was a twentieth of what it cost.
type crew struct {
	work chan func()
	idle atomic.Int64
	home sync.Once
}

// do has somebody call f, at once.
func (c *crew) do(f func()) {
	select {
	case c.work <- f:
	default:
		go c.stay(f)
	}
}

func (c *crew) stay(f func()) {
	for ok := true; ok; {
		f()
		if c.idle.Add(1) > maxIdle {
			c.idle.Add(-1)
			return
		}
		f, ok = <-c.work
		c.idle.Add(-1)
	}
}

// close sends the idle home. Nothing may be done afterwards.
func (c *crew) close() { c.home.Do(func() { close(c.work) }) }
