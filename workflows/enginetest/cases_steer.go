package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
)

func cancelWhileWaiting(s *stage) {
	s.add("batch/1",
		scripted("dlv_1", fails(3*time.Second)),
		scripted("dlv_2", fails(never)),
		scripted("dlv_3", fails(5*time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilCalls(3, "attempt", "batch/1", "")
	require.NoError(s, a.Drop(s.Context(), "batch/1", "dlv_1"))
	require.NoError(s, a.Drop(s.Context(), "batch/1", "dlv_1"), "a second time")
	s.until("the end of dlv_3", func() bool {
		attempts := s.find("attempt", "batch/1", "dlv_3")
		return len(attempts) == 2 && attempts[1].over
	})
	s.requireCalls(1, "attempt", "batch/1", "dlv_1")
	s.dispatch(a, "batch/1") // goes on: dlv_2 is still waiting
	require.NoError(s, s.make("b").Drop(s.Context(), "batch/1", "dlv_2"))
	s.untilClosed(a, "batch/1")
	s.requireCalls(1, "attempt", "batch/1", "dlv_2")
}

func cancelDuringFirstAttempts(s *stage) {
	hold := newGate()
	s.add("batch/1", scripted("dlv_1", fails(never).at(hold)), scripted("dlv_2", succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilCalls(1, "attempt", "batch/1", "dlv_1")
	require.NoError(s, a.Drop(s.Context(), "batch/1", "dlv_1"))
	hold.release()
	s.untilClosed(a, "batch/1")
	s.requireCalls(1, "attempt", "batch/1", "dlv_1")
	s.requireCalls(1, "attempt", "batch/1", "dlv_2")
}

func cancelDuringAttempt(s *stage) {
	hold := newGate()
	s.add("event/1", scripted("dlv_1", fails(time.Second), fails(time.Second).at(hold)))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilCalls(2, "attempt", "event/1", "dlv_1")
	require.NoError(s, a.Drop(s.Context(), "event/1", "dlv_1"))
	// What is going on is not torn off, and there is no further attempt.
	hold.release()
	s.untilClosed(a, "event/1")
	s.until("the end of the attempt", func() bool { return s.find("attempt", "event/1", "dlv_1")[1].over })
	a.stop()
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
	require.False(s, s.made("attempt", "event/1", "dlv_1")[1].canceled)
}

func cancelBeforeDue(s *stage) {
	s.add("event/1", scripted("dlv_2", succeeds())) // dlv_1 has moved away
	a := s.start("a")
	run := aRun("event/1")
	run.NotBefore = time.Now().Add(3 * time.Second)
	require.NoError(s, a.Dispatch(s.Context(), run))
	require.NoError(s, a.Drop(s.Context(), "event/1", "dlv_1"))
	s.untilCalls(1, "first", "event/1", "")
	s.requireNotEarly(run)
	s.untilClosed(a, "event/1")
}

// retryNow gives a delivery a new run, that succeeds at once, and tells the old one.
func (s *stage) retryNow(engine workflows.Engine, d *delivery, from string) {
	s.Helper()
	s.update(func() { d.moved = true })
	s.add(from+"/2", scripted(d.id, succeeds()))
	require.NoError(s, engine.Drop(s.Context(), from, d.id))
	s.dispatch(engine, from+"/2")
}

// requireRetried waits until the new run has made its attempt and the old one is
// over, which has made so many.
func (s *stage) requireRetried(engine workflows.Engine, d *delivery, from string, before int) {
	s.Helper()
	s.untilClosed(engine, from+"/2")
	s.requireCalls(1, "attempt", from+"/2", d.id)
	s.untilClosed(engine, from)
	s.requireCalls(before, "attempt", from, d.id)
}

func retryNowBeforeDue(s *stage) {
	d := scripted("dlv_1")
	s.add("event/1", d)
	a := s.start("a")
	run := aRun("event/1")
	run.NotBefore = time.Now().Add(2 * time.Second)
	require.NoError(s, a.Dispatch(s.Context(), run))
	s.retryNow(s.make("b"), d, "event/1")
	s.requireRetried(a, d, "event/1", 0)
}

func retryNowDuringFirstAttempts(s *stage) {
	hold := newGate()
	d := scripted("dlv_1", fails(never).at(hold))
	s.add("event/1", d)
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilCalls(1, "attempt", "event/1", "dlv_1")
	s.retryNow(s.make("b"), d, "event/1")
	hold.release()
	s.requireRetried(a, d, "event/1", 1)
}

func retryNowWhileWaiting(s *stage) {
	d := scripted("dlv_1", fails(never))
	s.add("batch/1", d, scripted("dlv_2", fails(3*time.Second), succeeds()))
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilCalls(2, "attempt", "batch/1", "")
	s.retryNow(s.make("b"), d, "batch/1")
	s.requireRetried(a, d, "batch/1", 1)
	s.requireCalls(2, "attempt", "batch/1", "dlv_2")
}

func retryNowDuringAttempt(s *stage) {
	hold := newGate()
	d := scripted("dlv_1", fails(time.Second), fails(never).at(hold))
	s.add("event/1", d)
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilCalls(2, "attempt", "event/1", "dlv_1")
	s.retryNow(s.make("b"), d, "event/1")
	s.untilCalls(1, "attempt", "event/1/2", "dlv_1")
	hold.release()
	s.requireRetried(a, d, "event/1", 2)
}
