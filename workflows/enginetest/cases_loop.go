package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"
)

const theLoop = "destination/dst_1"

func (s *stage) wake(p *process) {
	s.Helper()
	require.NoError(s, p.Wake(s.Context(), theLoop))
}

func loopTakesTurns(s *stage) {
	s.loop(theLoop, turn{again: 2 * time.Second}, turn{}, turn{again: time.Second}, turn{done: true})
	a := s.start("a")
	s.wake(a)
	s.untilCalls(4, "step", theLoop, "")
	steps := s.made("step", theLoop, "")
	for i, delay := range []time.Duration{2 * time.Second, 0, time.Second} {
		steps[i+1].due = steps[i].begun.Add(delay)
	}
	s.requireOnTime(steps[1:]...)
	// It has ended; waking it starts it anew.
	s.wake(a)
	s.untilCalls(5, "step", theLoop, "")
}

func wakeStartsAndNudges(s *stage) {
	s.loop(theLoop, turn{again: never}, turn{again: never}, turn{again: never}, turn{done: true})
	a := s.start("a")
	for step := range 4 {
		s.wake(a)
		s.untilCalls(step+1, "step", theLoop, "")
		s.until("its end", func() bool { return s.find("step", theLoop, "")[step].over })
	}
	// One turn at a time, one for each wake.
	s.requireCalls(4, "step", theLoop, "")
}

func wakeDuringLastStep(s *stage) {
	hold := newGate()
	s.loop(theLoop, turn{done: true, gate: hold}, turn{done: true})
	a := s.start("a")
	s.wake(a)
	s.untilCalls(1, "step", theLoop, "")
	s.wake(a)
	s.wake(a)
	hold.release()
	s.untilCalls(2, "step", theLoop, "")
	s.until("its end", func() bool { return s.find("step", theLoop, "")[1].over })
	// While a turn is going on there is no second.
	steps := s.made("step", theLoop, "")
	require.True(s, steps[1].begun.After(steps[0].begun))
}

// noWakeIsLost wakes the loop at the very moment when it ends, many times.
// Each wake has to be followed by a turn that begins after it.
func noWakeIsLost(s *stage) {
	const turns = 40
	a := s.start("a")
	ctx := s.Context()
	var script []turn
	for i := range turns {
		// Spread over the time that an engine takes to close the loop.
		pause := time.Duration(i%10) * time.Millisecond
		script = append(script, turn{done: true, behind: func() {
			time.AfterFunc(pause, func() {
				if err := a.Wake(ctx, theLoop); err != nil {
					s.update(func() { s.broken = append(s.broken, "wake: "+err.Error()) })
				}
			})
		}})
	}
	s.loop(theLoop, script...)
	s.wake(a)
	s.untilCalls(turns+1, "step", theLoop, "")
}

func loopOwnError(s *stage) {
	s.loop(theLoop, turn{err: errOwn}, turn{err: errOwn}, turn{again: never}, turn{done: true})
	a := s.start("a")
	s.wake(a)
	s.untilCalls(1, "step", theLoop, "")
	s.requireCalls(2, "own", theLoop, "")
	s.wake(a)
	s.untilCalls(2, "step", theLoop, "")
}
