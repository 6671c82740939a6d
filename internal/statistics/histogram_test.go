package statistics

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRangesDoubleInEight(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, finest: 0, finest + 1: 1, 2 * finest: 8, 4 * finest: 16, 4*finest + 1: 17,
		102400 * time.Microsecond: 80, 10 * 365 * 24 * time.Hour: coarsest,
	} {
		require.Equal(t, want, rangeOf(d), d)
	}
	require.InDelta(t, 0.1, ceiling(0), 1e-9)
	require.InDelta(t, 102.4, ceiling(80), 1e-9)
}

func TestPercentilesAreRightToWithinATenth(t *testing.T) {
	t.Parallel()
	require.Nil(t, histogram{}.percentiles())
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() time.Duration{
		"even": func() time.Duration { return time.Duration(random.Int64N(int64(time.Second))) },
		"skewed": func() time.Duration {
			return time.Duration(float64(time.Millisecond) * (1 + 1/(random.Float64()+1e-4)))
		},
		"long": func() time.Duration { return time.Hour + time.Duration(random.Int64N(int64(30*time.Hour))) },
	} {
		var (
			h   histogram
			all []time.Duration
		)
		for range 20_000 {
			d := next()
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		p := h.percentiles()
		for share, got := range map[float64]float64{0.5: p.P50Ms, 0.9: p.P90Ms, 0.95: p.P95Ms, 0.99: p.P99Ms} {
			want := all[int(share*float64(len(all)))-1].Seconds() * 1000
			require.InEpsilon(t, want, got, 0.1, "%s, %v", name, share)
		}
		require.InEpsilon(t, all[len(all)-1].Seconds()*1000, p.MaxMs, 0.1, name)
	}
}

func TestBarsHaveNoGapsAndLoseNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, histogram{}.bars())
	var h histogram
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond, time.Second} {
		h.add(d)
	}
	bars := h.bars()
	require.Equal(t, &DurationCount{0, 0.1, 1}, bars[0])
	sum := 0.0
	for i, b := range bars {
		sum += b.Count
		if i > 0 {
			require.InDelta(t, bars[i-1].ToMs, b.FromMs, 1e-9)
			require.InDelta(t, 2*b.FromMs, b.ToMs, 1e-9)
		}
	}
	require.Equal(t, 4.0, sum)
	require.Equal(t, 1.0, bars[len(bars)-1].Count)
	require.Less(t, bars[len(bars)-1].FromMs, 1000.0)
	require.GreaterOrEqual(t, bars[len(bars)-1].ToMs, 1000.0)
}
