package graph

import (
	"context"
	"time"

	"datapusher/internal/problem"
	"datapusher/internal/statistics"
)

// statistics answers from what processes have counted.
func (r *Resolver) statistics(ctx context.Context, accountID, destinationID *string, from, to *time.Time, step *time.Duration) (*statistics.Report, error) {
	return statistics.Ask(ctx, r.ent, statistics.Question{
		AccountID: deref(accountID), DestinationID: deref(destinationID), From: from, To: to, Step: step,
	}, r.now())
}

// maxTroubled is how many destinations are told at most.
const maxTroubled = 50

func (r *Resolver) troubled(ctx context.Context, of *statistics.Report, limit *int) ([]*statistics.DestinationFigures, error) {
	n := 10
	if limit != nil {
		n = *limit
	}
	if n < 1 || n > maxTroubled {
		return nil, problem.New(problem.Invalid, "troubledDestinations: limit must be between 1 and %d", maxTroubled)
	}
	return of.Troubled(ctx, r.ent, n)
}
