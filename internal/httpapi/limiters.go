package httpapi

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiters are token buckets by key. Their number is bounded: where there is no
// room, those that are full again are dropped, since a new one would be the same.
type limiters[K comparable] struct {
	limit      rate.Limit
	burst, max int
	now        func() time.Time

	mu     sync.Mutex
	of     map[K]*rate.Limiter
	looked time.Time // when full ones were last looked for
}

func newLimiters[K comparable](limit rate.Limit, burst, most int, now func() time.Time) *limiters[K] {
	return &limiters[K]{limit: limit, burst: burst, max: most, now: now, of: map[K]*rate.Limiter{}}
}

// find gives a key's bucket; nil where it is full because nothing was taken.
func (l *limiters[K]) find(key K) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[key]
}

// get gives a key's bucket; nil where there is no room for one more.
func (l *limiters[K]) get(key K) *rate.Limiter {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.of[key]; b != nil {
		return b
	}
	if len(l.of) >= l.max {
		l.drop(now)
	}
	if len(l.of) >= l.max {
		return nil
	}
	b := rate.NewLimiter(l.limit, l.burst)
	l.of[key] = b
	return b
}

// drop drops the full ones. It looks for them once a second at most: those who
// want in must not make everybody wait for the search.
func (l *limiters[K]) drop(now time.Time) {
	if now.Sub(l.looked) < time.Second {
		return
	}
	l.looked = now
	maps.DeleteFunc(l.of, func(_ K, b *rate.Limiter) bool { return b.TokensAt(now) >= float64(l.burst) })
}
