package temporal

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

// What the tests of texts measure.
var (
	Clip     = clip
	JSONSize = jsonSize
)

// SetNewWorker gives an engine another way to make its worker.
func SetNewWorker(e *Engine, newWorker func(client.Client, string, worker.Options) worker.Worker) {
	e.newWorker = newWorker
}
