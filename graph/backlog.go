package graph

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/keyed"
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
	q := of.client.Delivery.Query()
	switch {
	case of.destination != "":
		q.Where(keyed.Only(delivery.FieldDestinationID, of.destination)).
			Order(delivery.ByDestinationID(sql.OrderDesc()), delivery.ByID(sql.OrderDesc()))
	case of.account != "":
		q.Where(keyed.Only(delivery.FieldAccountID, of.account)).
			Order(delivery.ByAccountID(sql.OrderDesc()), delivery.ByID(sql.OrderDesc()))
	default:
		q.Order(delivery.ByID(sql.OrderDesc()))
	}
	newest, err := q.Limit(backlogMost).Select(delivery.FieldAccountID, delivery.FieldStatus).All(ctx)
	pending := 0
	for _, d := range newest {
		waits := d.Status == delivery.StatusPending || d.Status == delivery.StatusDelivering
		if waits && (of.account == "" || d.AccountID == of.account) {
			pending++
		}
	}
	return pending, err
}

// count counts deliveries of a status that has a partial index by destination. The
// status stands there as in the index's condition, see [Resolver.parkedOf].
func (of backlogOf) count(ctx context.Context, status delivery.Status) (int, error) {
	q := of.client.Delivery.Query().Where(func(s *sql.Selector) {
		s.Where(sql.ExprP(s.C(delivery.FieldStatus) + " = '" + string(status) + "'"))
	})
	if of.destination != "" {
		q.Where(delivery.DestinationID(of.destination))
	}
	if of.account != "" {
		q.Where(delivery.AccountID(of.account), func(s *sql.Selector) {
			d := sql.Dialect(s.Dialect())
			t := d.Table(destination.Table)
			s.Where(sql.In(s.C(delivery.FieldDestinationID),
				d.Select(t.C(destination.FieldID)).From(t).Where(sql.EQ(t.C(destination.FieldAccountID), of.account))))
		})
	}
	ids, err := q.Limit(backlogMost).Select(delivery.FieldID).Strings(ctx)
	return len(ids), err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
