package graph_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// TestADeliveryIsSteered through the door: pause, retry, postpone, cancel, and
// what the audit log says of it.
func TestADeliveryIsSteered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		e := w.event(t, acc.ID, 1, d, d)
		one, two := id.DeliveryOf(e.ID, 0), id.DeliveryOf(e.ID, 1)

		a := w.do(jane, t, `mutation($id: ID!) { pauseDestination(input: {destinationID: $id, until: "2030-05-07T00:00:00Z", reason: "maintenance"}) {
			destination { enabled state reason pausedUntil } } }`, map[string]any{"id": d.ID})
		require.Equal(t, map[string]any{"enabled": true, "state": "PAUSED", "reason": "maintenance", "pausedUntil": "2030-05-07T00:00:00Z"},
			a.at(t, "pauseDestination", "destination"))

		w.now = w.now.Add(time.Second)
		a = w.do(jane, t, `mutation($id: ID!) { retryDelivery(input: {deliveryID: $id, reason: "they fixed it"}) {
			delivery { status reason nextAttemptAt attemptCount engineURL timeline { at kind text attempt { number } action { actor reason kind } } } } }`,
			map[string]any{"id": one})
		got := a.at(t, "retryDelivery", "delivery").(map[string]any)
		require.Regexp(t, "^https://ui.example.com/batch/", got["engineURL"])
		require.Equal(t, "RETRYING", got["status"])
		require.Nil(t, got["reason"])
		require.Equal(t, "2030-05-06T07:08:10Z", got["nextAttemptAt"])
		require.Equal(t, []any{
			map[string]any{"at": "2030-05-06T07:08:09Z", "kind": "ACCEPTED", "text": "accepted", "attempt": nil, "action": nil},
			map[string]any{
				"at": "2030-05-06T07:08:09Z", "kind": "ATTEMPT", "text": "attempt 1: 503 after 1 ms, asked for by the schedule",
				"attempt": map[string]any{"number": 1.0}, "action": nil,
			},
			map[string]any{
				"at": "2030-05-06T07:08:10Z", "kind": "ACTION", "text": "retried by tok_test: they fixed it", "attempt": nil,
				"action": map[string]any{"actor": "tok_test", "reason": "they fixed it", "kind": "RETRY"},
			},
		}, got["timeline"])

		a = w.do(jane, t, `mutation($id: ID!) { postponeDelivery(input: {deliveryID: $id, until: "2030-05-08T00:00:00Z"}) {
			delivery { status reason nextAttemptAt } } }`, map[string]any{"id": two})
		require.Equal(t, map[string]any{"status": "RETRYING", "reason": "postponed", "nextAttemptAt": "2030-05-08T00:00:00Z"},
			a.at(t, "postponeDelivery", "delivery"))
		w.now = w.now.Add(time.Second)
		a = w.do(w.admin, t, `mutation($id: ID!) { cancelDelivery(input: {deliveryID: $id}) {
			delivery { status reason nextAttemptAt settledAt timeline { kind text } } } }`, map[string]any{"id": two})
		got = a.at(t, "cancelDelivery", "delivery").(map[string]any)
		require.Equal(t, "CANCELED", got["status"])
		require.Equal(t, "canceled by admin", got["reason"])
		require.Nil(t, got["nextAttemptAt"])
		require.Equal(t, "2030-05-06T07:08:11Z", got["settledAt"])
		require.Equal(t, []any{
			map[string]any{"kind": "ACCEPTED", "text": "accepted"},
			map[string]any{"kind": "ATTEMPT", "text": "attempt 1: 503 after 1 ms, asked for by the schedule"},
			map[string]any{"kind": "ACTION", "text": "postponed by tok_test"},
			map[string]any{"kind": "ACTION", "text": "canceled by admin"},
			map[string]any{"kind": "SETTLED", "text": "canceled by admin"},
		}, got["timeline"])
		require.Equal(t, "conflict", w.do(jane, t, `mutation($id: ID!) { retryDelivery(input: {deliveryID: $id}) { delivery { id } } }`, map[string]any{"id": two}).code())

		a = w.do(jane, t, `mutation($id: ID!) { resumeDestination(input: {destinationID: $id, rate: 2.5}) { destination { state reason health { draining } } } }`,
			map[string]any{"id": d.ID})
		require.Equal(t, map[string]any{"state": "SENDING", "reason": nil, "health": map[string]any{"draining": true}},
			a.at(t, "resumeDestination", "destination"))

		a = w.do(jane, t, `query($id: ID!) { actions(where: {subjectID: $id, kindNEQ: CREATE}, orderBy: {field: CREATED_AT, direction: DESC}) {
			totalCount edges { node { kind actor reason accountID subjectID createdAt } } } }`, map[string]any{"id": d.ID})
		require.EqualValues(t, 2, a.at(t, "actions", "totalCount"))
		require.Equal(t, map[string]any{
			"kind": "PAUSE", "actor": "tok_test", "reason": "maintenance", "accountID": acc.ID, "subjectID": d.ID, "createdAt": "2030-05-06T07:08:09Z",
		}, a.at(t, "actions", "edges", 1, "node"))
	})
}

// TestATimelineIsInOrder, whatever the clocks of those say who wrote it.
func TestATimelineIsInOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		e := w.event(t, acc.ID, 0, w.destination(t, acc.ID))
		dlv := db.Ent.Delivery.GetX(w.system, id.DeliveryOf(e.ID, 0))
		by := []attempt.AskedBy{attempt.AskedByReplay, attempt.AskedByOperator, attempt.AskedByProbe}
		for i, who := range by {
			c := db.Ent.Attempt.Create().SetID(id.AttemptOf(dlv.ID, i+1)).SetAccountID(acc.ID).SetDeliveryID(dlv.ID).SetNumber(i + 1).
				SetStartedAt(w.now.Add(time.Duration(i-1) * time.Second)).SetDurationUs(12_345).SetAskedBy(who).SetErrorClass("timeout")
			c.ExecX(w.system)
		}
		const q = `query($id: ID!) { delivery(id: $id) { timeline { kind text } } }`
		texts := func() (all []string) {
			t.Helper()
			for _, entry := range w.do(jane, t, q, map[string]any{"id": dlv.ID}).at(t, "delivery", "timeline").([]any) {
				all = append(all, entry.(map[string]any)["kind"].(string)+" "+entry.(map[string]any)["text"].(string))
			}
			return all
		}
		attempts := []string{
			"ATTEMPT attempt 1: timeout after 12 ms, asked for by a replay",
			"ATTEMPT attempt 2: timeout after 12 ms, asked for by an operator",
			"ATTEMPT attempt 3: timeout after 12 ms, asked for by the breaker, as a probe",
		}
		dlv.Update().SetStatus(delivery.StatusParked).SetReason("failing: timeout").SetParkedAt(w.now.Add(500 * time.Millisecond)).ExecX(w.system)
		require.Equal(t, []string{"ACCEPTED accepted", attempts[0], attempts[1], "PARKED parked: failing: timeout", attempts[2]}, texts())
		for status, text := range map[delivery.Status]string{
			delivery.StatusFailed: "failed: why", delivery.StatusSucceeded: "succeeded", delivery.StatusCanceled: "canceled: why",
		} {
			dlv.Update().SetStatus(status).SetReason("why").ClearParkedAt().SetSettledAt(w.now.Add(-time.Hour)).ExecX(w.system)
			require.Equal(t, []string{"ACCEPTED accepted", attempts[0], attempts[1], attempts[2], "SETTLED " + text}, texts())
		}
	})
}

// TestATimelineIsBounded: the newest are kept, and large columns are read only for
// those who ask.
func TestATimelineIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	e := w.event(t, acc.ID, 210, w.destination(t, acc.ID))
	dlv := id.DeliveryOf(e.ID, 0)
	const q = `query($id: ID!) { delivery(id: $id) { timeline { attempt { number responseTruncated ...B } } } } fragment B on Attempt { responseBody }`
	all := w.do(jane, t, q, map[string]any{"id": dlv}).at(t, "delivery", "timeline").([]any)
	require.Len(t, all, 201)
	require.Equal(t, map[string]any{"number": 11.0, "responseTruncated": false, "responseBody": "no\uFFFD"}, all[1].(map[string]any)["attempt"])
	require.EqualValues(t, 210, all[200].(map[string]any)["attempt"].(map[string]any)["number"])
}

func TestAnAttemptTellsEverything(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		e := w.event(t, acc.ID, 0, w.destination(t, acc.ID))
		dlv := id.DeliveryOf(e.ID, 0)
		create := func(number int) *attempt.AskedBy {
			c := db.Ent.Attempt.Create().SetID(id.AttemptOf(dlv, number)).SetAccountID(acc.ID).SetDeliveryID(dlv).SetNumber(number).
				SetStartedAt(w.now).SetDurationUs(10_500)
			if number == 1 {
				c.SetStatus(500).SetDNSUs(1000).SetConnectUs(2500).SetTLSUs(3000).SetFirstByteUs(4000).SetAskedBy(attempt.AskedByProbe).
					SetRequestHeaders([]byte(`[["X-Key","••••"],["Webhook-Id","` + e.ID + `"]]`)).
					SetResponseHeaders([]byte(`[["Set-Cookie","a"],["Set-Cookie","b"]]`)).SetResponseBody([]byte("\x00\xff\x1f\x8b"))
			}
			return &c.SaveX(w.system).AskedBy
		}
		create(1)
		create(2)
		const q = `query($id: ID!) { delivery(id: $id) { attempts { edges { node { askedBy durationMs responseBody responseBodyBase64
			timings { dnsMs connectMs tlsMs firstByteMs totalMs } requestHeaders { name value } responseHeaders { name value } } } } } }`
		a := w.do(jane, t, q, map[string]any{"id": dlv})
		require.Equal(t, map[string]any{
			"askedBy": "PROBE", "durationMs": 10.5, "responseBody": "\x00\uFFFD\x1f\uFFFD", "responseBodyBase64": "AP8fiw==",
			"timings":         map[string]any{"dnsMs": 1.0, "connectMs": 2.5, "tlsMs": 3.0, "firstByteMs": 4.0, "totalMs": 10.5},
			"requestHeaders":  []any{map[string]any{"name": "X-Key", "value": "••••"}, map[string]any{"name": "Webhook-Id", "value": e.ID}},
			"responseHeaders": []any{map[string]any{"name": "Set-Cookie", "value": "a"}, map[string]any{"name": "Set-Cookie", "value": "b"}},
		}, a.at(t, "delivery", "attempts", "edges", 0, "node"))
		require.Equal(t, map[string]any{
			"askedBy": "SCHEDULE", "durationMs": 10.5, "responseBody": nil, "responseBodyBase64": nil,
			"timings":        map[string]any{"dnsMs": 0.0, "connectMs": 0.0, "tlsMs": 0.0, "firstByteMs": 0.0, "totalMs": 10.5},
			"requestHeaders": []any{}, "responseHeaders": []any{},
		}, a.at(t, "delivery", "attempts", "edges", 1, "node"))
	})
}

// TestWhereTheEngineShowsADelivery: what is parked belongs to no run.
func TestWhereTheEngineShowsADelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	d := w.destination(t, acc.ID)
	e := w.event(t, acc.ID, 0, d)
	dlv := w.db.Ent.Delivery.GetX(w.system, id.DeliveryOf(e.ID, 0))
	url := func() any {
		return w.do(jane, t, `query($id: ID!) { delivery(id: $id) { engineURL } }`, map[string]any{"id": dlv.ID}).at(t, "delivery", "engineURL")
	}
	require.Equal(t, "https://ui.example.com/event/"+e.ID, url())
	dlv.Update().SetStatus(delivery.StatusParked).SetRun("").ExecX(w.system)
	require.Equal(t, "https://ui.example.com/destination/"+d.ID, url())
	dlv.Update().SetStatus(delivery.StatusCanceled).ExecX(w.system)
	require.Nil(t, url())
	dlv.Update().SetStatus(delivery.StatusSucceeded).SetRun("destination/" + d.ID + "/drain").ExecX(w.system)
	require.Equal(t, "https://ui.example.com/destination/"+d.ID, url())
}
