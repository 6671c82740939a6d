package graph

import (
	"context"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/event"
	"datapusher/ent/keyed"
	"datapusher/graph/model"
)

// report counts how the deliveries of a replay stand.
func (r *Resolver) report(ctx context.Context, of *ent.Replay) (*model.ReplayReport, error) {
	var rows []struct {
		Status delivery.Status
		Count  int
	}
	err := r.ent.Delivery.Query().Where(delivery.AccountID(of.AccountID), keyed.OfAll(delivery.FieldEventID, event.Table, event.ReplayID(of.ID))).
		GroupBy(delivery.FieldStatus).Aggregate(ent.Count()).Scan(ctx, &rows)
	var report model.ReplayReport
	for _, row := range rows {
		switch row.Status {
		case delivery.StatusPending, delivery.StatusDelivering:
			report.Pending += row.Count
		case delivery.StatusRetrying:
			report.Retrying = row.Count
		case delivery.StatusParked:
			report.Parked = row.Count
		case delivery.StatusSucceeded:
			report.Succeeded = row.Count
		case delivery.StatusFailed:
			report.Failed = row.Count
		case delivery.StatusCanceled:
			report.Canceled = row.Count
		}
	}
	return &report, err
}
