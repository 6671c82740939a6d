package breaker

import (
	"strings"
	"time"

	"datapusher/ent"
	"datapusher/ent/destination"
)

// Of reads how a destination stands from its row.
func Of(d *ent.Destination) Standing {
	return Standing{
		State: State(d.State), Reason: d.Reason, Since: deref(d.StateSince), PausedUntil: deref(d.PausedUntil),
		Draining: d.Draining, Rate: deref(d.DrainRate),
		Failing: strings.Fields(d.Failing), FailingSince: deref(d.FailingSince),
		ProbeAt: deref(d.ProbeAt), Probes: d.Probes, Probed: d.Probed,
	}
}

// Set writes how a destination stands into its row.
func (s Standing) Set(u *ent.DestinationUpdateOne) {
	u.SetState(destination.State(s.State)).SetEnabled(s.Enabled()).SetDraining(s.Draining).SetProbes(s.Probes)
	setText(s.Reason, u.SetReason, u.ClearReason)
	setText(strings.Join(s.Failing, " "), u.SetFailing, u.ClearFailing)
	setText(s.Probed, u.SetProbed, u.ClearProbed)
	setTime(s.Since, u.SetStateSince, u.ClearStateSince)
	setTime(s.PausedUntil, u.SetPausedUntil, u.ClearPausedUntil)
	setTime(s.FailingSince, u.SetFailingSince, u.ClearFailingSince)
	setTime(s.ProbeAt, u.SetProbeAt, u.ClearProbeAt)
	if s.Rate > 0 {
		u.SetDrainRate(s.Rate)
	} else {
		u.ClearDrainRate()
	}
}

type update = *ent.DestinationUpdateOne

func setText(text string, set func(string) update, unset func() update) {
	if text == "" {
		unset()
	} else {
		set(text)
	}
}

func setTime(t time.Time, set func(time.Time) update, unset func() update) {
	if t.IsZero() {
		unset()
	} else {
		set(t.UTC().Truncate(time.Microsecond))
	}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
