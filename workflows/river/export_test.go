package river

import (
	"time"

	"github.com/riverqueue/river/rivertype"
)

// MigrationLock is what migrating processes queue for.
const MigrationLock = migrationLock

// Logger is what River is given.
var Logger = (*Engine).riverLogger

// PollEvery is how often an engine asks for jobs that it has not heard of.
func (e *Engine) PollEvery(d time.Duration) { e.poll = d }

// TakeOver gives jobs without a beat to another worker.
const TakeOver = takeOver

// Held is a job that a process is at.
type Held struct{ *held }

// NewHeld is one that it has just got.
func NewHeld() Held {
	h, _ := new(beats).hold(1, time.Now())
	return Held{h}
}

// FetchedAgo is a job that a process has just begun to work, so long after it got it.
func FetchedAgo(ago time.Duration) Held {
	at := time.Now().Add(-ago)
	h, _ := (&Engine{clock: newClock(time.Now())}).hold(&rivertype.JobRow{AttemptedAt: &at})
	return Held{h}
}

// Ours reports whether nobody else can be at it.
func (h Held) Ours() bool { return h.ours() }

// Hear notes what the table said to a question of that time.
func (h Held) Hear(asked time.Time, ours bool) { h.hear(asked, ours) }

// Pulse is whether a worker's own beats come through.
type Pulse = pulse

// Beat notes one that has.
func (p *Pulse) Beat(now time.Time) bool { return p.beat(now) }

// Miss notes one that has not.
func (p *Pulse) Miss() { p.miss() }

// ClockShows sets the clock of an engine that has not asked for the time yet.
func (e *Engine) ClockShows(now time.Time) { e.clock = newClock(now) }

// Clock is that of an engine.
type Clock struct{ *clock }

// NewClock is one that has not been asked.
func NewClock(now time.Time) Clock { return Clock{newClock(now)} }

// Learn notes what Postgres's showed between two moments.
func (c Clock) Learn(at, asked, answered time.Time) { c.learn(at, asked, answered) }
