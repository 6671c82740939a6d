package sender_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// now is the moment of the dates that RFC 9110, section 5.6.7 has for examples,
// a minute before.
var now = time.Date(1994, time.November, 6, 8, 48, 37, 0, time.UTC)

func TestRetryAfterThatMeansSomething(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"0":                              0,
		"120":                            2 * time.Minute,
		"000120":                         2 * time.Minute,
		"31536000":                       365 * 24 * time.Hour,
		"9223372036":                     9223372036 * time.Second,
		"9223372037":                     math.MaxInt64, // more than a duration can be
		"18446744074":                    math.MaxInt64, // would be 290 ms if it overflowed
		"9223372036854775807":            math.MaxInt64,
		"9223372036854775808":            math.MaxInt64,
		"18446744073709551617":           math.MaxInt64, // would be 1 s
		strings.Repeat("9", 60000):       math.MaxInt64,
		strings.Repeat("0", 60000) + "1": time.Second,
		"Sun, 06 Nov 1994 08:49:37 GMT":  time.Minute,
		"Sunday, 06-Nov-94 08:49:37 GMT": time.Minute,
		"Sun Nov  6 08:49:37 1994":       time.Minute,
		"Sun, 06 Nov 1994 08:48:37 GMT":  0,
		"Sun, 06 Nov 1994 08:48:36 GMT":  0,
		"Sunday, 06-Nov-94 07:49:37 GMT": 0,
		"Sat Nov  5 08:49:37 1994":       0,
		"Thu, 01 Jan 1970 00:00:00 GMT":  0,
		"Sat, 01 Jan 0000 00:00:00 GMT":  0,
		"Fri, 31 Dec 9999 23:59:59 GMT":  math.MaxInt64,
		"Fri Dec 31 23:59:59 9999":       math.MaxInt64,
	} {
		got, ok := sender.RetryAfter(value, now)
		require.True(t, ok, "%.40q", value)
		require.Equal(t, want, got, "%.40q", value)
	}
}

func TestTheClockOfRetryAfterMayBeInAnyZone(t *testing.T) {
	t.Parallel()
	east := now.In(time.FixedZone("GMT", 5*60*60)).Add(500 * time.Millisecond)
	for _, value := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		got, ok := sender.RetryAfter(value, east)
		require.True(t, ok)
		require.Equal(t, 59500*time.Millisecond, got, value)
	}
}

func TestRetryAfterThatMeansNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", " ", "-1", "+1", "1.5", "1e3", "0x10", "1_000", "1,000", "120s", "2m", "PT2M", " 120", "120 ", "120\r\n", "12\x000", "120, 60",
		"٣", "１２０", "soon", "never", "NaN", "Inf", "GMT", ",", " GMT", strings.Repeat("9", 60000) + "x",
		"Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 EST",
		"Sun, 06 Nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 EST", "Sunday, 06-Nov-94 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT+3", "Sunday, 06-Nov-94 08:49:37 -03",
		"Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov  6 08:49:37 GMT 1994", "Sun Nov  6 08:49:37 94",
		"Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 10000 08:49:37 GMT",
		"Sun, 06 Nov -1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", "784111777000ms",
	} {
		got, ok := sender.RetryAfter(value, now)
		require.False(t, ok, "%.40q", value)
		require.Zero(t, got, "%.40q", value)
	}
}
