package enginetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
)

func check(s *stage) {
	require.NoError(s, s.make("a").Check(s.Context()))
}

func firstAttemptSucceeds(s *stage) {
	s.add("event/1", scripted("dlv_1", succeeds()), scripted("dlv_2", succeeds()))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "first", "event/1", "")
	s.requireCalls(1, "attempt", "event/1", "dlv_1")
	s.requireCalls(1, "attempt", "event/1", "dlv_2")
	s.requireCalls(0, "early", "event/1", "")
}

func dispatchTwice(s *stage) {
	hold := newGate()
	s.add("event/1", scripted("dlv_1", succeeds().at(hold)))
	a, elsewhere := s.start("a"), s.make("b")
	s.dispatch(a, "event/1")
	s.dispatch(elsewhere, "event/1")
	s.untilCalls(1, "attempt", "event/1", "dlv_1")
	s.dispatch(a, "event/1")
	s.dispatch(elsewhere, "event/1")
	hold.release()
	s.untilClosed(a, "event/1")
	s.requireCalls(1, "first", "event/1", "")
}

func closedRun(s *stage) {
	s.add("event/1", scripted("dlv_1", succeeds()))
	s.add("event/1/2", scripted("dlv_1", succeeds()))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilClosed(a, "event/1")
	require.ErrorIs(s, s.make("b").Dispatch(s.Context(), aRun("event/1")), workflows.ErrRunClosed)
	// A run that takes over has an id of its own.
	s.dispatch(a, "event/1/2")
	s.untilClosed(a, "event/1/2")
	s.requireCalls(1, "first", "event/1", "")
	s.requireCalls(1, "first", "event/1/2", "")
}

func unknownIDs(s *stage) {
	s.add("event/1", scripted("dlv_1", fails(time.Second), succeeds()))
	a := s.start("a")
	require.NoError(s, a.Drop(s.Context(), "event/unknown", "dlv_1"))
	s.dispatch(a, "event/1")
	require.NoError(s, a.Drop(s.Context(), "event/1", "dlv_unknown"))
	s.untilClosed(a, "event/1")
	require.NoError(s, a.Drop(s.Context(), "event/1", "dlv_1"), "of a run that is closed")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")

	// Of these the core knows nothing; both come to their end.
	s.dispatch(a, "event/2")
	s.untilClosed(a, "event/2")
	require.NoError(s, a.Wake(s.Context(), "destination/unknown"))
	s.untilCalls(1, "step", "destination/unknown", "")
}

func notBefore(s *stage) {
	s.add("event/1", scripted("dlv_1", succeeds()))
	a := s.start("a")
	run := aRun("event/1")
	run.NotBefore = time.Now().Add(3 * time.Second)
	require.NoError(s, a.Dispatch(s.Context(), run))
	require.NoError(s, a.Dispatch(s.Context(), run), "a second time")
	s.untilCalls(1, "first", "event/1", "")
	s.requireNotEarly(run)
}

func manyDeliveries(s *stage) {
	var deliveries []*delivery
	for i := range 300 {
		script := []answer{succeeds()}
		if i%3 == 0 {
			script = []answer{fails(time.Second), succeeds()}
		}
		deliveries = append(deliveries, scripted(fmt.Sprintf("dlv_01J9Z3NDEKTSV4RRFFQ69G5%03d", i), script...))
	}
	s.add("batch/1", deliveries...)
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.untilClosed(a, "batch/1")
	s.requireCalls(1, "first", "batch/1", "")
	s.requireCalls(400, "attempt", "batch/1", "")
}

// requireNotEarly checks when the first attempts of a delayed run began.
func (s *stage) requireNotEarly(run workflows.Run) {
	s.Helper()
	first := s.made("first", run.ID, "")[0]
	first.due = run.NotBefore
	s.requireOnTime(first)
}
