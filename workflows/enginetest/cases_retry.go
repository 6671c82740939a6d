package enginetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
)

func failsThenSucceeds(s *stage) {
	s.add("batch/1",
		scripted("dlv_1", succeeds()),
		scripted("dlv_2", fails(time.Second), fails(time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilClosed(a, "batch/1")
	s.requireCalls(1, "first", "batch/1", "")
	s.requireCalls(1, "attempt", "batch/1", "dlv_1")
	s.requireCalls(3, "attempt", "batch/1", "dlv_2")
}

func delayIsHonoured(s *stage) {
	s.add("batch/1",
		scripted("dlv_1", fails(4*time.Second), succeeds()),
		scripted("dlv_2", fails(time.Second), fails(0), fails(2*time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilClosed(a, "batch/1")
	s.requireOnTime(slices.Concat(s.made("attempt", "batch/1", "dlv_1")[1:], s.made("attempt", "batch/1", "dlv_2")[1:])...)
	// An engine may ask too early, but it may not turn in circles.
	require.LessOrEqual(s, len(s.made("early", "batch/1", "dlv_1")), 2)
}

func delayIsHonouredAcrossRestarts(s *stage) {
	s.add("batch/1",
		scripted("dlv_1", fails(4*time.Second), succeeds()),
		scripted("dlv_2", fails(5*time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.until("the end of the first attempts", func() bool {
		first := s.find("first", "batch/1", "")
		return len(first) == 1 && first[0].over
	})
	a.stop()
	b := s.start("b")
	s.untilClosed(b, "batch/1")
	second := slices.Concat(s.made("attempt", "batch/1", "dlv_1")[1:], s.made("attempt", "batch/1", "dlv_2")[1:])
	s.requireOnTime(second...)
	for _, attempt := range second {
		require.Equal(s, "b", attempt.process)
	}
}

// Engines may keep what is due much later elsewhere than what is due soon.
func longDelaysAreHonoured(s *stage) {
	const long = 12 * time.Second
	s.add("batch/1", scripted("dlv_1", fails(long), succeeds()), scripted("dlv_2", fails(long+time.Second), succeeds()))
	s.add("event/1", scripted("dlv_3", succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	later := aRun("event/1")
	later.NotBefore = time.Now().Add(long)
	require.NoError(s, a.Dispatch(s.Context(), later))
	s.untilCalls(2, "attempt", "batch/1", "")
	b := s.start("b")
	a.stop()
	s.untilClosed(b, "batch/1")
	s.untilClosed(b, "event/1")
	first := s.made("first", "event/1", "")[0]
	first.due = later.NotBefore
	s.requireOnTime(append(slices.Concat(s.made("attempt", "batch/1", "dlv_1")[1:], s.made("attempt", "batch/1", "dlv_2")[1:]), first)...)
}

func openAttempt(s *stage) {
	// The first attempt outlasts the first attempts' budget; its end is found later.
	s.add("event/1", scripted("dlv_1", staysOpen(time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "first", "event/1", "")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
	s.requireOnTime(s.made("attempt", "event/1", "dlv_1")[1])
}

func permanentFailureStops(s *stage) {
	s.add("event/1", scripted("dlv_1", failsForGood()), scripted("dlv_2", fails(time.Second), failsForGood()))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "attempt", "event/1", "dlv_1")
	s.requireCalls(2, "attempt", "event/1", "dlv_2")
}

func ownErrorUsesNoAttempt(s *stage) {
	s.add("event/1", scripted("dlv_1", fails(time.Second), ownError(), ownError(), succeeds()))
	s.runs["event/1"].errs = []answer{ownError(), ownError()}
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "first", "event/1", "")
	s.requireCalls(2, "own", "event/1", "dlv_1")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
	s.requireCalls(4, "own", "event/1", "")
}

func panicIsAnOwnError(s *stage) {
	s.add("event/1", scripted("dlv_1", fails(time.Second), ownPanic(), succeeds()))
	s.runs["event/1"].errs = []answer{ownPanic(), ownPanic()}
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "first", "event/1", "")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
	s.requireCalls(3, "own", "event/1", "")
}

func notOwner(s *stage) {
	moving := scripted("dlv_1", fails(2*time.Second))
	s.add("event/1", moving, scripted("dlv_2", fails(time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilCalls(1, "attempt", "event/1", "dlv_2")
	s.update(func() { moving.moved = true })
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "attempt", "event/1", "dlv_1")
	s.requireCalls(1, "moved", "event/1", "dlv_1")
}
