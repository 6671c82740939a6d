package breaker

import (
	"math"
	"time"
)

const (
	firstProbe = 5 * time.Second
	lastProbe  = 5 * time.Minute
	// jitter is how far a probe may be off its time, so that the breakers of a
	// crowd that lives on one host do not probe it together.
	jitter = 0.2

	// rampStart deliveries a second go out first, twice as many each second.
	rampStart = 10
	rampMost  = 10_000
	// longestGap is what a rate of next to nothing may come to: a Duration still holds it.
	longestGap = 1 << 62

	// inOrder is how long one delivery at a time is in flight while a destination
	// drains, so that what was parked arrives in the order of its acceptance. A
	// receiver for which that is too slow gets twice as many after each widenEvery,
	// or it would never see the end of what comes in meanwhile.
	inOrder    = 2 * time.Minute
	widenEvery = 30 * time.Second
	// MaxWindow is the most that is in flight while a destination drains.
	MaxWindow = 128
)

// probeAfter is the wait for the next probe after so many have failed: 5 s, twice
// as long each time, at most 5 min. A receiver that asked for more time gets it,
// within twice the wait.
func probeAfter(failed int, f Failure) time.Duration {
	wait := lastProbe
	if failed < 16 {
		wait = min(firstProbe<<failed, lastProbe)
	}
	jittered := time.Duration(float64(wait) * (1 + jitter*(2*f.Random-1)))
	return max(jittered, min(f.RetryAfter, 2*wait))
}

// Gap is the shortest time between two deliveries of a drain that has gone on for
// that long. Rate is a limit for each second; 0 is the ramp: 10, then twice as
// many each second.
func Gap(since time.Duration, rate float64) time.Duration {
	if rate <= 0 {
		rate = min(rampStart*math.Exp2(math.Floor(max(since, 0).Seconds())), rampMost)
	}
	return time.Duration(min(float64(time.Second)/rate, longestGap))
}

// Window is how many deliveries may be in flight at once while a destination
// drains. Who asked for a rate gets as many as that takes at the latency.
func Window(since time.Duration, rate float64, latency time.Duration) int {
	if rate > 0 {
		return int(max(1, min(math.Ceil(rate*latency.Seconds()), MaxWindow)))
	}
	if since < inOrder {
		return 1
	}
	doubled := 1 + int((since-inOrder)/widenEvery)
	if doubled >= 7 { // 2^7 is MaxWindow
		return MaxWindow
	}
	return 1 << doubled
}
