package sender

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads a Retry-After header (RFC 9110, section 10.2.3): how long the
// receiver wants to be left alone, counted from now. A date that has passed is 0.
// The receiver chose the value, so it may be as long as a [time.Duration] can
// be: the caller sets the bound. false means that it is neither seconds nor a date.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	if value != "" && strings.Trim(value, "0123456789") == "" {
		return seconds(value), true
	}
	at, err := http.ParseTime(value)
	if err != nil || !isGMT(value) {
		return 0, false
	}
	return max(at.Sub(now), 0), true // Sub stops at the longest duration, too
}

// seconds reads a number that has digits only, and stops at the longest duration.
func seconds(digits string) time.Duration {
	n, _ := strconv.ParseInt(digits, 10, 64) // what is too large becomes the largest there is
	if n > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Second
}

// isGMT reports whether a date that could be read is in the only zone that HTTP
// has. [time.Parse] takes other letters too, and what it makes of them depends on
// where this machine is. asctime's form names no zone; it alone has no comma.
func isGMT(date string) bool {
	return strings.HasSuffix(date, " GMT") || !strings.Contains(date, ",")
}
