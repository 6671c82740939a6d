package delivery

import (
	"time"

	"datapusher/internal/dispatch"
)

// NewRun mints the id of a run.
func NewRun() string { return dispatch.NewBatch(time.Now()) }
