package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"datapusher/internal/problem"
)

const (
	rateLimitHeader       = "RateLimit"
	rateLimitPolicyHeader = "RateLimit-Policy"
	// quotaName is the policy's name in both headers.
	quotaName = `"account"`
	// quotaAccounts is how many accounts are counted. One beyond is not limited
	// until another has come to rest: a shared count would hit the innocent.
	quotaAccounts = 100_000
)

// quota limits how many events of each account are taken: a rate, and as many at
// once as the burst. It counts in this process alone.
//
// Answers tell about it in the headers of draft-ietf-httpapi-ratelimit-headers-10:
// the policy's q is the burst and its w the seconds in which as many come back; r
// is what is left, and t the seconds until all of it is back, or as in
// Retry-After. The unit is the event.
type quota struct {
	accounts *limiters[string]
	policy   string
}

// newQuota makes a quota; nil limits nobody. Without a burst it is a second's
// worth, and a whole batch at least.
func newQuota(perSecond float64, burst int, now func() time.Time) *quota {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = max(int(math.Ceil(perSecond)), maxBatchItems)
	}
	return &quota{
		accounts: newLimiters[string](rate.Limit(perSecond), burst, quotaAccounts, now),
		policy:   fmt.Sprintf("%s;q=%d;w=%d", quotaName, burst, seconds(float64(burst)/perSecond)),
	}
}

// charge takes the account's events off its quota, all of them or none, and tells
// about it. Errors: rate_limited; too_large where the quota never has as many.
func (q *quota) charge(w http.ResponseWriter, account string, events int) error {
	if q == nil {
		return nil
	}
	now := q.accounts.now()
	b := q.accounts.get(account)
	if b == nil {
		return nil
	}
	granted := b.AllowN(now, events)
	left, per := math.Max(b.TokensAt(now), 0), float64(b.Limit())
	wait := seconds((float64(b.Burst()) - left) / per)
	if !granted {
		wait = max(seconds((float64(events)-left)/per), 1)
	}
	h := w.Header()
	h.Set(rateLimitPolicyHeader, q.policy)
	h.Set(rateLimitHeader, fmt.Sprintf("%s;r=%d;t=%d", quotaName, int(left), wait))
	switch {
	case granted:
		return nil
	case events > b.Burst():
		return problem.New(problem.TooLarge, "the account may send at most %d events at once", b.Burst())
	}
	h.Set("Retry-After", strconv.Itoa(wait))
	return problem.New(problem.RateLimited, "the account sends more events than it may: try again in %d s", wait)
}

// seconds rounds up to whole ones.
func seconds(s float64) int { return int(math.Ceil(math.Min(s, math.MaxInt32))) }
