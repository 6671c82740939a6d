// Package enginetest is the suite that every engine passes. It knows engines
// by the seam alone, plays the core to them, and looks at what they call:
//
//	func TestEngine(t *testing.T) {
//		t.Run("temporal-sqlite", func(t *testing.T) {
//			enginetest.Run(t, func(t *testing.T) enginetest.Store { … })
//		})
//	}
package enginetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
)

// Open makes an empty store of the engine, for one case: a namespace, a
// database. It removes it with t.Cleanup.
type Open func(t *testing.T) Store

// Store is where the engines of one case keep what they know.
type Store struct {
	// Make makes one more engine on the store, as one more process would, with
	// connections of its own. It is not running yet.
	Make func(core workflows.Core) workflows.Engine
	// Kill has the process die that such an engine is of, whatever it is at.
	Kill func(engine workflows.Engine)
	// Wipe has the store lose all that it knows. No engine is running on it.
	Wipe func(t *testing.T)
}

// test is one case.
type test struct {
	name string
	play func(s *stage)
}

// core are the cases that ask for no more than Make.
var core = []test{
	{"check", check},
	{"first_attempt_succeeds", firstAttemptSucceeds},
	{"dispatch_twice", dispatchTwice},
	{"closed_run", closedRun},
	{"unknown_ids", unknownIDs},
	{"not_before", notBefore},
	{"many_deliveries", manyDeliveries},

	{"fails_then_succeeds", failsThenSucceeds},
	{"delay_is_honoured", delayIsHonoured},
	{"delay_is_honoured_across_restarts", delayIsHonouredAcrossRestarts},
	{"long_delays_are_honoured", longDelaysAreHonoured},
	{"open_attempt", openAttempt},
	{"permanent_failure_stops", permanentFailureStops},
	{"own_error_uses_no_attempt", ownErrorUsesNoAttempt},
	{"panic_is_an_own_error", panicIsAnOwnError},
	{"not_owner", notOwner},

	{"cancel_before_due", cancelBeforeDue},
	{"cancel_during_first_attempts", cancelDuringFirstAttempts},
	{"cancel_while_waiting", cancelWhileWaiting},
	{"cancel_during_attempt", cancelDuringAttempt},
	{"retry_now_before_due", retryNowBeforeDue},
	{"retry_now_during_first_attempts", retryNowDuringFirstAttempts},
	{"retry_now_while_waiting", retryNowWhileWaiting},
	{"retry_now_during_attempt", retryNowDuringAttempt},

	{"loop_takes_turns", loopTakesTurns},
	{"wake_starts_and_nudges", wakeStartsAndNudges},
	{"wake_during_last_step", wakeDuringLastStep},
	{"no_wake_is_lost", noWakeIsLost},
	{"loop_own_error", loopOwnError},

	{"stopped_worker_is_continued", stoppedWorkerIsContinued},
	{"two_workers_share", twoWorkersShare},
	{"drain_on_shutdown", drainOnShutdown},
}

// faults are those that ask for the store's faults.
var faults = []test{
	{"killed_worker_is_resumed", killedWorkerIsResumed},
	{"wiped_store_is_refilled", wipedStoreIsRefilled},
}

// Run runs every case as a parallel subtest, each on a store of its own.
func Run(t *testing.T, open Open) {
	t.Helper()
	RunCore(t, open)
	play(t, open, faults)
}

// RunCore leaves out the cases for which a store has to have Kill and Wipe.
func RunCore(t *testing.T, open Open) {
	t.Helper()
	play(t, open, core)
}

func play(t *testing.T, open Open, cases []test) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			require.NotNil(t, store.Make)
			c.play(newStage(t, store))
		})
	}
}
