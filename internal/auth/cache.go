package auth

import (
	"context"
	"crypto/sha256"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// cached is how many secrets a process remembers at most. What does not fit is
// looked up again: slower, never wrong.
const cached = 10_000

// patience bounds a look-up that several callers wait for.
const patience = 5 * time.Second

// cache remembers valid secrets for a short time. Secrets that are not valid are
// never remembered: guesses must not push out what is in use.
type cache struct {
	mu      sync.Mutex
	entries map[[sha256.Size]byte]entry
	// age grows with every forget, so that a look-up that began before it is
	// neither joined nor remembered.
	age     uint64
	loading singleflight.Group
}

type entry struct {
	grant
	until time.Time
}

func (c *cache) get(ctx context.Context, sum [sha256.Size]byte, now time.Time, ttl time.Duration,
	load func(context.Context) (grant, error),
) (grant, error) {
	c.mu.Lock()
	e, ok := c.entries[sum]
	age := c.age
	c.mu.Unlock()
	if ok && now.Before(e.until) {
		return e.grant, nil
	}
	done := c.loading.DoChan(strconv.FormatUint(age, 36)+"/"+string(sum[:]), func() (any, error) {
		// The one who asked first may go away: the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		g, err := load(ctx)
		if err == nil && g.viewer != nil {
			c.put(sum, entry{grant: g, until: now.Add(ttl)}, age, now)
		}
		return g, err
	})
	select {
	case <-ctx.Done():
		return grant{}, ctx.Err()
	case r := <-done:
		g, _ := r.Val.(grant)
		return g, r.Err
	}
}

func (c *cache) put(sum [sha256.Size]byte, e entry, age uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if len(c.entries) >= cached {
		for k, old := range c.entries {
			if !now.Before(old.until) {
				delete(c.entries, k)
			}
		}
	}
	if c.entries == nil || len(c.entries) >= cached {
		c.entries = map[[sha256.Size]byte]entry{}
	}
	c.entries[sum] = e
}

// forget drops the viewers that are meant.
func (c *cache) forget(meant func(*Viewer) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	for k, e := range c.entries {
		if meant(e.viewer) {
			delete(c.entries, k)
		}
	}
}
