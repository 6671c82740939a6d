package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	status "datapusher/ent/delivery"
	"datapusher/internal/delivery"
	"datapusher/internal/schedule"
	"datapusher/internal/sender"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const almost = 1 - 1e-12 // the highest random number, nearly
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	answer := func(code int) sender.Result { return sender.Result{Status: code} }
	failure := func(c sender.Class) sender.Result { return sender.Result{Class: c} }
	asks := func(code int, after string) sender.Result { return sender.Result{Status: code, RetryAfter: after} }
	retry := func(reason string, after time.Duration, step int) delivery.Decision {
		return delivery.Decision{Status: status.StatusRetrying, Reason: reason, After: after, Step: step}
	}
	failed := func(reason string, step int) delivery.Decision {
		return delivery.Decision{Status: status.StatusFailed, Reason: reason, Step: step}
	}
	parked := func(reason string, step int) delivery.Decision {
		return delivery.Decision{Status: status.StatusParked, Reason: reason, Step: step}
	}
	succeeded := func(step int) delivery.Decision { return delivery.Decision{Status: status.StatusSucceeded, Step: step} }
	at := func(step int) delivery.Try {
		return delivery.Try{Step: step, Asker: "SCHEDULE", Sending: true, Random: .5}
	}
	by := func(asker delivery.Asker, step int, sending bool) delivery.Try {
		return delivery.Try{Step: step, Asker: asker, Sending: sending, Random: .5}
	}
	random := func(step int, r float64) delivery.Try {
		t := at(step)
		t.Random = r
		return t
	}
	aged := func(step int, age time.Duration) delivery.Try {
		t := at(step)
		t.Age = age
		return t
	}
	plain := delivery.Policy{Schedule: schedule.Default}
	short := delivery.Policy{Schedule: schedule.Schedule{time.Second, 2 * time.Hour}, GiveUpAfter: time.Hour}
	for name, c := range map[string]struct {
		policy delivery.Policy
		result sender.Result
		try    delivery.Try
		want   delivery.Decision
	}{
		"200":                        {plain, answer(200), at(0), succeeded(0)},
		"299":                        {plain, answer(299), at(9), succeeded(9)},
		"199 is none":                {plain, answer(199), at(0), retry("http_199", 5*time.Second, 1)},
		"300 is not followed":        {plain, answer(300), at(0), retry("http_300", 5*time.Second, 1)},
		"404":                        {plain, answer(404), at(0), retry("http_404", 5*time.Second, 1)},
		"503":                        {plain, answer(503), at(0), retry("http_503", 5*time.Second, 1)},
		"410 parks":                  {plain, answer(410), at(0), parked("http_410", 0)},
		"410 to a test is final":     {plain, answer(410), by("OPERATOR", 1000, true), failed("attempts_exhausted: http_410", 1000)},
		"410 parks at the end, too":  {plain, answer(410), at(9), parked("http_410", 9)},
		"no connection":              {plain, failure(sender.Connect), at(0), retry("connect", 5*time.Second, 1)},
		"no name":                    {plain, failure(sender.DNS), at(0), retry("dns", 5*time.Second, 1)},
		"no trust":                   {plain, failure(sender.TLS), at(0), retry("tls", 5*time.Second, 1)},
		"an address that is refused": {plain, failure(sender.Blocked), at(0), retry("blocked by egress policy", 5*time.Second, 1)},
		"least jitter":               {plain, answer(500), random(0, 0), retry("http_500", 4*time.Second, 1)},
		"most jitter":                {plain, answer(500), random(0, almost), retry("http_500", 6*time.Second, 1)},
		"second":                     {plain, answer(500), at(1), retry("http_500", 5*time.Minute, 2)},
		"ninth":                      {plain, answer(500), at(8), retry("http_500", 24*time.Hour, 9)},
		"tenth is the last":          {plain, answer(500), at(9), failed("attempts_exhausted: http_500", 10)},
		"beyond the last":            {plain, failure(sender.DNS), at(12), failed("attempts_exhausted: dns", 12)},
		"too long, whatever comes":   {plain, failure(sender.URLTooLong), at(0), failed("url_too_long", 0)},
		"against the rules":          {plain, failure(sender.InvalidRequest), at(0), failed("invalid_request", 0)},
		"without retries":            {delivery.Policy{}, answer(500), at(0), failed("attempts_exhausted: http_500", 1)},

		"a timeout waits a minute":             {plain, failure(sender.Timeout), at(0), retry("timeout", 66*time.Second, 1)},
		"and so does a 429":                    {plain, answer(429), random(0, 0), retry("http_429", time.Minute, 1)},
		"at most a fifth more":                 {plain, answer(429), random(0, almost), retry("http_429", 72*time.Second, 1)},
		"which is nothing where it waits long": {plain, answer(429), at(1), retry("http_429", 5*time.Minute, 2)},

		"Retry-After within":               {plain, asks(503, "7"), at(0), retry("http_503", 7*time.Second, 1)},
		"too short: the schedule's own":    {plain, asks(503, "1"), random(0, 0), retry("http_503", 5*time.Second, 1)},
		"too long: twice the schedule's":   {plain, asks(503, "86400"), at(0), retry("http_503", 10*time.Second, 1)},
		"never sooner than without":        {plain, asks(503, "5"), random(0, almost), retry("http_503", 6*time.Second, 1)},
		"as a date":                        {plain, asks(503, "Thu, 31 Jan 2030 12:00:08 GMT"), at(0), retry("http_503", 8*time.Second, 1)},
		"a date in the past":               {plain, asks(503, "Thu, 31 Jan 2019 12:00:08 GMT"), at(0), retry("http_503", 5*time.Second, 1)},
		"nonsense":                         {plain, asks(503, "soon"), at(0), retry("http_503", 5*time.Second, 1)},
		"more seconds than time has":       {plain, asks(503, "99999999999999999999"), at(0), retry("http_503", 10*time.Second, 1)},
		"with a 429, the minute still":     {plain, asks(429, "8"), random(0, 0), retry("http_429", time.Minute, 1)},
		"a 302 may ask for time, too":      {plain, asks(302, "9"), at(0), retry("http_302", 9*time.Second, 1)},
		"it changes nothing about the end": {plain, asks(503, "9"), at(9), failed("attempts_exhausted: http_503", 10)},
		"a success does not wait":          {plain, asks(200, "9"), at(0), succeeded(0)},

		"a probe that fails waits on":        {plain, answer(500), by("PROBE", 3, false), parked("http_500", 3)},
		"also at the end of the schedule":    {plain, answer(500), by("PROBE", 9, false), parked("http_500", 9)},
		"a probe may succeed":                {plain, answer(200), by("PROBE", 3, false), succeeded(3)},
		"a probe that cannot be sent":        {plain, failure(sender.URLTooLong), by("PROBE", 3, false), failed("url_too_long", 3)},
		"an operator's uses up no wait":      {plain, answer(500), by("OPERATOR", 3, true), retry("http_500", 30*time.Minute, 3)},
		"an operator's, while paused":        {plain, answer(500), by("OPERATOR", 3, false), parked("http_500", 3)},
		"before the first wait":              {plain, answer(500), by("OPERATOR", 0, true), retry("http_500", 5*time.Second, 0)},
		"in the last wait":                   {plain, answer(500), by("OPERATOR", 9, true), retry("http_500", 24*time.Hour, 9)},
		"an operator's, after the end":       {plain, answer(500), by("OPERATOR", 10, true), failed("attempts_exhausted: http_500", 10)},
		"after the end, paused":              {plain, answer(500), by("OPERATOR", 10, false), failed("attempts_exhausted: http_500", 10)},
		"where there is no wait":             {delivery.Policy{}, answer(500), by("OPERATOR", 0, true), failed("attempts_exhausted: http_500", 1)},
		"a replay's first is the schedule's": {plain, answer(500), by("REPLAY", 0, true), retry("http_500", 5*time.Second, 1)},
		"paused during the attempt":          {plain, answer(500), by("SCHEDULE", 3, false), parked("http_500", 3)},

		"young enough":                     {short, answer(500), aged(0, 59*time.Minute), retry("http_500", time.Second, 1)},
		"too old when it would be due":     {short, answer(500), aged(1, 0), failed("given_up: http_500", 1)},
		"too old":                          {short, answer(500), aged(0, 2*time.Hour), failed("given_up: http_500", 0)},
		"too old, and the last may succed": {short, answer(200), aged(0, 2*time.Hour), succeeded(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.try.Now = now
			got := c.policy.Decide(c.result, c.try)
			require.InDelta(t, c.want.After, got.After, float64(time.Millisecond))
			got.After = c.want.After
			require.Equal(t, c.want, got)
		})
	}
}
