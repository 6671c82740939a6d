// Package enginetest is the suite that every engine passes. It knows engines
// by the seam alone, plays the core to them, and looks at what they call:
//
//	func TestEngine(t *testing.T) {
//		t.Run("temporal-sqlite", func(t *testing.T) {
//			enginetest.Run(t, func(t *testing.T) enginetest.Make { … })
//		})
//	}
package enginetest

import (
	"testing"

	"datapusher/workflows"
)

// Open makes an empty store of the engine, for one case: a namespace, a
// database. It removes it with t.Cleanup.
type Open func(t *testing.T) Make

// Make makes one more engine on that store, as one more process would, with
// connections of its own. It is not running yet.
type Make func(core workflows.Core) workflows.Engine

// Run runs every case as a parallel subtest, each on a store of its own.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		play func(s *stage)
	}{
		{"check", check},
		{"first_attempt_succeeds", firstAttemptSucceeds},
		{"dispatch_twice", dispatchTwice},
		{"closed_run", closedRun},
		{"unknown_ids", unknownIDs},
		{"not_before", notBefore},
		{"many_deliveries", manyDeliveries},

		{"fails_then_succeeds", failsThenSucceeds},
		{"delay_is_honoured", delayIsHonoured},
		{"open_attempt", openAttempt},
		{"permanent_failure_stops", permanentFailureStops},
		{"own_error_uses_no_attempt", ownErrorUsesNoAttempt},
		{"panic_is_an_own_error", panicIsAnOwnError},
		{"not_owner", notOwner},

		{"drop_stops_one_delivery", dropStopsOneDelivery},
		{"drop_during_first_attempts", dropDuringFirstAttempts},
		{"drop_during_attempt", dropDuringAttempt},
		{"drop_before_due", dropBeforeDue},

		{"loop_takes_turns", loopTakesTurns},
		{"wake_starts_and_nudges", wakeStartsAndNudges},
		{"wake_during_last_step", wakeDuringLastStep},
		{"no_wake_is_lost", noWakeIsLost},
		{"loop_own_error", loopOwnError},

		{"stopped_worker_is_continued", stoppedWorkerIsContinued},
		{"two_workers_share", twoWorkersShare},
		{"drain_on_shutdown", drainOnShutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.play(newStage(t, open(t)))
		})
	}
}
