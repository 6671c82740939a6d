package graph_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

func TestAnEventIsReplayed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		e := w.event(t, acc.ID, 0, d)
		a := w.do(jane, t, `mutation($id: ID!) { replayEvent(input: {eventID: $id, payload: "[1]", headers: [{name: "X-Try", value: "2"}], reason: "lost"}) {
			event { id payload replayID replayOf { id payload } deliveries { edges { node { status destination { id } } } } } } }`, map[string]any{"id": e.ID})
		made := a.at(t, "replayEvent", "event").(map[string]any)
		require.Equal(t, "[1]", made["payload"])
		require.Nil(t, made["replayID"])
		require.Equal(t, map[string]any{"id": e.ID, "payload": `{"n": 1.00}`}, made["replayOf"])
		require.Equal(t, map[string]any{"status": "PENDING", "destination": map[string]any{"id": d.ID}},
			a.at(t, "replayEvent", "event", "deliveries", "edges", 0, "node"))

		// The lineage, both ways.
		const lineage = `query($id: ID!) { event(id: $id) { replayOf { id } replays(first: 5) { totalCount edges { node { id replayOf { id } } } } } }`
		a = w.do(jane, t, lineage, map[string]any{"id": e.ID})
		require.Nil(t, a.at(t, "event", "replayOf"))
		require.EqualValues(t, 1, a.at(t, "event", "replays", "totalCount"))
		require.Equal(t, map[string]any{"id": made["id"], "replayOf": map[string]any{"id": e.ID}}, a.at(t, "event", "replays", "edges", 0, "node"))
		a = w.do(jane, t, `query($of: ID!) { events(where: {replayOf: $of}) { edges { node { id replayOf { eventType } } } } }`, map[string]any{"of": e.ID})
		require.Equal(t, map[string]any{"id": made["id"], "replayOf": map[string]any{"eventType": nil}}, a.at(t, "events", "edges", 0, "node"))
		db.Ent.Event.DeleteOneID(e.ID).ExecX(w.system) // as an old partition goes
		require.Nil(t, w.do(jane, t, lineage, map[string]any{"id": made["id"]}).at(t, "event", "replayOf"))
	})
}

func TestEventsAreReplayed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		for range 3 {
			w.event(t, acc.ID, 0, d)
		}
		w.now = w.now.Add(time.Hour)
		a := w.do(jane, t, `mutation { replayEvents(input: {filter: {statuses: [RETRYING]}, dryRun: true}) { replay { id } count } }`, nil)
		require.Equal(t, map[string]any{"replay": nil, "count": 3.0}, a.at(t, "replayEvents"))

		a = w.do(jane, t, `mutation($d: ID!) { replayEvents(input: {
			filter: {destinationID: $d, from: "2030-05-06T07:00:00Z", statuses: [RETRYING, FAILED]}, destinationIDs: [$d], reason: "lost"
		}) { count replay { id status actor reason rate matched replayed skipped deliveries finishedAt createdAt
			destinationID eventType from to statuses destinationIDs report { pending retrying parked succeeded failed canceled } } } }`,
			map[string]any{"d": d.ID})
		require.EqualValues(t, 3, a.at(t, "replayEvents", "count"))
		r := a.at(t, "replayEvents", "replay").(map[string]any)
		self := r["id"].(string)
		require.Equal(t, map[string]any{
			"id": self, "status": "RUNNING", "actor": "tok_test", "reason": "lost", "rate": 100.0, "matched": 3.0, "replayed": 0.0,
			"skipped": 0.0, "deliveries": 0.0, "finishedAt": nil, "createdAt": "2030-05-06T08:08:09Z",
			"destinationID": d.ID, "eventType": nil, "from": "2030-05-06T07:00:00Z", "to": "2030-05-06T08:08:09Z",
			"statuses": []any{"RETRYING", "FAILED"}, "destinationIDs": []any{d.ID},
			"report": map[string]any{"pending": 0.0, "retrying": 0.0, "parked": 0.0, "succeeded": 0.0, "failed": 0.0, "canceled": 0.0},
		}, r)

		// The report counts the deliveries of its events, and no others.
		n := 0
		for status, times := range map[delivery.Status]int{
			delivery.StatusPending: 1, delivery.StatusDelivering: 2, delivery.StatusRetrying: 4, delivery.StatusParked: 5,
			delivery.StatusSucceeded: 6, delivery.StatusFailed: 7, delivery.StatusCanceled: 8,
		} {
			e := w.db.Ent.Event.Create().SetAccountID(acc.ID).SetPayload([]byte("1")).SetReplayID(self).SaveX(w.system)
			for range times {
				n++
				w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(e.ID, n)).SetAccountID(acc.ID).SetEventID(e.ID).SetDestinationID(d.ID).
					SetRun("x").SetStatus(status).ExecX(w.system)
			}
		}
		a = w.do(jane, t, `query($id: ID!) { replay(id: $id) { report { pending retrying parked succeeded failed canceled } } }`, map[string]any{"id": self})
		require.Equal(t, map[string]any{"pending": 3.0, "retrying": 4.0, "parked": 5.0, "succeeded": 6.0, "failed": 7.0, "canceled": 8.0},
			a.at(t, "replay", "report"))

		for _, step := range [][2]string{{"pauseReplay", "PAUSED"}, {"resumeReplay", "RUNNING"}, {"cancelReplay", "CANCELED"}} {
			q := fmt.Sprintf(`mutation($id: ID!) { %s(input: {id: $id, reason: "why"}) { replay { status reason } } }`, step[0])
			a = w.do(jane, t, q, map[string]any{"id": self})
			require.Equal(t, map[string]any{"status": step[1], "reason": "why"}, a.at(t, step[0], "replay"))
			require.Equal(t, "conflict", w.do(jane, t, q, map[string]any{"id": self}).code())
		}
		a = w.do(w.admin, t, `{ replays(where: {status: CANCELED}, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount edges { node { id statuses } } } }`, nil)
		require.EqualValues(t, 1, a.at(t, "replays", "totalCount"))
		require.Equal(t, "invalid", w.do(w.admin, t, `mutation { replayEvents(input: {filter: {}}) { count } }`, nil).code())
	})
}

func TestTestEventsAndPreviews(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		a := w.do(jane, t, `mutation($id: ID!) { sendTestEvent(input: {destinationID: $id}) { event { id eventType payload } delivery { status event { id } } } }`,
			map[string]any{"id": d.ID})
		require.Equal(t, "test", a.at(t, "sendTestEvent", "event", "eventType"))
		require.Equal(t, "PENDING", a.at(t, "sendTestEvent", "delivery", "status"))
		e := a.at(t, "sendTestEvent", "event", "id")
		require.Equal(t, e, a.at(t, "sendTestEvent", "delivery", "event", "id"))

		a = w.do(jane, t, `mutation($id: ID!, $e: ID) { previewDelivery(input: {destinationID: $id, eventID: $e}) { request { method url headers { name value } body } } }`,
			map[string]any{"id": d.ID, "e": e})
		request := a.at(t, "previewDelivery", "request").(map[string]any)
		require.Equal(t, "POST", request["method"])
		require.Equal(t, d.URL, request["url"])
		require.Contains(t, request["body"], `"type":"test"`)
		require.Contains(t, request["headers"], map[string]any{"name": "Webhook-Id", "value": e})
		require.Contains(t, request["headers"], map[string]any{"name": "Webhook-Timestamp", "value": fmt.Sprint(w.now.Unix())})
		a = w.do(jane, t, `mutation($id: ID!) { updateDestination(input: {id: $id, httpMethod: GET}) { destination { id } } }`, map[string]any{"id": d.ID})
		require.Empty(t, a.Errors)
		a = w.do(jane, t, `mutation($id: ID!) { previewDelivery(input: {destinationID: $id, payload: "{\"n\": 1.0}"}) { request { url body } } }`, map[string]any{"id": d.ID})
		require.Equal(t, map[string]any{"url": d.URL + "?n=1.0", "body": nil}, a.at(t, "previewDelivery", "request"))
	})
}
