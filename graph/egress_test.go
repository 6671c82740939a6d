package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

func TestTheNetworksOfAnAccountAreSetByAdminsAndReadByAll(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		_, joe := w.account(t, "joe@example.com")
		const set = `mutation($id: ID!) { setAccountEgress(input: {accountID: $id, allowCIDRs: ["10.1.0.0/16"]}) { account { allowCIDRs } } }`
		const read = `query($id: ID!) { account(id: $id) { allowCIDRs } }`
		of := map[string]any{"id": acc.ID}
		require.Equal(t, []any{}, w.do(jane, t, read, of).at(t, "account", "allowCIDRs"))

		a := w.do(jane, t, set, of)
		require.Equal(t, "forbidden", a.code())
		require.Equal(t, "networks that are not public are allowed with the admin token alone: ask the operator", a.Errors[0].Message)
		require.Equal(t, "forbidden", w.do(joe, t, set, of).code(), "and that says nothing of who exists")

		want := []any{"10.1.0.0/16"}
		require.Equal(t, want, w.do(w.admin, t, set, of).at(t, "setAccountEgress", "account", "allowCIDRs"))
		require.Equal(t, want, w.do(jane, t, read, of).at(t, "account", "allowCIDRs"))
		require.Nil(t, w.do(joe, t, read, of).at(t, "account"))

		a = w.do(w.admin, t, `mutation($id: ID!) { setAccountEgress(input: {accountID: $id, allowCIDRs: ["10.1.2.3"]}) { account { id } } }`, of)
		require.Equal(t, "invalid", a.code())
		require.Equal(t, "allowCIDRs[0]", a.Errors[0].Extensions.Fields[0].Name)
		require.Contains(t, a.Errors[0].Extensions.Fields[0].Message, "10.1.2.3/32")
	})
}

func TestABlockedAttemptSaysSoAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	e := w.event(t, acc.ID, 0, w.destination(t, acc.ID))
	one := id.DeliveryOf(e.ID, 0)
	w.db.Ent.Delivery.UpdateOneID(one).SetStatus(delivery.StatusRetrying).SetReason("blocked by egress policy").ExecX(w.system)
	for n, class := range []string{"blocked", "timeout"} {
		w.db.Ent.Attempt.Create().SetID(id.AttemptOf(one, n+1)).SetAccountID(acc.ID).SetDeliveryID(one).SetNumber(n + 1).
			SetErrorClass(class).SetStartedAt(w.now).SetDurationUs(int64(n) * 5000).ExecX(w.system)
	}
	a := w.do(jane, t, `query($id: ID!) { delivery(id: $id) { reason timeline { kind text } attempts { edges { node {
		error errorClass status durationMs responseBody responseHeaders { name }
		timings { dnsMs connectMs tlsMs firstByteMs totalMs } } } } } }`, map[string]any{"id": one})
	require.Equal(t, "blocked by egress policy", a.at(t, "delivery", "reason"))
	require.Equal(t, map[string]any{
		"error": "blocked by egress policy", "errorClass": "blocked", "status": nil, "durationMs": 0.0, "responseBody": nil, "responseHeaders": []any{},
		"timings": map[string]any{"dnsMs": 0.0, "connectMs": 0.0, "tlsMs": 0.0, "firstByteMs": 0.0, "totalMs": 0.0},
	}, a.at(t, "delivery", "attempts", "edges", 0, "node"))
	require.Equal(t, "no answer within the destination's timeout", a.at(t, "delivery", "attempts", "edges", 1, "node", "error"))
	require.Equal(t, "attempt 1: blocked by egress policy, asked for by the schedule", a.at(t, "delivery", "timeline", 1, "text"))
	require.Equal(t, "attempt 2: timeout after 5 ms, asked for by the schedule", a.at(t, "delivery", "timeline", 2, "text"))
}
