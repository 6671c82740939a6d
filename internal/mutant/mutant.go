// Package mutant names the faults of our own that a program built with the tag
// "mutants" can be told to have, one at a time: the fault suite has to see each of
// them. A program that is built without the tag has nothing of this.
package mutant

// Env names the mutant of a process; without it there is none.
const Env = "DATAPUSHER_MUTANT"

// The mutants.
const (
	AnswerBeforeCommit = "answer-before-commit" // senders are answered, and then the event is stored
	NoReconciler       = "no-reconciler"        // what is overdue stays so
	NewIDPerRetry      = "new-id-per-retry"     // each attempt has a webhook-id of its own
	NoUniqueKey        = "no-unique-key"        // idempotency keys are forgotten
	MarkBeforeSend     = "mark-before-send"     // a delivery has succeeded, and then it is sent
	SendTwice          = "send-twice"           // now and then an attempt is made twice
	SendSettled        = "send-settled"         // now and then what has succeeded is sent again, later
	TakeAnothers       = "take-anothers"        // a first attempt is made though another process is at it
)
