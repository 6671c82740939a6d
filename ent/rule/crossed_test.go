package rule_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/rule"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// crossed are rows that name another account's: nothing makes such, and if
// something did, they would open no door. They are joe's, of jane's rows.
type crossed struct{ delivery, among, attempt string }

func plantCrossed(ctx context.Context, c *ent.Client, joe, jane rows) crossed {
	x := crossed{
		delivery: id.DeliveryOf(joe.event, 9),     // by its id one of joe's event, in its columns of jane's
		among:    id.DeliveryOf(jane.event, 9),    // by its id, too
		attempt:  id.AttemptOf(jane.delivery, 77), // of jane's delivery
	}
	for _, one := range []string{x.delivery, x.among} {
		c.Delivery.Create().SetID(one).SetAccountID(joe.account).SetEventID(jane.event).
			SetDestinationID(jane.destination).SetRun("event/x").ExecX(ctx)
	}
	c.Attempt.Create().SetID(x.attempt).SetAccountID(joe.account).SetDeliveryID(jane.delivery).SetNumber(77).
		SetStartedAt(time.Now()).SetDurationUs(1).ExecX(ctx)
	return x
}

func TestARowThatNamesAnotherAccountsOpensNoDoor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		c := db.Ent
		jane, joe := plant(system, c, "jane@x"), plant(system, c, "joe@x")
		x := plantCrossed(system, c, joe, jane)
		as := func(r rows) context.Context {
			return auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: r.account, Scopes: auth.Scopes})
		}

		// What a condition on an edge finds, whoever asks: the other side is not there.
		conditions := map[string]func(ctx context.Context) (int, error){
			"delivery has a destination": c.Delivery.Query().Where(delivery.IDIn(x.delivery, x.among), delivery.HasDestination()).Count,
			"delivery has a destination with": c.Delivery.Query().Where(delivery.IDIn(x.delivery, x.among),
				delivery.HasDestinationWith(destination.URLContains("e"))).Count,
			"delivery has an event":      c.Delivery.Query().Where(delivery.IDIn(x.delivery, x.among), delivery.HasEvent()).Count,
			"delivery has an event with": c.Delivery.Query().Where(delivery.HasEventWith(event.ID(jane.event)), delivery.IDNEQ(jane.delivery)).Count,
			"delivery of an event of an account": c.Delivery.Query().Where(delivery.IDIn(x.delivery, x.among),
				delivery.HasEventWith(event.HasAccountWith(account.Email("jane@x")))).Count,
			"delivery of an event of an account, other": c.Delivery.Query().Where(delivery.AccountID(joe.account),
				delivery.HasEventWith(event.HasDeliveriesWith(delivery.ID(jane.delivery)))).Count,
			"destination has a delivery": c.Destination.Query().Where(destination.HasDeliveriesWith(delivery.IDIn(x.delivery, x.among))).Count,
			"event has a delivery":       c.Event.Query().Where(event.HasDeliveriesWith(delivery.IDIn(x.delivery, x.among), delivery.EventID(jane.event)), event.ID(jane.event)).Count,
			"attempt has a delivery":     c.Attempt.Query().Where(attempt.ID(x.attempt), attempt.HasDelivery()).Count,
			"delivery has an attempt":    c.Delivery.Query().Where(delivery.HasAttemptsWith(attempt.Number(77))).Count,
			"account of such an event":   c.Account.Query().Where(account.HasEventsWith(event.HasDeliveriesWith(delivery.ID(x.among)))).Count,
		}
		for name, count := range conditions {
			for who, ctx := range map[string]context.Context{"joe": as(joe), "jane": as(jane), "system": system} {
				n, err := count(ctx)
				require.NoError(t, err, "%s, %s", name, who)
				require.Zero(t, n, "%s, %s", name, who)
			}
		}

		// What an edge shows: to the owner of the row nothing of the other's …
		for _, one := range []string{x.delivery, x.among} {
			d := c.Delivery.Query().Where(delivery.ID(one)).WithDestination().WithEvent().WithAttempts().OnlyX(as(joe))
			require.Nil(t, d.Edges.Destination)
			require.Nil(t, d.Edges.Event)
			require.Empty(t, d.Edges.Attempts)
			require.False(t, d.QueryDestination().ExistX(as(joe)))
			require.False(t, d.QueryEvent().QueryAccount().ExistX(as(joe)))
			require.False(t, d.QueryDestination().QueryDeliveries().ExistX(as(joe)))
		}
		a := c.Attempt.Query().Where(attempt.ID(x.attempt)).WithDelivery().OnlyX(as(joe))
		require.Nil(t, a.Edges.Delivery)
		require.False(t, a.QueryDelivery().ExistX(as(joe)))

		// … and to the other nothing of the row.
		d := c.Destination.Query().WithDeliveries().WithAccount().OnlyX(as(jane))
		require.Len(t, d.Edges.Deliveries, 1)
		require.Equal(t, []string{jane.delivery}, d.QueryDeliveries().IDsX(as(jane)))
		e := c.Event.Query().WithDeliveries(func(q *ent.DeliveryQuery) { q.WithAttempts().WithDestination() }).OnlyX(as(jane))
		require.Len(t, e.Edges.Deliveries, 1)
		require.Len(t, e.Edges.Deliveries[0].Edges.Attempts, 1)
		require.NotNil(t, e.Edges.Deliveries[0].Edges.Destination)
		require.Equal(t, []string{jane.delivery}, e.QueryDeliveries().IDsX(as(jane)))
		require.Equal(t, []string{jane.attempt}, e.QueryDeliveries().QueryAttempts().IDsX(as(jane)))
	})
}

// What is deleted is reached through no edge either.
func TestWhatIsDeletedIsReachedThroughNoEdge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		c := db.Ent
		r := plant(system, c, "jane@x")
		found := func() (all []int) {
			for _, count := range []func(context.Context) (int, error){
				c.Delivery.Query().Where(delivery.HasDestination()).Count,
				c.Delivery.Query().Where(delivery.HasDestinationWith(destination.URL("https://example.com"))).Count,
				c.Event.Query().Where(event.HasDeliveriesWith(delivery.HasDestination())).Count,
				c.Token.Query().Where(token.HasAccount()).Count,
				c.Event.Query().Where(event.HasAccountWith(account.Email("jane@x"))).Count,
			} {
				n, err := count(system)
				require.NoError(t, err)
				all = append(all, n)
			}
			return all
		}
		require.Equal(t, []int{1, 1, 1, 1, 1}, found())
		c.Destination.UpdateOneID(r.destination).SetDeletedAt(time.Now()).ExecX(system)
		c.Account.UpdateOneID(r.account).SetDeletedAt(time.Now()).ExecX(system)
		require.Equal(t, []int{0, 0, 0, 0, 0}, found())
		d := c.Delivery.Query().WithDestination().OnlyX(system)
		require.Nil(t, d.Edges.Destination)
		require.False(t, d.QueryDestination().ExistX(system))
	})
}

// A viewer's row cannot name what the viewer does not see: missing and foreign
// neighbours are refused in the same words.
func TestARowCannotNameWhatItsViewerDoesNotSee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		c := db.Ent
		jane, joe := plant(system, c, "jane@x"), plant(system, c, "joe@x")
		ctx := auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: joe.account, Scopes: auth.Scopes})
		missing := rows{
			account: id.New(id.Account, time.Now()), destination: id.New(id.Destination, time.Now()),
			event: id.New(id.Event, time.Now()), delivery: id.DeliveryOf(id.New(id.Event, time.Now()), 1),
		}
		deliveryOf := func(event, destination string) *ent.DeliveryCreate {
			return c.Delivery.Create().SetID(id.DeliveryOf(joe.event, 9)).SetAccountID(joe.account).SetEventID(event).
				SetDestinationID(destination).SetRun("x")
		}
		attemptOf := func(of string) *ent.AttemptCreate {
			return c.Attempt.Create().SetID(id.AttemptOf(joe.delivery, 9)).SetAccountID(joe.account).SetDeliveryID(of).
				SetNumber(9).SetStartedAt(time.Now()).SetDurationUs(1)
		}
		// What is not joe's, and the same of nobody.
		for name, create := range map[string]func(of rows) error{
			"a delivery to a destination": func(of rows) error { return deliveryOf(joe.event, of.destination).Exec(ctx) },
			"a delivery of an event":      func(of rows) error { return deliveryOf(of.event, joe.destination).Exec(ctx) },
			"many deliveries": func(of rows) error {
				return c.Delivery.CreateBulk(deliveryOf(joe.event, joe.destination), deliveryOf(joe.event, of.destination).SetID(id.DeliveryOf(joe.event, 10))).Exec(ctx)
			},
			"an attempt of a delivery": func(of rows) error { return attemptOf(of.delivery).Exec(ctx) },
			"an event of an account": func(of rows) error {
				return c.Event.Create().SetAccountID(of.account).SetPayload([]byte("1")).Exec(ctx)
			},
		} {
			err := create(jane)
			require.Equal(t, problem.NotFound, problem.CodeOf(err), "%s: %v", name, err)
			require.EqualError(t, create(missing), err.Error(), name)
			if name != "many deliveries" && name != "an event of an account" {
				require.NotEqual(t, problem.NotFound, problem.CodeOf(create(joe)), name)
			}
			c.Delivery.Delete().Where(delivery.ID(id.DeliveryOf(joe.event, 9))).ExecX(system)
		}
		// From the other end nothing is tied or untied, not even one's own.
		for name, err := range map[string]error{
			"add destinations":    c.Account.Update().AddDestinationIDs(jane.destination).Exec(ctx),
			"add tokens":          c.Account.UpdateOneID(joe.account).AddTokenIDs(jane.token).Exec(ctx),
			"add events":          c.Account.Update().AddEventIDs(jane.event).Exec(ctx),
			"add deliveries":      c.Destination.UpdateOneID(joe.destination).AddDeliveryIDs(jane.delivery).Exec(ctx),
			"add, of an event":    c.Event.UpdateOneID(joe.event).AddDeliveryIDs(jane.delivery).Exec(ctx),
			"add attempts":        c.Delivery.UpdateOneID(joe.delivery).AddAttemptIDs(jane.attempt).Exec(ctx),
			"add one's own":       c.Delivery.UpdateOneID(joe.delivery).AddAttemptIDs(joe.attempt).Exec(ctx),
			"remove deliveries":   c.Event.UpdateOneID(joe.event).RemoveDeliveryIDs(jane.delivery).Exec(ctx),
			"clear deliveries":    c.Destination.Update().ClearDeliveries().Exec(ctx),
			"create with another": c.Destination.Create().SetAccountID(joe.account).SetURL("https://x").SetSigningSecrets([]byte{1}).AddDeliveryIDs(jane.delivery).Exec(ctx),
		} {
			require.Equal(t, problem.Forbidden, problem.CodeOf(err), "%s: %v", name, err)
		}
		require.Equal(t, jane.destination, c.Delivery.GetX(system, jane.delivery).DestinationID)
		require.Equal(t, joe.destination, c.Delivery.GetX(system, joe.delivery).DestinationID)

		// What a command has read needs no further look, and says whose it is.
		knows := rule.WithOwners(ctx, map[string]string{joe.event: joe.account, jane.destination: jane.account, joe.destination: joe.account})
		require.Equal(t, problem.NotFound, problem.CodeOf(deliveryOf(joe.event, jane.destination).Exec(knows)))
		require.NoError(t, deliveryOf(joe.event, joe.destination).Exec(knows))
	})
}
