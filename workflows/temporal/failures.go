package temporal

import (
	"fmt"
	"time"

	sdk "go.temporal.io/sdk/temporal"

	"datapusher/workflows"
)

// minAfter keeps "now" from meaning "unset", for which the policy's own delay
// would hold, and a core that is always early from turning in circles.
const minAfter = 100 * time.Millisecond

// ownFailurePolicy retries without end what failed on our own side.
func ownFailurePolicy() *sdk.RetryPolicy {
	return &sdk.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
}

// ownFailure is what Temporal is told when our own side failed. The reason may
// name hosts, rows or queries, so it stays in our log.
func ownFailure() error {
	return sdk.NewApplicationError("failed on our side; the worker's log says why", "internal")
}

// noTurn asks Temporal to come again a little later.
func noTurn() error {
	return sdk.NewApplicationErrorWithOptions("other runs start before this one", "busy", sdk.ApplicationErrorOptions{
		NextRetryDelay: time.Second, Category: sdk.ApplicationErrorCategoryBenign,
	})
}

// unsettled tells Temporal, and whoever looks at its UI, how a delivery stands.
// The error is benign: a receiver that is down is our daily work.
func unsettled(o workflows.Outcome) error {
	after := max(o.After, minAfter)
	kind, message := o.Result, fmt.Sprintf("attempt %d: %s; next in %s", o.Attempts, o.Result, round(after))
	switch {
	case o.State == workflows.Open:
		kind, message = "open", fmt.Sprintf("attempt %d is going on; asked again in %s", o.Attempts, round(after))
	case o.Attempts == 0:
		kind, message = "waiting", fmt.Sprintf("no attempt yet; first in %s", round(after))
	}
	return sdk.NewApplicationErrorWithOptions(message, kind, sdk.ApplicationErrorOptions{
		NextRetryDelay: after,
		Category:       sdk.ApplicationErrorCategoryBenign,
	})
}

// round drops what nobody reads.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}
