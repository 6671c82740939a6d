package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	status "datapusher/ent/delivery"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const almost = 1 - 1e-12 // the highest random number, nearly
	answer := func(code int) sender.Result { return sender.Result{Status: code} }
	failure := func(c sender.Class) sender.Result { return sender.Result{Class: c} }
	retry := func(reason string, after time.Duration) delivery.Decision {
		return delivery.Decision{Status: status.StatusRetrying, Reason: reason, After: after}
	}
	failed := func(reason string) delivery.Decision {
		return delivery.Decision{Status: status.StatusFailed, Reason: reason}
	}
	succeeded := delivery.Decision{Status: status.StatusSucceeded}
	for name, c := range map[string]struct {
		result sender.Result
		number int
		random float64
		want   delivery.Decision
	}{
		"200":                         {answer(200), 1, .5, succeeded},
		"299":                         {answer(299), 10, .5, succeeded},
		"199 is none":                 {answer(199), 1, .5, retry("http_199", 5*time.Second)},
		"300 is not followed":         {answer(300), 1, .5, retry("http_300", 5*time.Second)},
		"410 is retried for now":      {answer(410), 1, .5, retry("http_410", 5*time.Second)},
		"503":                         {answer(503), 1, .5, retry("http_503", 5*time.Second)},
		"no answer":                   {failure(sender.Timeout), 1, .5, retry("timeout", 5*time.Second)},
		"an address that is refused":  {failure(sender.Blocked), 1, .5, retry("blocked", 5*time.Second)},
		"least jitter":                {answer(500), 1, 0, retry("http_500", 4*time.Second)},
		"most jitter":                 {answer(500), 1, almost, retry("http_500", 6*time.Second)},
		"second":                      {answer(500), 2, .5, retry("http_500", 5*time.Minute)},
		"ninth":                       {answer(500), 9, .5, retry("http_500", 24*time.Hour)},
		"ninth, least jitter":         {answer(500), 9, 0, retry("http_500", 24*time.Hour*8/10)},
		"tenth is the last":           {answer(500), 10, .5, failed("attempts_exhausted: http_500")},
		"beyond the last":             {failure(sender.DNS), 11, .5, failed("attempts_exhausted: dns")},
		"the last one may succeed":    {answer(204), 10, .5, succeeded},
		"too long, whatever comes":    {failure(sender.URLTooLong), 1, .5, failed("url_too_long")},
		"against the rules, likewise": {failure(sender.InvalidRequest), 1, .5, failed("invalid_request")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := delivery.DefaultSchedule.Decide(c.result, c.number, c.random)
			require.InDelta(t, c.want.After, got.After, float64(time.Millisecond))
			got.After = c.want.After
			require.Equal(t, c.want, got)
		})
	}
}

func TestTheDefaultScheduleIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	require.Equal(t, delivery.Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
		20 * time.Hour, 24 * time.Hour,
	}, delivery.DefaultSchedule)
	require.Equal(t, delivery.Decision{Status: status.StatusFailed, Reason: "attempts_exhausted: http_500"},
		delivery.Schedule{}.Decide(sender.Result{Status: 500}, 1, .5), "without retries the first attempt is the last")
}
