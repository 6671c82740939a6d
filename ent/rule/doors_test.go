package rule_test

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/action"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/idempotencykey"
	"datapusher/ent/replay"
	"datapusher/ent/statistic"
	"datapusher/ent/token"
	"datapusher/internal/id"
)

// rows are the ids of one account's rows, one of each type.
type rows struct{ account, token, destination, event, delivery, attempt, key, replay, action, statistic string }

func plant(ctx context.Context, c *ent.Client, email string) rows {
	now := time.Now()
	var m id.Minter
	r := rows{account: id.New(id.Account, now), event: m.Events(now, 1)[0]}
	r.delivery = id.DeliveryOf(r.event, 0)
	r.attempt = id.AttemptOf(r.delivery, 1)
	r.key = r.account + "/key"
	c.Account.Create().SetID(r.account).SetName("n").SetEmail(email).ExecX(ctx)
	r.token = c.Token.Create().SetAccountID(r.account).SetName("n").SetScopes([]string{"READ"}).
		SetHash([]byte{1}).SetPrefix("p").SaveX(ctx).ID
	r.destination = c.Destination.Create().SetAccountID(r.account).SetURL("https://example.com").
		SetSigningSecrets([]byte{1}).SaveX(ctx).ID
	c.Event.Create().SetID(r.event).SetAccountID(r.account).SetPayload([]byte("1")).ExecX(ctx)
	c.Delivery.Create().SetID(r.delivery).SetAccountID(r.account).SetEventID(r.event).
		SetDestinationID(r.destination).SetRun("event/x").ExecX(ctx)
	c.Attempt.Create().SetID(r.attempt).SetAccountID(r.account).SetDeliveryID(r.delivery).SetNumber(1).
		SetStartedAt(now).SetDurationUs(1).ExecX(ctx)
	c.IdempotencyKey.Create().SetID(r.key).SetAccountID(r.account).SetEventID(r.event).
		SetBodyHash([]byte{1}).SetExpiresAt(now).ExecX(ctx)
	r.replay = c.Replay.Create().SetAccountID(r.account).SetActor("admin").SetFromTime(now).SetToTime(now).SetRate(1).
		SetMatched(1).SaveX(ctx).ID
	r.statistic = r.account + "/m/0/x"
	statisticOf(c.Statistic.Create(), r).SetID(r.statistic).ExecX(ctx)
	r.action = c.Action.Create().SetAccountID(r.account).SetSubjectID(r.delivery).SetKind(action.KindRetry).
		SetActor("admin").SaveX(ctx).ID
	return r
}

// door is how one type is reached.
type door struct {
	id      func(rows) string
	list    func(ctx context.Context) ([]string, error)
	order   func(ctx context.Context) ([]string, error)
	group   func(ctx context.Context) ([]string, error)
	total   func(ctx context.Context) (int, error)
	count   func(ctx context.Context) (int, error)
	get     func(ctx context.Context, id string) error
	through func(ctx context.Context, of rows) (int, error) // rows found by a condition on a neighbour
	update  func(ctx context.Context, id string) (int, error)
	delete  func(ctx context.Context, id string) (int, error)
	create  func(ctx context.Context, of rows) error
	bulk    func(ctx context.Context, of ...rows) error
	final   bool // rows are added, and never changed or deleted
}

// What a new row of an account has to have.

func accountOf(b *ent.AccountCreate, _ rows) *ent.AccountCreate {
	return b.SetName("x").SetEmail("x@x")
}

func tokenOf(b *ent.TokenCreate, of rows) *ent.TokenCreate {
	return b.SetAccountID(of.account).SetName("x").SetScopes([]string{"READ"}).SetHash([]byte{1}).SetPrefix("p")
}

func destinationOf(b *ent.DestinationCreate, of rows) *ent.DestinationCreate {
	return b.SetAccountID(of.account).SetURL("https://x").SetSigningSecrets([]byte{1})
}

func eventOf(b *ent.EventCreate, of rows) *ent.EventCreate {
	return b.SetAccountID(of.account).SetPayload([]byte("1"))
}

func deliveryOf(b *ent.DeliveryCreate, of rows) *ent.DeliveryCreate {
	return b.SetID(id.DeliveryOf(of.event, 7)).SetAccountID(of.account).SetEventID(of.event).SetDestinationID(of.destination).SetRun("x")
}

func attemptOf(b *ent.AttemptCreate, of rows) *ent.AttemptCreate {
	return b.SetID(id.AttemptOf(of.delivery, 2)).SetAccountID(of.account).SetDeliveryID(of.delivery).SetNumber(2).SetStartedAt(time.Now()).SetDurationUs(1)
}

func keyOf(b *ent.IdempotencyKeyCreate, of rows) *ent.IdempotencyKeyCreate {
	return b.SetID(of.account + "/2").SetAccountID(of.account).SetEventID(of.event).SetBodyHash([]byte{1}).SetExpiresAt(time.Now())
}

func replayOf(b *ent.ReplayCreate, of rows) *ent.ReplayCreate {
	return b.SetAccountID(of.account).SetActor("x").SetFromTime(time.Now()).SetToTime(time.Now()).SetRate(1).SetMatched(1)
}

func actionOf(b *ent.ActionCreate, of rows) *ent.ActionCreate {
	return b.SetAccountID(of.account).SetSubjectID(of.delivery).SetKind(action.KindRetry).SetActor("x")
}

func statisticOf(b *ent.StatisticCreate, of rows) *ent.StatisticCreate {
	return b.SetID(of.account + "/m/1/x").SetAccountID(of.account).SetHourly(false).SetAt(time.Now()).SetWriter("x").SetUpdatedAt(time.Now())
}

// doors has every type of the schema.
func doors(c *ent.Client) map[string]door {
	return map[string]door{
		account.Table: {
			id:   func(r rows) string { return r.account },
			list: func(ctx context.Context) ([]string, error) { return c.Account.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Account.Query().Order(account.ByEmail(sql.OrderDesc())).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Account.Query().GroupBy(account.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Account.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Account.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Account.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Account.Query().Where(account.HasDestinationsWith(destination.ID(of.destination))).Count(ctx)
			},
			update: func(ctx context.Context, id string) (int, error) {
				return c.Account.Update().Where(account.ID(id)).SetName("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Account.Delete().Where(account.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return accountOf(c.Account.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Account.MapCreateBulk(of, func(b *ent.AccountCreate, i int) { accountOf(b, of[i]) }).Exec(ctx)
			},
		},
		token.Table: {
			id:   func(r rows) string { return r.token },
			list: func(ctx context.Context) ([]string, error) { return c.Token.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Token.Query().Order(token.ByAccountField(account.FieldEmail)).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Token.Query().GroupBy(token.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Token.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Token.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Token.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Token.Query().Where(token.HasAccountWith(account.ID(of.account))).Count(ctx)
			},
			update: func(ctx context.Context, id string) (int, error) {
				return c.Token.Update().Where(token.ID(id)).SetName("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Token.Delete().Where(token.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return tokenOf(c.Token.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Token.MapCreateBulk(of, func(b *ent.TokenCreate, i int) { tokenOf(b, of[i]) }).Exec(ctx)
			},
		},
		destination.Table: {
			id:   func(r rows) string { return r.destination },
			list: func(ctx context.Context) ([]string, error) { return c.Destination.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Destination.Query().Order(destination.ByDeliveriesCount(sql.OrderDesc())).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Destination.Query().GroupBy(destination.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Destination.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Destination.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Destination.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Destination.Query().Where(destination.HasDeliveriesWith(delivery.ID(of.delivery))).Count(ctx)
			},
			update: func(ctx context.Context, id string) (int, error) {
				return c.Destination.Update().Where(destination.ID(id)).SetName("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Destination.Delete().Where(destination.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return destinationOf(c.Destination.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Destination.MapCreateBulk(of, func(b *ent.DestinationCreate, i int) { destinationOf(b, of[i]) }).Exec(ctx)
			},
		},
		event.Table: {
			id:   func(r rows) string { return r.event },
			list: func(ctx context.Context) ([]string, error) { return c.Event.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Event.Query().Order(event.ByDeliveriesCount(), event.ByCreatedAt()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Event.Query().GroupBy(event.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Event.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Event.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Event.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Event.Query().Where(event.HasAccountWith(account.ID(of.account))).Count(ctx)
			},
			update: func(ctx context.Context, id string) (int, error) {
				return c.Event.Update().Where(event.ID(id)).AddDeliveryIDs().Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Event.Delete().Where(event.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return eventOf(c.Event.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Event.MapCreateBulk(of, func(b *ent.EventCreate, i int) { eventOf(b, of[i]) }).Exec(ctx)
			},
		},
		delivery.Table: {
			id:   func(r rows) string { return r.delivery },
			list: func(ctx context.Context) ([]string, error) { return c.Delivery.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Delivery.Query().Order(delivery.ByDestinationField(destination.FieldURL), delivery.ByReason()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Delivery.Query().GroupBy(delivery.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Delivery.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Delivery.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Delivery.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Delivery.Query().Where(delivery.HasEventWith(event.ID(of.event))).Count(ctx)
			},
			update: func(ctx context.Context, id string) (int, error) {
				return c.Delivery.Update().Where(delivery.ID(id)).SetReason("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Delivery.Delete().Where(delivery.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return deliveryOf(c.Delivery.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Delivery.MapCreateBulk(of, func(b *ent.DeliveryCreate, i int) { deliveryOf(b, of[i]) }).Exec(ctx)
			},
		},
		attempt.Table: {
			id:   func(r rows) string { return r.attempt },
			list: func(ctx context.Context) ([]string, error) { return c.Attempt.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Attempt.Query().Order(attempt.ByNumber(sql.OrderDesc())).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Attempt.Query().GroupBy(attempt.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Attempt.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Attempt.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Attempt.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Attempt.Query().Where(attempt.HasDeliveryWith(delivery.ID(of.delivery))).Count(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Attempt.Delete().Where(attempt.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return attemptOf(c.Attempt.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Attempt.MapCreateBulk(of, func(b *ent.AttemptCreate, i int) { attemptOf(b, of[i]) }).Exec(ctx)
			},
		},
		idempotencykey.Table: {
			id:   func(r rows) string { return r.key },
			list: func(ctx context.Context) ([]string, error) { return c.IdempotencyKey.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.IdempotencyKey.Query().Order(idempotencykey.ByExpiresAt()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.IdempotencyKey.Query().GroupBy(idempotencykey.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) {
				return c.IdempotencyKey.Query().Aggregate(ent.Count()).Int(ctx)
			},
			count: func(ctx context.Context) (int, error) { return c.IdempotencyKey.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.IdempotencyKey.Get(ctx, id); return err },
			update: func(ctx context.Context, id string) (int, error) {
				return c.IdempotencyKey.Update().Where(idempotencykey.ID(id)).SetEventID("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.IdempotencyKey.Delete().Where(idempotencykey.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return keyOf(c.IdempotencyKey.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.IdempotencyKey.MapCreateBulk(of, func(b *ent.IdempotencyKeyCreate, i int) { keyOf(b, of[i]) }).Exec(ctx)
			},
		},
		replay.Table: {
			id:   func(r rows) string { return r.replay },
			list: func(ctx context.Context) ([]string, error) { return c.Replay.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Replay.Query().Order(replay.ByStatus()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Replay.Query().GroupBy(replay.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Replay.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Replay.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Replay.Get(ctx, id); return err },
			update: func(ctx context.Context, id string) (int, error) {
				return c.Replay.Update().Where(replay.ID(id)).SetReason("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Replay.Delete().Where(replay.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return replayOf(c.Replay.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Replay.MapCreateBulk(of, func(b *ent.ReplayCreate, i int) { replayOf(b, of[i]) }).Exec(ctx)
			},
		},
		statistic.Table: {
			id:   func(r rows) string { return r.statistic },
			list: func(ctx context.Context) ([]string, error) { return c.Statistic.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Statistic.Query().Order(statistic.ByAt()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Statistic.Query().GroupBy(statistic.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Statistic.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Statistic.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Statistic.Get(ctx, id); return err },
			update: func(ctx context.Context, id string) (int, error) {
				return c.Statistic.Update().Where(statistic.ID(id)).SetEvents(1).Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Statistic.Delete().Where(statistic.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return statisticOf(c.Statistic.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Statistic.MapCreateBulk(of, func(b *ent.StatisticCreate, i int) { statisticOf(b, of[i]) }).Exec(ctx)
			},
		},
		action.Table: {
			id:   func(r rows) string { return r.action },
			list: func(ctx context.Context) ([]string, error) { return c.Action.Query().IDs(ctx) },
			order: func(ctx context.Context) ([]string, error) {
				return c.Action.Query().Order(action.ByKind()).IDs(ctx)
			},
			group: func(ctx context.Context) ([]string, error) {
				return c.Action.Query().GroupBy(action.FieldID).Strings(ctx)
			},
			total: func(ctx context.Context) (int, error) { return c.Action.Query().Aggregate(ent.Count()).Int(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Action.Query().Count(ctx) },
			final: true,
			update: func(ctx context.Context, id string) (int, error) {
				return c.Action.Update().Where(action.ID(id)).Save(ctx)
			},
			get: func(ctx context.Context, id string) error { _, err := c.Action.Get(ctx, id); return err },
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Action.Delete().Where(action.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error { return actionOf(c.Action.Create(), of).Exec(ctx) },
			bulk: func(ctx context.Context, of ...rows) error {
				return c.Action.MapCreateBulk(of, func(b *ent.ActionCreate, i int) { actionOf(b, of[i]) }).Exec(ctx)
			},
		},
	}
}

// systemDoors are the ways to the types that belong to no account.
func systemDoors(c *ent.Client) map[string]map[string]func(context.Context) error {
	return map[string]map[string]func(context.Context) error{
		"sessions": {
			"list":   func(ctx context.Context) error { _, err := c.Session.Query().All(ctx); return err },
			"count":  func(ctx context.Context) error { _, err := c.Session.Query().Count(ctx); return err },
			"update": func(ctx context.Context) error { return c.Session.Update().ClearRevokedAt().Exec(ctx) },
			"delete": func(ctx context.Context) error { _, err := c.Session.Delete().Exec(ctx); return err },
			"create": func(ctx context.Context) error {
				return c.Session.Create().SetHash([]byte{1}).SetAdminHash([]byte{1}).SetExpiresAt(time.Now()).Exec(ctx)
			},
		},
		"portal_links": {
			"list":   func(ctx context.Context) error { _, err := c.PortalLink.Query().All(ctx); return err },
			"count":  func(ctx context.Context) error { _, err := c.PortalLink.Query().Count(ctx); return err },
			"update": func(ctx context.Context) error { return c.PortalLink.Update().ClearUsedAt().Exec(ctx) },
			"delete": func(ctx context.Context) error { _, err := c.PortalLink.Delete().Exec(ctx); return err },
			"create": func(ctx context.Context) error {
				return c.PortalLink.Create().SetAccountID("acc_1").SetHash([]byte{1}).SetScopes([]string{"READ"}).SetSessionS(1).
					SetExpiresAt(time.Now()).Exec(ctx)
			},
		},
		"key_checks": {
			"list":   func(ctx context.Context) error { _, err := c.KeyCheck.Query().All(ctx); return err },
			"count":  func(ctx context.Context) error { _, err := c.KeyCheck.Query().Count(ctx); return err },
			"delete": func(ctx context.Context) error { _, err := c.KeyCheck.Delete().Exec(ctx); return err },
			"create": func(ctx context.Context) error {
				return c.KeyCheck.Create().SetID("k").SetSealed([]byte{1}).Exec(ctx)
			},
		},
	}
}
