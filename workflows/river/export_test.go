package river

import "time"

// MigrationLock is what migrating processes queue for.
const MigrationLock = migrationLock

// Logger is what River is given.
var Logger = (*Engine).riverLogger

// Pulse is whether a worker's own beats come through.
type Pulse = pulse

// Beat notes one that has.
func (p *Pulse) Beat(now time.Time) bool { return p.beat(now) }

// Miss notes one that has not.
func (p *Pulse) Miss() { p.miss() }
