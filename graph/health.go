package graph

import (
	"context"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/keyed"
	"datapusher/internal/id"
)

const (
	// looked is how many deliveries are looked at in one place.
	looked = 1000
	// rated is how many deliveries make the success rate.
	rated = 100
)

// since is when a destination came to its state.
func since(d *ent.Destination) *time.Time {
	if d.StateSince != nil {
		return d.StateSince
	}
	return &d.CreatedAt
}

// recentSuccessRate is the share of a destination's deliveries that it accepted
// at their last attempt. Ids of attempts are built from their number, so the last
// ones are found by their keys.
func (r *Resolver) recentSuccessRate(ctx context.Context, d *ent.Destination) (*float64, error) {
	tried, err := r.recentlyTried(ctx, d)
	if err != nil {
		return nil, err
	}
	last := make([]string, 0, rated)
	for _, one := range tried[:min(len(tried), rated)] {
		last = append(last, id.AttemptOf(one.ID, one.AttemptCount))
	}
	if len(last) == 0 {
		return nil, nil
	}
	made, err := r.ent.Attempt.Query().Where(attempt.IDIn(last...)).Select(attempt.FieldID, attempt.FieldStatus).All(ctx)
	if err != nil || len(made) == 0 {
		return nil, err
	}
	accepted := 0
	for _, a := range made {
		if a.Status != nil && *a.Status >= 200 && *a.Status <= 299 {
			accepted++
		}
	}
	rate := float64(accepted) / float64(len(made))
	return &rate, nil
}

// recentlyTried are the newest deliveries that have had an attempt. Where they
// are not among the newest of all, the newest are parked, and what was tried
// stands at the park's other end or before it.
func (r *Resolver) recentlyTried(ctx context.Context, d *ent.Destination) ([]*ent.Delivery, error) {
	newest := r.ent.Delivery.Query().Where(keyed.Only(delivery.FieldDestinationID, d.ID)).
		Order(delivery.ByDestinationID(sql.OrderDesc()), delivery.ByID(sql.OrderDesc()))
	tried, err := triedOf(ctx, newest.Clone())
	if err != nil || len(tried) > 0 {
		return tried, err
	}
	if tried, err = triedOf(ctx, r.parkedOf(d).Order(delivery.ByID())); err != nil {
		return nil, err
	}
	oldest, err := r.parkedOf(d).Order(delivery.ByID()).Limit(1).IDs(ctx)
	if err != nil || len(oldest) == 0 {
		return tried, err
	}
	before, err := triedOf(ctx, newest.Where(delivery.IDLT(oldest[0])))
	return append(tried, before...), err
}

// triedOf are those of a query's first deliveries that have had an attempt.
func triedOf(ctx context.Context, q *ent.DeliveryQuery) ([]*ent.Delivery, error) {
	found, err := q.Limit(looked).Select(delivery.FieldID, delivery.FieldAttemptCount).All(ctx)
	return slices.DeleteFunc(found, func(d *ent.Delivery) bool { return d.AttemptCount == 0 }), err
}

// parkedOf asks for what a destination has parked. The status stands there as in
// the condition of the partial index: SQLite compares texts and takes no parameter
// for it.
func (r *Resolver) parkedOf(d *ent.Destination) *ent.DeliveryQuery {
	return r.ent.Delivery.Query().Where(delivery.DestinationID(d.ID), func(s *sql.Selector) {
		s.Where(sql.ExprP(s.C(delivery.FieldStatus) + " = 'PARKED'"))
	})
}

func (r *Resolver) parkedCount(ctx context.Context, d *ent.Destination) (int, error) {
	return r.parkedOf(d).Count(ctx)
}

func (r *Resolver) oldestParkedAt(ctx context.Context, d *ent.Destination) (*time.Time, error) {
	oldest, err := r.parkedOf(d).Order(delivery.ByID()).Limit(1).
		Select(delivery.FieldParkedAt, delivery.FieldCreatedAt).All(ctx)
	if err != nil || len(oldest) == 0 {
		return nil, err
	}
	if oldest[0].ParkedAt == nil {
		return &oldest[0].CreatedAt, nil // parked by a version that did not write when
	}
	return oldest[0].ParkedAt, nil
}
