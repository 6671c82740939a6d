// Package schedule is the table of waits between the attempts of a delivery.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Limits of a schedule of a destination's own.
const (
	MaxWaits = 20
	MinWait  = time.Second
	MaxWait  = 7 * 24 * time.Hour
)

// Schedule is the wait after each failed attempt; when it is used up the
// delivery has failed. Without any wait the first attempt is the last.
type Schedule []time.Duration

// Default is the table that Standard Webhooks recommends
// (https://www.standardwebhooks.com, "retries"): ten attempts in 75 hours.
var Default = Schedule{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Check says what is wrong with a schedule of a destination's own, and what to do.
func (s Schedule) Check() error {
	if len(s) > MaxWaits {
		return fmt.Errorf("must have at most %d waits", MaxWaits)
	}
	for _, wait := range s {
		if wait < MinWait || wait > MaxWait {
			return errors.New("each wait must be between 1s and 7d")
		}
	}
	return nil
}

// String writes a schedule as [Parse] reads it, such as "5s 5m0s".
func (s Schedule) String() string {
	words := make([]string, len(s))
	for i, wait := range s {
		words[i] = wait.String()
	}
	return strings.Join(words, " ")
}

// Parse reads what String writes; no text is the default.
func Parse(text string) (Schedule, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Default, nil
	}
	s := make(Schedule, len(words))
	for i, word := range words {
		var err error
		if s[i], err = time.ParseDuration(word); err != nil {
			return nil, err
		}
	}
	return s, nil
}
