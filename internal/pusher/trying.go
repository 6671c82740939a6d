package pusher

import (
	"time"

	"datapusher/ent"
	"datapusher/internal/problem"
	"datapusher/internal/schedule"
	"datapusher/internal/sender"
)

// The limits of a destination's give-up.
const (
	minGiveUp = time.Minute
	maxGiveUp = 90 * 24 * time.Hour
)

// trying is how a destination's deliveries are tried, as an input gives it: nil
// is not given; nothing and 0 are the default.
type trying struct {
	schedule    []time.Duration
	timeout     *time.Duration
	giveUpAfter *time.Duration
}

func (t trying) check(f *problem.Fields) {
	if err := schedule.Schedule(t.schedule).Check(); err != nil {
		f.Add("retrySchedule", "%s", err)
	}
	if t.timeout != nil && *t.timeout != 0 {
		if err := sender.CheckTimeout(*t.timeout); err != nil {
			f.Add("timeout", "%s, or 0s for the default", err)
		}
	}
	if d := t.giveUpAfter; d != nil && *d != 0 && (*d < minGiveUp || *d > maxGiveUp) {
		f.Add("giveUpAfter", "must be between 1m and 90d, or 0s for never")
	}
}

// set writes what is given into a destination's row.
func (t trying) set(m *ent.DestinationMutation) {
	switch {
	case len(t.schedule) > 0:
		kept := make(schedule.Schedule, len(t.schedule)) // in a text of bounded length
		for i, wait := range t.schedule {
			kept[i] = wait.Truncate(time.Millisecond)
		}
		m.SetRetrySchedule(kept.String())
	case t.schedule != nil:
		m.ClearRetrySchedule()
	}
	switch {
	case t.timeout == nil:
	case *t.timeout == 0:
		m.ClearTimeoutMs()
	default:
		m.SetTimeoutMs(int(t.timeout.Milliseconds()))
	}
	switch {
	case t.giveUpAfter == nil:
	case *t.giveUpAfter == 0:
		m.ClearGiveUpAfterS()
	default:
		m.SetGiveUpAfterS(int(t.giveUpAfter.Seconds()))
	}
}
