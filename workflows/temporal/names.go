package temporal

// What stands in histories, and therefore must never change its meaning: a
// worker of tomorrow has to understand the workflows of today.
const (
	workflowRun   = "Run"      // (run id) → Result
	workflowPlain = "PlainRun" // the same, first attempts as a regular activity
	workflowLoop  = "Loop"     // (loop id)

	activityFirst   = "First"   // (run id) → firstResult
	activityAttempt = "Attempt" // (run id, delivery id) → Delivery
	activityStep    = "Step"    // (loop id) → stepResult

	signalDrop = "drop" // (delivery id), to a run
	signalWake = "wake" // without a value, to a loop

	attributeAccounts     = "AccountIds"
	attributeDestinations = "DestinationIds"
	attributeDeliveries   = "DeliveryIds"
)

// Temporal's own limits, in bytes of JSON.
const (
	maxSummary   = 400
	maxDetails   = 20_000
	maxAttribute = 2048
)
