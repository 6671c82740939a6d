package httpapi

import (
	"context"
	"net/http"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// getDestinations answers the destinations of ?account_id=, which an account may
// leave out for its own: at most 1,000 in the order of their creation, and those
// after ?after= where next says so.
func (a *api) getDestinations(w http.ResponseWriter, r *http.Request) error {
	ctx, v, err := a.reader(r)
	if err != nil {
		return err
	}
	q, err := seedQuery(r, accountIDName, afterName)
	if err != nil {
		return err
	}
	ref := q[accountIDName]
	if ref == "" {
		ref = v.AccountID
	}
	if ref == "" {
		return problem.Fields{{Name: accountIDName, Message: "must be given"}}.Err()
	}
	of, err := a.Pusher.AccountByRef(ctx, ref)
	if err != nil {
		return err
	}
	query := a.DB.Ent.Destination.Query().Where(destination.AccountID(of.ID))
	if after := q[afterName]; after != "" {
		if !id.Is(id.Destination, after) {
			return badAfter()
		}
		query.Where(destination.IDGT(after))
	}
	rows, err := query.Order(destination.ByID()).Limit(listed + 1).All(ctx)
	if err != nil {
		return err
	}
	return a.writeDestinations(ctx, w, rows, of)
}

func (a *api) writeDestinations(ctx context.Context, w http.ResponseWriter, rows []*ent.Destination, of *ent.Account) (err error) {
	rows, next := page(rows, func(d *ent.Destination) string { return d.ID })
	data := make([]seedDestination, len(rows))
	for i, row := range rows {
		if data[i], err = a.shownDestination(ctx, row, of); err != nil {
			return err
		}
	}
	return writeSeed(w, seedAnswer{Data: data, Next: next})
}
