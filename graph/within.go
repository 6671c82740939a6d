package graph

import (
	"time"

	"datapusher/ent"
	"datapusher/internal/id"
)

// clocksApart is how far the clock that an id was minted by and the one that wrote
// createdAt may be apart.
const clocksApart = time.Hour

// The ids of events and deliveries begin with the time at which they were made, and
// every list of them is read in the order of ids. So what is filtered by createdAt is
// bounded by ids as well: a list ends where the time does, however long the history.

func eventsWithin(where *ent.EventWhereInput) *ent.EventWhereInput {
	if where == nil {
		return nil
	}
	w := *where
	w.IDGTE = later(w.IDGTE, id.Event, w.CreatedAtGTE, w.CreatedAtGT)
	w.IDLT = earlier(w.IDLT, id.Event, w.CreatedAtLTE, w.CreatedAtLT)
	return &w
}

func deliveriesWithin(where *ent.DeliveryWhereInput) *ent.DeliveryWhereInput {
	if where == nil {
		return nil
	}
	w := *where
	w.IDGTE = later(w.IDGTE, id.Delivery, w.CreatedAtGTE, w.CreatedAtGT)
	w.IDLT = earlier(w.IDLT, id.Delivery, w.CreatedAtLTE, w.CreatedAtLT)
	return &w
}

// later is the latest of a bound and what times, where they are given, make one.
func later(bound *string, p id.Prefix, times ...*time.Time) *string {
	for _, t := range times {
		if t == nil {
			continue
		}
		if first := id.First(p, t.Add(-clocksApart)); bound == nil || first > *bound {
			bound = &first
		}
	}
	return bound
}

// earlier is the earliest of them.
func earlier(bound *string, p id.Prefix, times ...*time.Time) *string {
	for _, t := range times {
		if t == nil {
			continue
		}
		if first := id.First(p, t.Add(clocksApart)); bound == nil || first < *bound {
			bound = &first
		}
	}
	return bound
}
