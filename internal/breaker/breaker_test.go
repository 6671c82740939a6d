package breaker_test

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/breaker"
)

var fresh = breaker.Standing{State: breaker.Sending}

// failing is a destination to which those deliveries have failed now.
func failing(s breaker.Standing, now time.Time, which ...string) breaker.Standing {
	for _, d := range which {
		s = s.Failed(now, breaker.Failure{Delivery: d, Reason: "http_503", Random: .5}, breaker.DefaultDisableAfter)
	}
	return s
}

func open(now time.Time) breaker.Standing {
	return failing(fresh, now, deliveries[:breaker.Threshold]...)
}

func TestFiveDifferentDeliveriesInARowOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail []string // "": a success
		want breaker.State
	}{
		"four":                  {[]string{"a", "b", "c", "d"}, breaker.Sending},
		"five":                  {[]string{"a", "b", "c", "d", "e"}, breaker.Open},
		"six":                   {[]string{"a", "b", "c", "d", "e", "f"}, breaker.Open},
		"one again and again":   {[]string{"a", "a", "a", "a", "a", "a"}, breaker.Sending},
		"four, again and again": {[]string{"a", "b", "c", "d", "d", "c", "b", "a"}, breaker.Sending},
		"five among others":     {[]string{"a", "b", "a", "c", "a", "d", "a", "e"}, breaker.Open},
		"four, success, four":   {[]string{"a", "b", "c", "d", "", "e", "f", "g", "h"}, breaker.Sending},
		"four, success, five":   {[]string{"a", "b", "c", "d", "", "e", "f", "g", "h", "i"}, breaker.Open},
		"five and a success":    {[]string{"a", "b", "c", "d", "e", ""}, breaker.Sending},
		"nothing but successes": {[]string{"", "", ""}, breaker.Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fresh
			for _, d := range c.fail {
				if d == "" {
					s = s.Succeeded(epoch)
				} else {
					s = failing(s, epoch, d)
				}
			}
			require.Equal(t, c.want, s.State)
		})
	}
}

// An event that a receiver cannot digest holds nobody up, but a destination that
// accepts nothing else for days is not there any more.
func TestOneDeliveryThatFailsForeverOpensNothing(t *testing.T) {
	t.Parallel()
	s := fresh
	for at := time.Duration(0); at < breaker.DefaultDisableAfter; at += time.Hour {
		s = failing(s, epoch.Add(at), "a")
		require.Equal(t, breaker.Sending, s.State)
	}
	require.Equal(t, breaker.Disabled, failing(s, epoch.Add(breaker.DefaultDisableAfter), "a").State)
}

func TestDaysOfNothingButFailuresDisable(t *testing.T) {
	t.Parallel()
	s, now, wait, probes := open(epoch), epoch, time.Duration(0), 0
	end := epoch.Add(5 * 24 * time.Hour)
	for s.State == breaker.Open {
		require.True(t, now.Before(end))
		require.GreaterOrEqual(t, s.ProbeAt.Sub(now), wait, "a wait shrank")
		now, wait = s.ProbeAt, s.ProbeAt.Sub(now)
		f := breaker.Failure{Delivery: strconv.Itoa(probes), Reason: "timeout", Probe: true, Random: .5}
		s = s.Failed(now, f, breaker.DefaultDisableAfter)
		probes++
	}
	require.Equal(t, breaker.Disabled, s.State)
	require.Equal(t, "failing for too long: timeout", s.Reason)
	require.False(t, now.Before(end))
	require.Greater(t, probes, 1000, "the waits have no bound")
}

func TestOneSuccessAmongDaysOfFailuresBeginsAnew(t *testing.T) {
	t.Parallel()
	almost := epoch.Add(breaker.DefaultDisableAfter - 1)
	s := failing(open(epoch).Succeeded(almost), almost.Add(1), "a")
	require.Equal(t, breaker.Sending, s.State)
	require.True(t, almost.Add(1).Equal(s.FailingSince))
}

// While it drains a closing is not believed: probes go on with the long wait.
func TestAClosingThatDoesNotLastForgetsNoProbes(t *testing.T) {
	t.Parallel()
	s := open(epoch)
	for range 3 {
		s = s.Failed(s.ProbeAt, breaker.Failure{Delivery: "p", Probe: true, Random: .5}, breaker.DefaultDisableAfter)
	}
	s = s.Succeeded(epoch)
	require.Equal(t, 40*time.Second, failing(s, epoch, "a", "b", "c", "d", "e").ProbeAt.Sub(epoch))
	require.Equal(t, 5*time.Second, failing(s.Drained(), epoch, "a", "b", "c", "d", "e").ProbeAt.Sub(epoch))
}

// A late answer to something that was under way before says nothing about the probe.
func TestOnlyAProbeMovesTheNextOne(t *testing.T) {
	t.Parallel()
	s := open(epoch)
	require.True(t, s.Equal(failing(s, epoch.Add(time.Second), "f")))
}

func TestAPauseThatIsChangedHasBegunWhenItBegan(t *testing.T) {
	t.Parallel()
	until := epoch.Add(time.Hour)
	s := fresh.Pause(epoch, time.Time{}, "").Pause(epoch.Add(time.Minute), until, "maintenance")
	require.True(t, epoch.Equal(s.Since))
	require.True(t, until.Equal(s.PausedUntil))
	require.Equal(t, "maintenance", s.Reason)
}

// Callers compare what was with what became of it.
func TestTransitionsLeaveWhatTheyAreGivenAlone(t *testing.T) {
	t.Parallel()
	for _, from := range states {
		for _, e := range alphabet {
			// Room behind the slice is where an append would write unseen.
			all := []string{"d1", "d2", "d3", "untouched", "untouched"}
			s := breaker.Standing{State: from, Failing: all[:3], FailingSince: epoch}
			after := e.happens(s, epoch)
			require.Equal(t, []string{"d1", "d2", "d3", "untouched", "untouched"}, all, "%s in %s", e, from)
			require.Equal(t, breaker.Standing{State: from, Failing: all[:3], FailingSince: epoch}, s)

			// Two futures of one past do not write into each other.
			one, two := failing(after, epoch, "one"), failing(after, epoch, "two")
			require.NotContains(t, one.Failing, "two", "%s in %s", e, from)
			require.NotContains(t, two.Failing, "one", "%s in %s", e, from)
		}
	}
}

func TestEqualLooksAtEverything(t *testing.T) {
	t.Parallel()
	s := breaker.Standing{
		State: breaker.Open, Reason: "r", Since: epoch, PausedUntil: epoch, Draining: true, Rate: 1,
		Failing: []string{"a"}, FailingSince: epoch, ProbeAt: epoch, Probes: 1, Probed: "p",
	}
	same := s
	require.True(t, s.Equal(same))
	fields := reflect.TypeFor[breaker.Standing]()
	for i := range fields.NumField() {
		other := s
		field := reflect.ValueOf(&other).Elem().Field(i)
		require.False(t, field.IsZero(), "the test does not know %s", fields.Field(i).Name)
		field.SetZero()
		require.False(t, s.Equal(other), fields.Field(i).Name)
		require.False(t, other.Equal(s), fields.Field(i).Name)
	}
}

// What comes from the database has other zones and slices than what was computed.
func TestEqualLooksAtWhatIsMeant(t *testing.T) {
	t.Parallel()
	elsewhere := epoch.In(time.FixedZone("elsewhere", 3600))
	a := breaker.Standing{Since: epoch, PausedUntil: epoch, FailingSince: epoch, ProbeAt: epoch}
	b := breaker.Standing{Since: elsewhere, PausedUntil: elsewhere, FailingSince: elsewhere, ProbeAt: elsewhere, Failing: []string{}}
	require.True(t, a.Equal(b))
}
