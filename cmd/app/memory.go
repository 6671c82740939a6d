package app

import (
	"os"
	"runtime/debug"
)

// gcPercent trades memory for work: what is alive at any time is little and what
// passes through is much, so that a collection every few megabytes was a tenth
// of the whole cost of an event.
const gcPercent = 400

// memoryGoal is what the process tries to stay below, in bytes: from there on it
// collects as often as it takes. A Temporal server in the same process has as
// much again, and more.
const (
	memoryGoal         = 224 << 20
	memoryWithTemporal = 640 << 20
)

// tuneMemory sets how often memory is collected, unless the environment does.
func tuneMemory(withTemporal bool) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		goal := int64(memoryGoal)
		if withTemporal {
			goal = memoryWithTemporal
		}
		debug.SetMemoryLimit(goal)
	}
}
