package httpapi

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"datapusher/internal/problem"
)

const (
	// wrongAtOnce wrong credentials may come from an address, and one more each
	// second, before the answer becomes 429.
	wrongAtOnce  = 20
	wrongASecond = 1
	// wrongAddresses is how many addresses are counted one by one. Those beyond
	// share one count: forgetting would help whoever has many.
	wrongAddresses = 10_000
)

// throttle counts wrong credentials by the address that they come from. It looks
// at credentials that were found wrong and at no other, so nobody can lock out
// anybody: a right one is taken from every address, at once. See also
// auth.AsSuspect.
type throttle struct {
	by   *limiters[netip.Prefix]
	rest *rate.Limiter
	now  func() time.Time
}

func newThrottle(atOnce int, now func() time.Time) *throttle {
	return &throttle{
		by:   newLimiters[netip.Prefix](wrongASecond, atOnce, wrongAddresses, now),
		rest: rate.NewLimiter(wrongASecond, atOnce),
		now:  now,
	}
}

// wrong counts a wrong credential; it is rate_limited where there were too many.
func (t *throttle) wrong(from netip.Addr) error {
	b := t.by.get(neighbours(from))
	if b == nil {
		b = t.rest
	}
	if b.AllowN(t.now(), 1) {
		return nil
	}
	return problem.New(problem.RateLimited, "too many wrong credentials come from your address: try again in a second")
}

// hot reports that an address has sent too many wrong credentials.
func (t *throttle) hot(from netip.Addr) bool {
	b := t.by.find(neighbours(from))
	return b != nil && b.TokensAt(t.now()) < 1
}
