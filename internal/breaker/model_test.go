package breaker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/breaker"
)

// The search visits every standing that a new destination can come to. Its times
// are short and multiples of the unit, so that these are few: the machine does
// nothing with times but compare them.
const (
	unit         = 5 * time.Second // the first probe's wait
	disableAfter = 9 * unit
	pauseFor     = 2 * unit
	mostProbes   = 8 // the wait for a probe has reached its bound at 6
)

var epoch = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

// step is one transition: what was, what happened and when, what became of it.
type step struct {
	before breaker.Standing
	now    time.Time
	event
	after breaker.Standing
}

func (x step) String() string {
	return fmt.Sprintf("%6s  %-22s → %s", x.now.Sub(epoch), x.event, show(x.after, x.now))
}

func TestEveryStandingThatCanBeReached(t *testing.T) {
	t.Parallel()
	m := search{known: map[key]bool{}, seen: map[cell]bool{}}
	m.keep(visited{standing: fresh, from: -1})
	for i := 0; i < len(m.found); i++ {
		s := m.found[i].standing
		for _, wait := range waits(s) {
			for _, e := range alphabet {
				now := epoch.Add(wait)
				m.take(t, i, step{s, now, e, e.happens(s, now)})
			}
		}
	}
	t.Logf("%d standings, %d transitions", len(m.found), m.transitions)
	for row, becomes := range table {
		for i, to := range becomes {
			require.Equal(t, to != never, m.seen[cell{row, states[i]}], "%s in %s: one of search and table is wrong", row, states[i])
		}
	}
}

type search struct {
	found       []visited
	known       map[key]bool
	seen        map[cell]bool
	transitions int
}

// visited is a standing as of the epoch, and the first way that led there.
type visited struct {
	standing breaker.Standing
	from     int // -1: it is new
	by       step
}

type cell struct {
	row string
	in  breaker.State
}

// take checks a step from a standing that was found.
func (m *search) take(t *testing.T, from int, x step) {
	t.Helper()
	m.transitions++
	var broken []string
	for _, i := range ofSteps {
		if !i.holds(x) {
			broken = append(broken, i.name)
		}
	}
	for _, i := range ofStandings {
		if !i.holds(x.after, x.now) {
			broken = append(broken, i.name)
		}
	}
	if len(broken) > 0 {
		t.Fatalf("broken: %s\n%s", strings.Join(broken, "\nbroken: "), m.path(from, x))
	}
	m.seen[cell{row(x), x.before.State}] = true
	m.keep(visited{normal(x.after, x.now), from, x})
}

func (m *search) keep(v visited) {
	if k := keyOf(v.standing); !m.known[k] {
		m.known[k] = true
		m.found = append(m.found, v)
	}
}

// path tells what led to a step. Times are since the step before, and after each
// step the deliveries get new names, see normal.
func (m *search) path(from int, x step) string {
	lines := []string{x.String()}
	for ; m.found[from].from >= 0; from = m.found[from].from {
		lines = append(lines, m.found[from].by.String())
	}
	slices.Reverse(lines)
	return "a new destination\n" + strings.Join(lines, "\n")
}

// waits are the times that may pass before something happens.
func waits(s breaker.Standing) []time.Duration {
	all := []time.Duration{0, unit, disableAfter}
	for _, at := range []time.Time{s.ProbeAt, s.PausedUntil} {
		if !at.IsZero() {
			all = append(all, at.Sub(epoch))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// normal moves a standing to the epoch and makes equal what the machine cannot
// tell apart: how long ago something happened that is over, how many probes more
// than enough have failed, what the deliveries are called.
func normal(s breaker.Standing, now time.Time) breaker.Standing {
	move := func(t, earliest time.Time) time.Time {
		if t = t.Add(epoch.Sub(now)); t.Before(earliest) {
			return earliest
		}
		return t
	}
	if !s.FailingSince.IsZero() {
		s.FailingSince = move(s.FailingSince, epoch.Add(-disableAfter))
	}
	if !s.PausedUntil.IsZero() {
		s.PausedUntil = move(s.PausedUntil, epoch)
	}
	if !s.ProbeAt.IsZero() {
		s.ProbeAt = move(s.ProbeAt, epoch)
	}
	s.Since = epoch.Add(-time.Hour) // the machine writes it and never reads it
	s.Probes = min(s.Probes, mostProbes)
	if s.Probed != "" {
		if slices.Contains(s.Failing, s.Probed) {
			s.Probed = deliveries[0]
		} else {
			s.Probed = deliveries[len(deliveries)-1]
		}
	}
	s.Failing = deliveries[:len(s.Failing):len(s.Failing)]
	return s
}

// key is what tells normal standings apart. The reason follows the state and is
// never read, either.
type key struct {
	state                              breaker.State
	draining                           bool
	rate                               float64
	failing, probes                    int
	failingSince, pausedUntil, probeAt time.Time
	probed                             string
}

func keyOf(s breaker.Standing) key {
	return key{s.State, s.Draining, s.Rate, len(s.Failing), s.Probes, s.FailingSince, s.PausedUntil, s.ProbeAt, s.Probed}
}

// show is a standing in one line, with its times as seen from now.
func show(s breaker.Standing, now time.Time) string {
	var times []string
	for _, at := range []struct {
		name string
		time time.Time
	}{{"since", s.Since}, {"failing since", s.FailingSince}, {"paused until", s.PausedUntil}, {"probe at", s.ProbeAt}} {
		if !at.time.IsZero() {
			times = append(times, at.name+" "+at.time.Sub(now).String())
		}
	}
	return fmt.Sprintf("%s %q failing=%v draining=%t rate=%v probes=%d probed=%q %s",
		s.State, s.Reason, s.Failing, s.Draining, s.Rate, s.Probes, s.Probed, strings.Join(times, ", "))
}
