package enginetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
)

func stoppedWorkerIsContinued(s *stage) {
	s.add("event/1", scripted("dlv_1", fails(3*time.Second), succeeds()))
	s.add("event/2", scripted("dlv_2", succeeds()))
	s.loop(theLoop, turn{again: 3 * time.Second}, turn{done: true})
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.wake(a)
	s.until("first attempt and first step of a", func() bool {
		return s.count("attempt", "event/1", "dlv_1") == 1 && s.count("step", theLoop, "") == 1
	})
	a.stop()
	// Nobody works now; what is dispatched is held nevertheless.
	s.dispatch(s.make("b"), "event/2")
	c := s.start("c")
	s.untilClosed(c, "event/1")
	s.untilClosed(c, "event/2")
	s.untilCalls(2, "step", theLoop, "")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
	require.Equal(s, "c", s.made("attempt", "event/1", "dlv_1")[1].process)
	require.Equal(s, "c", s.made("attempt", "event/2", "dlv_2")[0].process)
	require.Equal(s, "c", s.made("step", theLoop, "")[1].process)
}

func twoWorkersShare(s *stage) {
	s.start("a")
	s.start("b")
	elsewhere := s.make("c") // one that works itself may keep what it dispatches
	var holds []*gate
	s.Cleanup(func() {
		for _, hold := range holds {
			hold.release()
		}
	})
	// Each first attempt lasts; so work goes on being handed to whoever takes it.
	both := func() bool {
		var a, b bool
		for _, c := range s.find("first", "", "") {
			a, b = a || c.process == "a", b || c.process == "b"
		}
		return a && b
	}
	var ids []string
	for i := 0; ; i++ {
		require.Less(s, i, 100, "one of the two has all the runs")
		id, hold := fmt.Sprintf("event/%d", i), newGate()
		holds = append(holds, hold)
		ids = append(ids, id)
		s.add(id, scripted(fmt.Sprintf("dlv_%d", i), succeeds().at(hold)))
		s.dispatch(elsewhere, id)
		s.untilCalls(1, "first", id, "")
		var enough bool
		s.update(func() { enough = both() })
		if enough {
			break
		}
	}
	for _, hold := range holds {
		hold.release()
	}
	for _, id := range ids {
		s.untilClosed(elsewhere, id)
		s.requireCalls(1, "first", id, "")
	}
}

func drainOnShutdown(s *stage) {
	hold := newGate()
	s.add("event/1", scripted("dlv_1", fails(time.Second), succeeds().at(hold)))
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.untilCalls(2, "attempt", "event/1", "dlv_1")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		a.stop()
	}()
	// The attempt goes on for a while after the end was asked for.
	time.AfterFunc(time.Second, hold.release)
	<-stopped
	attempt := s.made("attempt", "event/1", "dlv_1")[1]
	require.True(s, attempt.over, "Run has ended before the attempt")
	require.False(s, attempt.canceled, "the attempt's context has ended before the attempt")
	// What it came to is known to the engine: nobody makes it again.
	s.untilClosed(s.start("b"), "event/1")
	s.requireCalls(2, "attempt", "event/1", "dlv_1")
}

func killedWorkerIsResumed(s *stage) {
	hold := newGate()
	s.Cleanup(hold.release)
	s.add("event/1", scripted("dlv_1", fails(time.Second), fails(never).at(hold), succeeds()))
	s.loop(theLoop, turn{again: never, gate: hold}, turn{done: true})
	a := s.start("a")
	s.dispatch(a, "event/1")
	s.wake(a)
	s.untilCalls(2, "attempt", "event/1", "dlv_1")
	s.untilCalls(1, "step", theLoop, "")
	s.kill(a)
	b := s.start("b")
	s.untilClosed(b, "event/1")
	s.untilCalls(2, "step", theLoop, "")
	s.requireCalls(1, "first", "event/1", "")
	attempts := s.made("attempt", "event/1", "dlv_1")
	require.Len(s, attempts, 3)
	require.Equal(s, "b", attempts[2].process)
	require.Equal(s, "b", s.made("step", theLoop, "")[1].process)
}

// wipedStoreIsRefilled plays the reconciler, which hands over again what is overdue
// and wakes the loops that have something to do.
func wipedStoreIsRefilled(s *stage) {
	s.add("batch/1", scripted("dlv_1", fails(3*time.Second), succeeds()), scripted("dlv_2", succeeds()))
	s.add("batch/2", scripted("dlv_3", succeeds()))
	s.loop(theLoop, turn{again: never}, turn{done: true})
	a := s.start("a")
	s.dispatch(a, "batch/1")
	s.wake(a)
	s.untilCalls(2, "attempt", "batch/1", "")
	s.until("its first step", func() bool {
		steps := s.find("step", theLoop, "")
		return len(steps) == 1 && steps[0].over
	})
	a.stop()
	s.dispatch(a, "batch/2")
	s.store.Wipe(s.T)
	b := s.start("b")
	s.dispatch(b, "batch/1")
	s.dispatch(b, "batch/2")
	s.wake(b)
	s.untilClosed(b, "batch/1")
	s.untilClosed(b, "batch/2")
	s.untilCalls(2, "step", theLoop, "")
	s.requireCalls(2, "attempt", "batch/1", "dlv_1")
	s.requireCalls(1, "attempt", "batch/1", "dlv_2")
	s.requireCalls(1, "attempt", "batch/2", "dlv_3")
	s.requireOnTime(s.made("attempt", "batch/1", "dlv_1")[1])
}
