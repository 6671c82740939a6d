//go:build !failpoints

package failpoint

import (
	"net"
	"time"
)

// Enabled tells whether the program was built with failpoints.
const Enabled = false

// Hit is where the program may be told to fail.
func Hit(Point) {}

// Clock is the clock that was given: nothing shifts it.
func Clock(now func() time.Time) func() time.Time { return now }

// Resolver is nil: the system's.
func Resolver() *net.Resolver { return nil }
