package graph

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/keyed"
	"datapusher/ent/predicate"
	"datapusher/graph/model"
	"datapusher/internal/auth"
)

// backlogMost is how far what waits is counted, and among how many of the newest
// deliveries those are looked for that have had no attempt: those are nearly
// always the newest, and no index has to be kept for them.
const backlogMost = 10_000

// backlog counts what waits, of one destination, one account or everything that
// the viewer may see.
func (r *Resolver) backlog(ctx context.Context, accountID, destinationID *string) (*model.Backlog, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	account := deref(accountID)
	if v := auth.From(ctx); account == "" && deref(destinationID) == "" && !v.Everything() {
		account = v.AccountID
	}
	of := backlogOf{r.ent, account, deref(destinationID)}
	var (
		b   model.Backlog
		err error
	)
	if b.Pending, err = of.pending(ctx); err != nil {
		return nil, err
	}
	if b.Retrying, err = of.count(ctx, delivery.StatusRetrying); err != nil {
		return nil, err
	}
	b.Parked, err = of.count(ctx, delivery.StatusParked)
	return &b, err
}

// backlogOf is whose backlog is counted: "" is of no certain one.
type backlogOf struct {
	client               *ent.Client
	account, destination string
}

// pending looks through the newest deliveries.
func (of backlogOf) pending(ctx context.Context) (int, error) {
	newest := among(func(rows *sql.Selector) {
		by := []string{sql.Desc(rows.C(delivery.FieldID))}
		switch {
		case of.destination != "":
			keyed.Only(delivery.FieldDestinationID, of.destination)(rows)
			by = append([]string{sql.Desc(rows.C(delivery.FieldDestinationID))}, by...)
		case of.account != "":
			keyed.Only(delivery.FieldAccountID, of.account)(rows)
			by = append([]string{sql.Desc(rows.C(delivery.FieldAccountID))}, by...)
		}
		rows.OrderBy(by...)
	})
	return of.counted(ctx, newest, delivery.StatusIn(delivery.StatusPending, delivery.StatusDelivering))
}

// count counts deliveries of a status that has a partial index by destination. The
// status stands there as in the index's condition, see [Resolver.parkedOf].
func (of backlogOf) count(ctx context.Context, status delivery.Status) (int, error) {
	return of.counted(ctx, among(func(rows *sql.Selector) {
		rows.Where(sql.ExprP(rows.C(delivery.FieldStatus) + " = '" + string(status) + "'"))
		if of.destination != "" {
			rows.Where(sql.EQ(rows.C(delivery.FieldDestinationID), of.destination))
		}
		if of.account != "" {
			d := sql.Dialect(rows.Dialect())
			t := d.Table(destination.Table)
			rows.Where(sql.In(rows.C(delivery.FieldDestinationID),
				d.Select(t.C(destination.FieldID)).From(t).Where(sql.EQ(t.C(destination.FieldAccountID), of.account))))
		}
	}))
}

// counted counts rows that are the account's, if one is named. The rules look at
// what is counted, so that none of another account's is.
func (of backlogOf) counted(ctx context.Context, which ...predicate.Delivery) (int, error) {
	q := of.client.Delivery.Query().Where(which...)
	if of.account != "" {
		q.Where(delivery.AccountID(of.account))
	}
	return q.Count(ctx)
}

// among has a query look at no more than [backlogMost] deliveries: those that are
// found as it is said. It comes before other conditions, which are about these.
func among(find func(rows *sql.Selector)) predicate.Delivery {
	return func(s *sql.Selector) {
		d := sql.Dialect(s.Dialect())
		t := d.Table(delivery.Table)
		rows := d.Select(t.C(delivery.FieldID), t.C(delivery.FieldAccountID), t.C(delivery.FieldStatus)).From(t).WithContext(s.Context())
		find(rows)
		*s = *d.Select().From(rows.Limit(backlogMost).As(delivery.Table)).WithContext(s.Context())
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
