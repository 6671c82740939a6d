//go:build mutants

package mutant

import (
	"os"
	"time"
)

var chosen = os.Getenv(Env)

// Is reports whether this process is that mutant.
func Is(name string) bool { return chosen == name }

// Window is how long those that do things in the wrong order take between the two:
// long enough for a fault to hit it now and then.
const Window = 50 * time.Millisecond
