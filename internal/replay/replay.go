// Package replay says which events a bulk replay sends once more. Whoever counts
// them beforehand and the core, which replays them, ask with the same conditions.
package replay

import (
	"time"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/event"
	"datapusher/ent/predicate"
	"datapusher/internal/id"
)

// skew is how far the clock that minted an event's id may be off the one that
// wrote when it was accepted.
const skew = time.Hour

// Matching are the conditions on events. An event that the replay has made does
// not match: it would be replayed again where the database's clock is behind.
func Matching(r *ent.Replay) []predicate.Event {
	all := []predicate.Event{
		event.AccountID(r.AccountID),
		event.CreatedAtGTE(r.FromTime), event.CreatedAtLT(r.ToTime),
		// Ids sort by time, and have an index: nobody's whole history is read.
		event.IDGTE(id.First(id.Event, r.FromTime.Add(-skew))), event.IDLT(id.First(id.Event, r.ToTime.Add(skew))),
	}
	if r.ID != "" {
		all = append(all, event.Or(event.ReplayIDIsNil(), event.ReplayIDNEQ(r.ID)))
	}
	if r.EventType != "" {
		all = append(all, event.EventType(r.EventType))
	}
	if r.DestinationID != "" || len(r.Statuses) > 0 {
		all = append(all, event.HasDeliveriesWith(Deliveries(r)...))
	}
	return all
}

// Deliveries are the conditions on the deliveries of a matching event: where they
// went, and how they stand. Without any of these every delivery matches.
func Deliveries(r *ent.Replay) []predicate.Delivery {
	all := []predicate.Delivery{delivery.AccountID(r.AccountID)}
	if r.DestinationID != "" {
		all = append(all, delivery.DestinationID(r.DestinationID))
	}
	if len(r.Statuses) > 0 {
		statuses := make([]delivery.Status, len(r.Statuses))
		for i, s := range r.Statuses {
			statuses[i] = delivery.Status(s)
		}
		all = append(all, delivery.StatusIn(statuses...))
	}
	return all
}
