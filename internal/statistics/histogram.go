package statistics

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// histogram counts durations by range: how many were at most [ceiling](i), and
// more than [ceiling](i-1). Eight ranges double the duration, so that what is read
// from it is right to within a tenth.
type histogram []int64

const (
	// finest is the end of the first range.
	finest = 100 * time.Microsecond
	// perDoubling is how many ranges double the duration.
	perDoubling = 8
	// coarsest is the last range, whatever is in it: 34 doublings end beyond 19 days.
	coarsest = 34 * perDoubling
)

// rangeOf is the range that a duration is in.
func rangeOf(d time.Duration) int {
	if d <= finest {
		return 0
	}
	return min(int(math.Ceil(perDoubling*math.Log2(float64(d)/float64(finest)))), coarsest)
}

// ceiling is the end of a range, in milliseconds.
func ceiling(i int) float64 {
	return finest.Seconds() * 1000 * math.Exp2(float64(i)/perDoubling)
}

func (h *histogram) add(d time.Duration) {
	i := rangeOf(d)
	h.grow(i + 1)
	(*h)[i]++
}

func (h *histogram) merge(other histogram) {
	h.grow(len(other))
	for i, n := range other {
		(*h)[i] += n
	}
}

// grow makes it as long as it needs to be: most durations are short.
func (h *histogram) grow(n int) {
	if n > len(*h) {
		*h = append(*h, make(histogram, n-len(*h))...)
	}
}

// MarshalJSON writes the ranges that have something in them.
func (h histogram) MarshalJSON() ([]byte, error) {
	counts := map[int]int64{}
	for i, n := range h {
		if n != 0 {
			counts[i] = n
		}
	}
	return json.Marshal(counts)
}

// UnmarshalJSON reads what [histogram.MarshalJSON] writes.
func (h *histogram) UnmarshalJSON(text []byte) error {
	var counts map[int]int64
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	for i, n := range counts {
		if i < 0 || i > coarsest {
			return fmt.Errorf("there is no range %d", i)
		}
		h.grow(i + 1)
		(*h)[i] = n
	}
	return nil
}

// Percentiles are durations in milliseconds that so many of a hundred do not exceed.
type Percentiles struct{ P50Ms, P90Ms, P95Ms, P99Ms, MaxMs float64 }

// percentiles reads them; nil where there is none.
func (h histogram) percentiles() *Percentiles {
	total, last := int64(0), 0
	for i, n := range h {
		if n != 0 {
			total, last = total+n, i
		}
	}
	if total == 0 {
		return nil
	}
	at := func(share float64) float64 {
		rank, below := share*float64(total), 0.0
		for i, n := range h {
			if n != 0 && below+float64(n) >= rank {
				return within(i, (rank-below)/float64(n))
			}
			below += float64(n)
		}
		return ceiling(last)
	}
	return &Percentiles{at(0.5), at(0.9), at(0.95), at(0.99), ceiling(last)}
}

// within is a duration in a range, by its share of what is in there: durations
// are spread evenly on a scale that doubles.
func within(i int, share float64) float64 {
	if i == 0 {
		return ceiling(0) * share
	}
	return ceiling(i-1) * math.Pow(ceiling(i)/ceiling(i-1), share)
}

// DurationCount is how many took longer than FromMs and at most ToMs, in
// milliseconds.
type DurationCount struct{ FromMs, ToMs, Count float64 }

// bars are the histogram in ranges that double, without gaps.
func (h histogram) bars() []*DurationCount {
	counts, first, last := map[int]int64{}, math.MaxInt, 0
	for i, n := range h {
		if n == 0 {
			continue
		}
		bar := (i + perDoubling - 1) / perDoubling
		counts[bar] += n
		first, last = min(first, bar), max(last, bar)
	}
	if len(counts) == 0 {
		return nil
	}
	all := make([]*DurationCount, 0, last-first+1)
	for bar := first; bar <= last; bar++ {
		d := &DurationCount{ToMs: ceiling(bar * perDoubling), Count: float64(counts[bar])}
		if bar > 0 {
			d.FromMs = ceiling((bar - 1) * perDoubling)
		}
		all = append(all, d)
	}
	return all
}
