package statistics

import (
	"encoding/json"
	"maps"
	"strconv"
)

// counts are what is counted of one subject in one span.
type counts struct {
	events, deliveries, attempts, failedAttempts, succeeded, failed int64
	detail
}

// detail is what has no column of its own.
type detail struct {
	// Results are how attempts ended, by HTTP status or by why no answer came.
	Results map[string]int64 `json:"r,omitempty"`
	// Attempts are durations of attempts that were answered.
	Attempts histogram `json:"a,omitempty"`
	// Deliveries are durations from accepting an event until its delivery succeeded.
	Deliveries histogram `json:"d,omitempty"`
}

func (d *detail) result(status int, class string) {
	if d.Results == nil {
		d.Results = map[string]int64{}
	}
	if status != 0 {
		class = strconv.Itoa(status)
	}
	d.Results[class]++
}

func (c *counts) merge(o *counts) {
	c.events += o.events
	c.deliveries += o.deliveries
	c.attempts += o.attempts
	c.failedAttempts += o.failedAttempts
	c.succeeded += o.succeeded
	c.failed += o.failed
	if c.Results == nil {
		c.Results = maps.Clone(o.Results)
	} else {
		for result, n := range o.Results {
			c.Results[result] += n
		}
	}
	c.detail.Attempts.merge(o.detail.Attempts)
	c.detail.Deliveries.merge(o.detail.Deliveries)
}

// encode writes the detail as JSON; "" where there is none.
func (d *detail) encode() string {
	if len(d.Results) == 0 && len(d.Attempts) == 0 && len(d.Deliveries) == 0 {
		return ""
	}
	text, _ := json.Marshal(d) // numbers and known strings: it cannot fail
	return string(text)
}

func decode(text string) (d detail, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &d)
	}
	return d, err
}
