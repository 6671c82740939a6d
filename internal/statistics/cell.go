package statistics

import (
	"encoding/json"
	"maps"
)

// counts are what is counted of one subject in one span.
type counts struct {
	events, deliveries, attempts, failedAttempts, succeeded, failed int64
	detail
}

// detail is what has no column of its own.
type detail struct {
	// Statuses are how attempts ended that were answered, and Classes why others were not.
	Statuses map[int]int64    `json:"s,omitempty"`
	Classes  map[string]int64 `json:"c,omitempty"`
	// Attempts are durations of attempts that were answered.
	Attempts histogram `json:"a,omitempty"`
	// Deliveries are durations from accepting an event until its delivery succeeded.
	Deliveries histogram `json:"d,omitempty"`
}

// result counts how an attempt ended.
func (d *detail) result(status int, class string) {
	if status != 0 {
		if d.Statuses == nil {
			d.Statuses = map[int]int64{}
		}
		d.Statuses[status]++
		return
	}
	if d.Classes == nil {
		d.Classes = map[string]int64{}
	}
	d.Classes[class]++
}

func (c *counts) merge(o *counts) {
	c.events += o.events
	c.deliveries += o.deliveries
	c.attempts += o.attempts
	c.failedAttempts += o.failedAttempts
	c.succeeded += o.succeeded
	c.failed += o.failed
	mergeInto(&c.Statuses, o.Statuses)
	mergeInto(&c.Classes, o.Classes)
	c.detail.Attempts.merge(o.detail.Attempts)
	c.detail.Deliveries.merge(o.detail.Deliveries)
}

func mergeInto[K comparable](into *map[K]int64, from map[K]int64) {
	if *into == nil {
		*into = maps.Clone(from)
		return
	}
	for k, n := range from {
		(*into)[k] += n
	}
}

// encode writes the detail as JSON; "" where there is none.
func (d *detail) encode() string {
	if len(d.Statuses) == 0 && len(d.Classes) == 0 && len(d.Attempts) == 0 && len(d.Deliveries) == 0 {
		return ""
	}
	text, _ := json.Marshal(d) // numbers and known words: it cannot fail
	return string(text)
}

func decode(text string) (d detail, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &d)
	}
	return d, err
}
