package replay_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/replay"
	"datapusher/internal/testutil/dbtest"
)

func TestMatching(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := auth.AsSystem(t.Context())
		now := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
		const jane, joe = "acc_jane", "acc_joe"
		const one, two = "dst_1", "dst_2"
		var m id.Minter
		event := func(account, eventType, replayID string, at time.Time, to map[string]delivery.Status) string {
			self := m.Events(now, 1)[0]
			c := db.Ent.Event.Create().SetID(self).SetAccountID(account).SetPayload([]byte("1")).SetCreatedAt(at)
			if eventType != "" {
				c.SetEventType(eventType)
			}
			if replayID != "" {
				c.SetReplayID(replayID)
			}
			c.ExecX(ctx)
			i := 0
			for destination, status := range to {
				db.Ent.Delivery.Create().SetID(id.DeliveryOf(self, i)).SetAccountID(account).SetEventID(self).SetDestinationID(destination).
					SetStatus(status).SetRun("x").ExecX(ctx)
				i++
			}
			return self
		}
		from, to := now.Add(-time.Hour), now
		failedAtOne := event(jane, "paid", "", from, map[string]delivery.Status{one: delivery.StatusFailed, two: delivery.StatusSucceeded})
		failedAtTwo := event(jane, "", "", from, map[string]delivery.Status{one: delivery.StatusSucceeded, two: delivery.StatusFailed})
		nowhere := event(jane, "paid", "rpl_other", to.Add(-1000), nil)
		event(jane, "paid", "", from.Add(-1000), map[string]delivery.Status{one: delivery.StatusFailed})
		event(jane, "paid", "", to, map[string]delivery.Status{one: delivery.StatusFailed})
		event(jane, "paid", "rpl_self", from, map[string]delivery.Status{one: delivery.StatusFailed}) // its own, by a clock that is behind
		event(joe, "paid", "", from, map[string]delivery.Status{one: delivery.StatusFailed})

		for name, c := range map[string]struct {
			replay ent.Replay
			want   []string
		}{
			"everything":               {ent.Replay{}, []string{failedAtOne, failedAtTwo, nowhere}},
			"a type":                   {ent.Replay{EventType: "paid"}, []string{failedAtOne, nowhere}},
			"a destination":            {ent.Replay{DestinationID: one}, []string{failedAtOne, failedAtTwo}},
			"statuses":                 {ent.Replay{Statuses: []string{"FAILED", "CANCELED"}}, []string{failedAtOne, failedAtTwo}},
			"a status there":           {ent.Replay{DestinationID: one, Statuses: []string{"FAILED"}}, []string{failedAtOne}},
			"a type, a status there":   {ent.Replay{DestinationID: two, Statuses: []string{"FAILED"}, EventType: "paid"}, nil},
			"a destination of nobody":  {ent.Replay{DestinationID: "dst_3"}, nil},
			"a status that nobody has": {ent.Replay{Statuses: []string{"PARKED"}}, nil},
		} {
			r := c.replay
			r.ID, r.AccountID, r.FromTime, r.ToTime = "rpl_self", jane, from, to
			got := db.Ent.Event.Query().Where(replay.Matching(&r)...).IDsX(ctx)
			require.ElementsMatch(t, c.want, got, name)
		}
		r := ent.Replay{AccountID: jane, DestinationID: one, Statuses: []string{"FAILED"}}
		require.Equal(t, 4, db.Ent.Delivery.Query().Where(replay.Deliveries(&r)...).CountX(ctx))
		require.Equal(t, 7, db.Ent.Delivery.Query().Where(replay.Deliveries(&ent.Replay{AccountID: jane})...).CountX(ctx))
	})
}
