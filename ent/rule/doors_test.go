package rule_test

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/action"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/idempotencykey"
	"datapusher/ent/replay"
	"datapusher/ent/token"
	"datapusher/internal/id"
)

// rows are the ids of one account's rows, one of each type.
type rows struct{ account, token, destination, event, delivery, attempt, key, replay, action string }

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
	r.action = c.Action.Create().SetAccountID(r.account).SetSubjectID(r.delivery).SetKind(action.KindRetry).
		SetActor("admin").SaveX(ctx).ID
	return r
}

// door is how one type is reached.
type door struct {
	id      func(rows) string
	list    func(ctx context.Context) ([]string, error)
	count   func(ctx context.Context) (int, error)
	get     func(ctx context.Context, id string) error
	through func(ctx context.Context, of rows) (int, error) // rows found by a condition on a neighbour
	update  func(ctx context.Context, id string) (int, error)
	delete  func(ctx context.Context, id string) (int, error)
	create  func(ctx context.Context, of rows) error
	final   bool // rows are added, and never changed or deleted
}

// doors has every type of the schema.
func doors(c *ent.Client) map[string]door {
	return map[string]door{
		account.Table: {
			id:    func(r rows) string { return r.account },
			list:  func(ctx context.Context) ([]string, error) { return c.Account.Query().IDs(ctx) },
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
			create: func(ctx context.Context, _ rows) error {
				return c.Account.Create().SetName("x").SetEmail("x@x").Exec(ctx)
			},
		},
		token.Table: {
			id:    func(r rows) string { return r.token },
			list:  func(ctx context.Context) ([]string, error) { return c.Token.Query().IDs(ctx) },
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
			create: func(ctx context.Context, of rows) error {
				return c.Token.Create().SetAccountID(of.account).SetName("x").SetScopes([]string{"READ"}).SetHash([]byte{1}).SetPrefix("p").Exec(ctx)
			},
		},
		destination.Table: {
			id:    func(r rows) string { return r.destination },
			list:  func(ctx context.Context) ([]string, error) { return c.Destination.Query().IDs(ctx) },
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
			create: func(ctx context.Context, of rows) error {
				return c.Destination.Create().SetAccountID(of.account).SetURL("https://x").SetSigningSecrets([]byte{1}).Exec(ctx)
			},
		},
		event.Table: {
			id:    func(r rows) string { return r.event },
			list:  func(ctx context.Context) ([]string, error) { return c.Event.Query().IDs(ctx) },
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
			create: func(ctx context.Context, of rows) error {
				return c.Event.Create().SetAccountID(of.account).SetPayload([]byte("1")).Exec(ctx)
			},
		},
		delivery.Table: {
			id:    func(r rows) string { return r.delivery },
			list:  func(ctx context.Context) ([]string, error) { return c.Delivery.Query().IDs(ctx) },
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
			create: func(ctx context.Context, of rows) error {
				return c.Delivery.Create().SetAccountID(of.account).SetEventID(of.event).SetDestinationID(of.destination).SetRun("x").Exec(ctx)
			},
		},
		attempt.Table: {
			id:    func(r rows) string { return r.attempt },
			list:  func(ctx context.Context) ([]string, error) { return c.Attempt.Query().IDs(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Attempt.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Attempt.Get(ctx, id); return err },
			through: func(ctx context.Context, of rows) (int, error) {
				return c.Attempt.Query().Where(attempt.HasDeliveryWith(delivery.ID(of.delivery))).Count(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Attempt.Delete().Where(attempt.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error {
				return c.Attempt.Create().SetAccountID(of.account).SetDeliveryID(of.delivery).SetNumber(2).SetStartedAt(time.Now()).SetDurationUs(1).Exec(ctx)
			},
		},
		idempotencykey.Table: {
			id:    func(r rows) string { return r.key },
			list:  func(ctx context.Context) ([]string, error) { return c.IdempotencyKey.Query().IDs(ctx) },
			count: func(ctx context.Context) (int, error) { return c.IdempotencyKey.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.IdempotencyKey.Get(ctx, id); return err },
			update: func(ctx context.Context, id string) (int, error) {
				return c.IdempotencyKey.Update().Where(idempotencykey.ID(id)).SetEventID("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.IdempotencyKey.Delete().Where(idempotencykey.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error {
				return c.IdempotencyKey.Create().SetID(of.account + "/2").SetAccountID(of.account).SetEventID(of.event).SetBodyHash([]byte{1}).SetExpiresAt(time.Now()).Exec(ctx)
			},
		},
		replay.Table: {
			id:    func(r rows) string { return r.replay },
			list:  func(ctx context.Context) ([]string, error) { return c.Replay.Query().IDs(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Replay.Query().Count(ctx) },
			get:   func(ctx context.Context, id string) error { _, err := c.Replay.Get(ctx, id); return err },
			update: func(ctx context.Context, id string) (int, error) {
				return c.Replay.Update().Where(replay.ID(id)).SetReason("x").Save(ctx)
			},
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Replay.Delete().Where(replay.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error {
				return c.Replay.Create().SetAccountID(of.account).SetActor("x").SetFromTime(time.Now()).SetToTime(time.Now()).SetRate(1).SetMatched(1).Exec(ctx)
			},
		},
		action.Table: {
			id:    func(r rows) string { return r.action },
			list:  func(ctx context.Context) ([]string, error) { return c.Action.Query().IDs(ctx) },
			count: func(ctx context.Context) (int, error) { return c.Action.Query().Count(ctx) },
			final: true,
			update: func(ctx context.Context, id string) (int, error) {
				return c.Action.Update().Where(action.ID(id)).Save(ctx)
			},
			get: func(ctx context.Context, id string) error { _, err := c.Action.Get(ctx, id); return err },
			delete: func(ctx context.Context, id string) (int, error) {
				return c.Action.Delete().Where(action.ID(id)).Exec(ctx)
			},
			create: func(ctx context.Context, of rows) error {
				return c.Action.Create().SetAccountID(of.account).SetSubjectID(of.delivery).SetKind(action.KindRetry).SetActor("x").Exec(ctx)
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
