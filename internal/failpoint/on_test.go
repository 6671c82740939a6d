//go:build failpoints

package failpoint

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatAProcessIsTold(t *testing.T) {
	p, err := parse("committed=kill@3, sending=panic%10,answered=wait:2s@1,moved=kill,clock=-120s@5s,dns=127.0.0.1:53")
	require.NoError(t, err)
	require.Equal(t, "kill", p.faults[Committed][0].action)
	require.EqualValues(t, 3, p.faults[Committed][0].nth)
	require.InDelta(t, 10., p.faults[Sending][0].percent, 0)
	require.Equal(t, 2*time.Second, p.faults[Answered][0].wait)
	require.Equal(t, []jump{{5 * time.Second, -2 * time.Minute}}, p.jumps)
	require.Equal(t, "127.0.0.1:53", p.dns)
	for _, bad := range []string{
		"committed", "nowhere=kill", "committed=explode", "committed=kill@0", "committed=kill@x", "sending=panic%0",
		"sending=panic%101", "answered=wait:soon", "answered=wait", "clock=1h", "clock=x@5s", "clock=1h@x",
	} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}

func TestWhenItHappens(t *testing.T) {
	count := func(f *fault) (n int) {
		for range 1000 {
			if f.due() {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1000, count(&fault{}))
	third := &fault{nth: 3}
	require.False(t, third.due())
	require.False(t, third.due())
	require.True(t, third.due())
	require.Zero(t, count(third), "once")
	require.InDelta(t, 100, count(&fault{percent: 10}), 80)
}

func TestAPanicAndAWait(t *testing.T) {
	var err error
	told, err = parse("sending=panic@2,answered=wait:10ms")
	require.NoError(t, err)
	defer func() { told = mustParse("") }()
	require.NotPanics(t, func() { Hit(Sending) })
	require.PanicsWithValue(t, "failpoint sending", func() { Hit(Sending) })
	require.NotPanics(t, func() { Hit(Sending) })
	before := time.Now()
	Hit(Answered)
	require.GreaterOrEqual(t, time.Since(before), 10*time.Millisecond)
	Hit(Committed) // nothing was told of it
}

// A clock that is set changes the time of day and no duration.
func TestTheWallClockJumpsAndTheMonotonicOneDoesNot(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, -time.Second, 100 * 24 * time.Hour} {
		t0 := time.Now()
		t1 := set(t0, by)
		require.Zero(t, t1.Sub(t0), "by the monotonic reading no time has passed")
		require.Equal(t, by, t1.Round(0).Sub(t0.Round(0)), "the wall clock has jumped")
		require.Equal(t, by, set(t0.Round(0), by).Sub(t0.Round(0)), "a time without a monotonic reading is moved as well")
	}
	var err error
	told, err = parse("clock=1h@0s,clock=-3h@1h")
	require.NoError(t, err)
	defer func() { told = mustParse("") }()
	t0 := began.Add(time.Minute)
	require.Equal(t, time.Hour, Clock(func() time.Time { return t0 })().Round(0).Sub(t0.Round(0)))
	t0 = began.Add(2 * time.Hour)
	require.Equal(t, -2*time.Hour, Clock(func() time.Time { return t0 })().Round(0).Sub(t0.Round(0)))
}

func TestWithoutAWordNothingHappens(t *testing.T) {
	for _, at := range All() {
		Hit(at)
	}
	require.Nil(t, Resolver())
	now := time.Now()
	require.Equal(t, now, Clock(func() time.Time { return now })())
}
