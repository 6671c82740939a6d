package rig

import (
	"cmp"
	"time"
)

// The engines.
const (
	Temporal = "temporal"
	River    = "river"
)

// Plan is what stands while a scenario runs. The zero value is two "serve", two
// "worker" and the destinations of [DefaultDestinations].
type Plan struct {
	// Serves, Workers and Whole are how many processes there are of "serve", "worker"
	// and "serve --worker".
	Serves, Workers, Whole int
	// Rate is in events a second; that of the options if zero.
	Rate         float64
	Destinations []DestinationSpec
	// Args and Env are further ones of all processes; what is in Env wins.
	Args, Env []string
	// Program is the file, in the folder of the others, that processes are started
	// from; "" is datapusher.
	Program string
	// Fresh has each request at a receiver come on a connection of its own.
	Fresh bool
	// Both has the other engine stand, too, so that processes can go from one to the
	// other with [Process.Use].
	Both bool
	// TemporalArgs are further ones of cmd/standalone/temporalserver.
	TemporalArgs []string
	// Between puts something between the processes and what they talk to, such as a
	// TCP proxy: it is told where things are and gives where processes shall look for
	// them. What it starts it ends with [Rig.OnClose].
	Between func(r *Rig, where Addresses) (Addresses, error)
}

// Addresses are those of what processes talk to, as host:port. Temporal is "" with
// another engine.
type Addresses struct{ Postgres, Temporal, Receivers string }

// DestinationSpec describes a destination.
type DestinationSpec struct {
	Name     string // its path at the receiver
	Account  int    // from 0; the events of each account go to all of its destinations
	Schedule []string
	Timeout  string
	Manner   Manner // how it answers at the beginning
	// Lost is one that never answers 2xx: what is for it need not arrive.
	Lost bool
	// Well is one whose latency is compared with the baseline.
	Well bool
}

// often is a schedule whose waits are short, and enough of them for a long fault.
func often() []string {
	waits := make([]string, 20)
	for i := range waits {
		waits[i] = "1s"
		if i >= 10 {
			waits[i] = "10s"
		}
	}
	return waits
}

// DefaultDestinations are two accounts': ones that are well, one that takes its
// time, and ones that refuse every fifth request.
func DefaultDestinations() []DestinationSpec {
	return []DestinationSpec{
		{Name: "well", Schedule: often(), Well: true},
		{Name: "slow", Schedule: often(), Manner: Manner{Slow: 300 * time.Millisecond}},
		{Name: "flaky", Schedule: often(), Manner: Manner{Fails: 0.2}},
		{Name: "well-2", Account: 1, Schedule: often(), Well: true},
		{Name: "flaky-2", Account: 1, Schedule: often(), Manner: Manner{Fails: 0.2, Slow: 100 * time.Millisecond}},
	}
}

func (p Plan) complete(rate float64) Plan {
	if p.Serves+p.Workers+p.Whole == 0 {
		p.Serves, p.Workers = 2, 2
	}
	p.Rate = cmp.Or(p.Rate, rate)
	if len(p.Destinations) == 0 {
		p.Destinations = DefaultDestinations()
	}
	return p
}
