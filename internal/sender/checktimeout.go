package sender

import (
	"fmt"
	"time"
)

// Limits of a destination's timeout.
const (
	MinTimeout = time.Second
	MaxTimeout = 30 * time.Second
)

// CheckTimeout says what is wrong with a destination's timeout.
func CheckTimeout(d time.Duration) error {
	if d < MinTimeout || d > MaxTimeout {
		return fmt.Errorf("must be between %s and %s", MinTimeout, MaxTimeout)
	}
	return nil
}
