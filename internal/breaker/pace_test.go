package breaker_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/breaker"
)

const sec, ms = time.Second, time.Millisecond

// probeAfter is the wait for the next probe when so many have failed.
func probeAfter(probes int, f breaker.Failure) time.Duration {
	before := breaker.Standing{State: breaker.Sending, Failing: deliveries[:4], FailingSince: epoch, Probes: probes}
	return before.Failed(epoch, f, breaker.DefaultDisableAfter).ProbeAt.Sub(epoch)
}

func TestTheWaitForAProbe(t *testing.T) {
	t.Parallel()
	const almostOne = 1 - 1e-9
	for name, c := range map[string]struct {
		probes     int
		random     float64
		retryAfter time.Duration
		want       time.Duration
	}{
		"first":                         {0, .5, 0, 5 * sec},
		"second":                        {1, .5, 0, 10 * sec},
		"third":                         {2, .5, 0, 20 * sec},
		"fourth":                        {3, .5, 0, 40 * sec},
		"fifth":                         {4, .5, 0, 80 * sec},
		"sixth":                         {5, .5, 0, 160 * sec},
		"bounded":                       {6, .5, 0, 300 * sec},
		"bounded at the shift's end":    {15, .5, 0, 300 * sec},
		"bounded behind it":             {16, .5, 0, 300 * sec},
		"where a shift would overflow":  {40, .5, 0, 300 * sec},
		"of days":                       {math.MaxInt, .5, 0, 300 * sec},
		"earliest":                      {0, 0, 0, 4 * sec},
		"latest":                        {0, almostOne, 0, 6 * sec},
		"earliest of the longest":       {100, 0, 0, 240 * sec},
		"latest of the longest":         {100, almostOne, 0, 360 * sec},
		"who asks for less":             {2, .5, sec, 20 * sec},
		"who asks for nonsense":         {2, .5, -sec, 20 * sec},
		"who asks for more":             {2, .5, 25 * sec, 25 * sec},
		"who asks for twice as much":    {2, .5, 40 * sec, 40 * sec},
		"who asks for too much":         {2, .5, 41 * sec, 40 * sec},
		"who asks for a year":           {100, .5, 365 * 24 * time.Hour, 600 * sec},
		"who asks for the wait gets it": {0, 0, 5 * sec, 5 * sec},
		"jitter keeps what is asked":    {2, 0, 19 * sec, 19 * sec},
		"jitter goes beyond it":         {2, almostOne, 19 * sec, 24 * sec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := breaker.Failure{Delivery: "d5", Random: c.random, RetryAfter: c.retryAfter}
			require.Equal(t, c.want, probeAfter(c.probes, f).Round(ms))
		})
	}
}

// Without the same jitter up and down, breakers of a crowd would be off their
// times together.
func TestTheJitterIsEvenAndBounded(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for i := range 100 {
		wait := probeAfter(0, breaker.Failure{Delivery: "d5", Random: (float64(i) + .5) / 100})
		require.InDelta(t, 5, wait.Seconds(), 1)
		sum += wait
	}
	require.Equal(t, 500*sec, sum.Round(ms))
}

func TestGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since time.Duration
		rate  float64
		want  time.Duration
	}{
		"ten at first":                 {0, 0, 100 * ms},
		"still ten":                    {sec - 1, 0, 100 * ms},
		"twice as many":                {sec, 0, 50 * ms},
		"twice as many again":          {2 * sec, 0, 25 * ms},
		"not yet the most":             {10*sec - 1, 0, sec / 5120},
		"the most":                     {10 * sec, 0, 100 * time.Microsecond},
		"the most for days":            {math.MaxInt64, 0, 100 * time.Microsecond},
		"a clock that went back":       {-time.Hour, 0, 100 * ms},
		"a rate at first":              {0, 4, 250 * ms},
		"a rate later":                 {time.Hour, 4, 250 * ms},
		"a rate below one":             {0, .5, 2 * sec},
		"a rate beyond the ramp's":     {0, 1e6, time.Microsecond},
		"a rate without a gap":         {0, 1e12, 0},
		"a rate without a bound":       {0, math.Inf(1), 0},
		"a negative rate is the ramp":  {0, -1, 100 * ms},
		"a rate of next to nothing":    {0, 1e-300, 1 << 62},
		"a rate of the least possible": {0, math.SmallestNonzeroFloat64, 1 << 62},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, breaker.Gap(c.since, c.rate))
		})
	}
}

func TestTheRampOnlyRises(t *testing.T) {
	t.Parallel()
	for since := time.Duration(0); since < 20*sec; since += 100 * ms {
		require.LessOrEqual(t, breaker.Gap(since+100*ms, 0), breaker.Gap(since, 0))
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since   time.Duration
		rate    float64
		latency time.Duration
		want    int
	}{
		"in order":                    {0, 0, sec, 1},
		"still in order":              {2*time.Minute - 1, 0, sec, 1},
		"then two":                    {2 * time.Minute, 0, sec, 2},
		"still two":                   {150*sec - 1, 0, sec, 2},
		"then four":                   {150 * sec, 0, sec, 4},
		"then eight":                  {180 * sec, 0, sec, 8},
		"not yet the most":            {300*sec - 1, 0, sec, 64},
		"the most":                    {300 * sec, 0, sec, 128},
		"no more than that":           {330 * sec, 0, sec, 128},
		"the most for days":           {math.MaxInt64, 0, sec, 128},
		"a clock that went back":      {-time.Hour, 0, sec, 1},
		"a negative rate is the ramp": {150 * sec, -1, sec, 4},
		"a rate at its latency":       {0, 20, sec, 20},
		"a rate needs no time":        {time.Hour, 20, sec, 20},
		"a quick receiver":            {0, 20, 10 * ms, 1},
		"a receiver between":          {0, 20, 101 * ms, 3},
		"a latency nobody knows yet":  {0, 20, 0, 1},
		"a latency of a broken clock": {0, 20, -sec, 1},
		"a rate that is exactly most": {0, 128, sec, 128},
		"a rate that is more":         {0, 129, sec, 128},
		"a rate beyond all integers":  {0, 1e30, sec, 128},
		"a rate that is no limit":     {0, math.Inf(1), sec, 128},
		"a receiver that is no more":  {0, 1, math.MaxInt64, 128},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, breaker.Window(c.since, c.rate, c.latency))
		})
	}
	require.Equal(t, 128, breaker.MaxWindow)
}
