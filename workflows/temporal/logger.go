package temporal

import (
	"log/slog"

	"go.temporal.io/sdk/log"
)

// Logger makes the SDK, whose client and worker log what they do, log like the
// rest of the program: for client.Options.
func Logger(logger *slog.Logger) log.Logger {
	return log.NewStructuredLogger(logger.With("component", "temporal"))
}
