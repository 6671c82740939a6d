package graph_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

const healthOf = `query($id: ID!) { destination(id: $id) {
	enabled state reason health { since recentSuccessRate parkedCount oldestParkedAt nextProbeAt failingSince draining }
} }`

func TestHealth(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d, other := w.destination(t, acc.ID), w.destination(t, acc.ID)
		health := func() map[string]any {
			t.Helper()
			return w.do(jane, t, healthOf, map[string]any{"id": d.ID}).at(t, "destination", "health").(map[string]any)
		}
		require.Equal(t, map[string]any{
			"since": "2030-05-06T07:08:09Z", "recentSuccessRate": nil, "parkedCount": 0.0, "oldestParkedAt": nil,
			"nextProbeAt": nil, "failingSince": nil, "draining": false,
		}, health())

		// 130 deliveries, of which the newest 10 are parked and never attempted. Of the 100 before them every
		// second has succeeded, at last; of the oldest 20 all have.
		var deliveries []*ent.DeliveryCreate
		var attempts []*ent.AttemptCreate
		at := func(i int) time.Time { return w.now.Add(time.Duration(i) * time.Second) }
		for i := range 130 {
			self := id.DeliveryOf(w.minter.Events(w.now, 1)[0], 0)
			c := w.db.Ent.Delivery.Create().SetID(self).SetAccountID(acc.ID).SetEventID("evt_x").SetDestinationID(d.ID).SetRun("")
			if i >= 120 {
				c.SetStatus(delivery.StatusParked).SetParkedAt(at(i))
			} else {
				c.SetStatus(delivery.StatusRetrying).SetAttemptCount(2)
				codes := []int{503, 299 + i%2}
				if i < 20 {
					codes[1] = 200
				}
				for n, status := range codes {
					attempts = append(attempts, w.db.Ent.Attempt.Create().SetID(id.AttemptOf(self, n+1)).SetAccountID(acc.ID).SetDeliveryID(self).
						SetNumber(n+1).SetStatus(status).SetStartedAt(w.now).SetDurationUs(1))
				}
			}
			deliveries = append(deliveries, c)
		}
		w.db.Ent.Delivery.CreateBulk(deliveries...).ExecX(w.system)
		w.db.Ent.Attempt.CreateBulk(attempts...).ExecX(w.system)
		w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(w.minter.Events(w.now, 1)[0], 0)).SetAccountID(acc.ID).SetEventID("evt_x").SetDestinationID(other.ID).SetRun("").
			SetStatus(delivery.StatusParked).SetParkedAt(w.now).ExecX(w.system)
		d.Update().SetState(destination.StateOpen).SetReason("failing: http_503").SetStateSince(at(1)).SetProbeAt(at(60)).
			SetFailing("dlv_x").SetFailingSince(at(2)).SetDraining(true).ExecX(w.system)
		require.Equal(t, map[string]any{
			"since": "2030-05-06T07:08:10Z", "recentSuccessRate": 0.5, "parkedCount": 10.0, "oldestParkedAt": "2030-05-06T07:10:09Z",
			"nextProbeAt": "2030-05-06T07:09:09Z", "failingSince": "2030-05-06T07:08:11Z", "draining": true,
		}, health())

		// Behind a park that is too long to look through stands what was tried before it.
		deliveries = nil
		for range 1000 {
			deliveries = append(deliveries, w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(w.minter.Events(at(1), 1)[0], 0)).SetAccountID(acc.ID).
				SetEventID("evt_x").SetDestinationID(d.ID).SetRun("").SetStatus(delivery.StatusParked))
		}
		w.db.Ent.Delivery.CreateBulk(deliveries...).ExecX(w.system)
		got := health()
		require.InEpsilon(t, 0.5, got["recentSuccessRate"], 1e-9)
		require.EqualValues(t, 1010, got["parkedCount"])
		d = other
		require.Nil(t, health()["recentSuccessRate"], "it was never tried")
		require.EqualValues(t, 1, health()["parkedCount"])
	})
}

// TestSettingsAreShownAsTheyWork: the default where nothing is set.
func TestSettingsAreShownAsTheyWork(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		a := w.do(jane, t, `mutation($id: ID!) { createDestination(input: {accountID: $id, url: "https://example.com"}) {
			destination { id retrySchedule timeout giveUpAfter signingAlgorithm } } }`, map[string]any{"id": acc.ID})
		self := a.at(t, "createDestination", "destination", "id")
		require.Equal(t, map[string]any{
			"id": self, "retrySchedule": []any{"5s", "5m0s", "30m0s", "2h0m0s", "5h0m0s", "10h0m0s", "14h0m0s", "20h0m0s", "24h0m0s"},
			"timeout": "15s", "giveUpAfter": nil, "signingAlgorithm": "HMAC_SHA256",
		}, a.at(t, "createDestination", "destination"))
		const update = `mutation($in: UpdateDestinationInput!) { updateDestination(input: $in) { destination { retrySchedule timeout giveUpAfter } } }`
		a = w.do(jane, t, update, map[string]any{"in": map[string]any{"id": self, "retrySchedule": []string{"1s", "7d"}, "timeout": "1500ms", "giveUpAfter": "90d"}})
		require.Equal(t, map[string]any{"retrySchedule": []any{"1s", "168h0m0s"}, "timeout": "1.5s", "giveUpAfter": "2160h0m0s"},
			a.at(t, "updateDestination", "destination"))
		a = w.do(jane, t, update, map[string]any{"in": map[string]any{"id": self, "retrySchedule": []string{}, "timeout": "0s", "giveUpAfter": "0s"}})
		require.Len(t, a.at(t, "updateDestination", "destination", "retrySchedule"), 9)
		require.Equal(t, "15s", a.at(t, "updateDestination", "destination", "timeout"))
		require.Nil(t, a.at(t, "updateDestination", "destination", "giveUpAfter"))
		a = w.do(jane, t, update, map[string]any{"in": map[string]any{"id": self, "retrySchedule": []string{"1ms"}, "timeout": "1h", "giveUpAfter": "1s"}})
		require.Equal(t, "invalid", a.code())
		require.Len(t, a.Errors[0].Extensions.Fields, 3)

		a = w.do(jane, t, `mutation($id: ID!) { createDestination(input: {accountID: $id, url: "https://example.com", signingAlgorithm: ED25519,
			retrySchedule: ["10s"], timeout: "5s", giveUpAfter: "1h"}) { destination { id signingAlgorithm retrySchedule timeout } signingSecret } }`,
			map[string]any{"id": acc.ID})
		require.Regexp(t, "^whpk_", a.at(t, "createDestination", "signingSecret"))
		require.Equal(t, []any{"10s"}, a.at(t, "createDestination", "destination", "retrySchedule"))
		a = w.do(jane, t, `mutation($id: ID!) { rotateSigningSecret(input: {destinationID: $id, signingAlgorithm: HMAC_SHA256,
			signingSecret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}) { destination { signingAlgorithm } signingSecret } }`,
			map[string]any{"id": a.at(t, "createDestination", "destination", "id")})
		require.Equal(t, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", a.at(t, "rotateSigningSecret", "signingSecret"))
	})
}
