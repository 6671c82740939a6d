package graph_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// rowsOf are the ids of an account's rows, one of each type that is a node.
func (w *world) rowsOf(t *testing.T, a *ent.Account) map[string]string {
	t.Helper()
	d := w.destination(t, a.ID)
	e := w.event(t, a.ID, 1, d)
	dlv := id.DeliveryOf(e.ID, 0)
	r := w.db.Ent.Replay.Create().SetAccountID(a.ID).SetActor("admin").SetFromTime(w.now).SetToTime(w.now).SetRate(1).SetMatched(1).SaveX(w.system)
	act := w.db.Ent.Action.Create().SetAccountID(a.ID).SetSubjectID(dlv).SetKind(action.KindRetry).SetActor("admin").SaveX(w.system)
	return map[string]string{
		"Replay": r.ID, "Action": act.ID,
		"Account": a.ID, "Token": w.db.Ent.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system).ID,
		"Destination": d.ID, "Event": e.ID, "Delivery": dlv, "Attempt": id.AttemptOf(dlv, 1),
	}
}

func TestNodes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		ja, jane := w.account(t, "jane@example.com")
		ba, joe := w.account(t, "joe@example.com")
		janes, joes := w.rowsOf(t, ja), w.rowsOf(t, ba)
		const one = `query($id: ID!) { node(id: $id) { __typename id } }`
		const many = `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`
		ids, want := []string{"x", "", "xyz_01JD3ZQ8M4T6W0Y5K2BXH70000"}, []any{nil, nil, nil}
		for name, mine := range janes {
			node := map[string]any{"__typename": name, "id": mine}
			require.Equal(t, node, w.do(jane, t, one, map[string]any{"id": mine}).at(t, "node"))
			require.Equal(t, node, w.do(w.admin, t, one, map[string]any{"id": mine}).at(t, "node"))

			// Another account's id answers like one that does not exist.
			foreign := w.do(jane, t, one, map[string]any{"id": joes[name]})
			missing := w.do(jane, t, one, map[string]any{"id": id.New(id.Prefix(mine[:3]), w.now)})
			require.Equal(t, `{"data":{"node":null}}`, foreign.Text)
			require.Equal(t, foreign.Text, missing.Text)
			ids = append(ids, joes[name], mine, mine)
			want = append(want, nil, node, node)
		}
		require.Equal(t, want, w.do(jane, t, many, map[string]any{"ids": ids}).at(t, "nodes"))
		require.Equal(t, []any{nil}, w.do(jane, t, many, map[string]any{"ids": []string{joes["Event"]}}).at(t, "nodes"))
		require.Equal(t, []any{}, w.do(joe, t, many, map[string]any{"ids": []string{}}).at(t, "nodes"))
		require.Equal(t, "invalid", w.do(jane, t, many, map[string]any{"ids": make([]string, 101)}).code())
		for _, no := range []string{"", "x", "acc_", "not-an-id", janes["Account"] + "x"} {
			require.Equal(t, `{"data":{"node":null}}`, w.do(jane, t, one, map[string]any{"id": no}).Text)
		}
	})
}

func TestListsAndFiltersKeepAccountsApart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		ja, jane := w.account(t, "jane@example.com")
		ba, _ := w.account(t, "joe@example.com")
		w.rowsOf(t, ja)
		joes := w.rowsOf(t, ba)
		for query, filters := range map[string][]string{
			"accounts":     {`hasDestinationsWith: {id: %[2]q}`, `email: "joe@example.com"`, `hasEventsWith: {hasDeliveriesWith: {id: %[4]q}}`},
			"destinations": {`hasAccountWith: {id: %[1]q}`, `accountID: %[1]q`, `hasDeliveriesWith: {eventID: %[3]q}`},
			"events":       {`hasAccountWith: {email: "joe@example.com"}`, `id: %[3]q`},
			"deliveries":   {`hasEventWith: {hasAccountWith: {id: %[1]q}}`, `hasAttempts: true, accountID: %[1]q`, `hasDestinationWith: {id: %[2]q}`},
			"replays":      {`accountID: %[1]q`, `actor: "admin", accountIDIn: [%[1]q]`},
			"actions":      {`subjectID: %[4]q`, `accountID: %[1]q, kind: RETRY`},
		} {
			each := 1
			if query == "actions" {
				each = 3 // the account and the destination were made
			}
			require.EqualValues(t, each, w.do(jane, t, "{"+query+"{ totalCount } }", nil).at(t, query, "totalCount"), query)
			require.EqualValues(t, 2*each, w.do(w.admin, t, "{"+query+"{ totalCount } }", nil).at(t, query, "totalCount"), query)
			for _, f := range filters {
				f = fmt.Sprintf(f+"%[5]s", joes["Account"], joes["Destination"], joes["Event"], joes["Delivery"], "")
				q := fmt.Sprintf(`{ %s(where: {%s}) { totalCount edges { node { id } } } }`, query, f)
				require.EqualValues(t, 0, w.do(jane, t, q, nil).at(t, query, "totalCount"), q)
				require.EqualValues(t, 1, w.do(w.admin, t, q, nil).at(t, query, "totalCount"), q)
			}
		}
		for name, query := range map[string]string{"Account": "account", "Destination": "destination", "Event": "event", "Delivery": "delivery", "Replay": "replay"} {
			q := fmt.Sprintf(`{ %s(id: %q) { id } }`, query, joes[name])
			require.Nil(t, w.do(jane, t, q, nil).at(t, query))
			require.NotNil(t, w.do(w.admin, t, q, nil).at(t, query))
		}
		for _, m := range mutations(joes) {
			a := w.do(jane, t, "mutation { "+m+" }", nil)
			require.Equal(t, "not_found", a.code(), "%s %s", m, a.Text)
			require.Nil(t, a.Data)
		}
	})
}

// mutations are those on one row each, whatever the row's state.
func mutations(of map[string]string) []string {
	return []string{
		fmt.Sprintf(`rotateToken(input: {id: %q}) { token { id } }`, of["Token"]),
		fmt.Sprintf(`revokeToken(input: {id: %q}) { token { id } }`, of["Token"]),
		fmt.Sprintf(`deleteDestination(input: {id: %q}) { deletedID }`, of["Destination"]),
		fmt.Sprintf(`pauseDestination(input: {destinationID: %q}) { destination { id } }`, of["Destination"]),
		fmt.Sprintf(`resumeDestination(input: {destinationID: %q}) { destination { id } }`, of["Destination"]),
		fmt.Sprintf(`retryDelivery(input: {deliveryID: %q}) { delivery { id } }`, of["Delivery"]),
		fmt.Sprintf(`cancelDelivery(input: {deliveryID: %q}) { delivery { id } }`, of["Delivery"]),
		fmt.Sprintf(`postponeDelivery(input: {deliveryID: %q, until: "2030-05-06T08:00:00Z"}) { delivery { id } }`, of["Delivery"]),
		fmt.Sprintf(`replayEvent(input: {eventID: %q}) { event { id } }`, of["Event"]),
		fmt.Sprintf(`replayEvents(input: {filter: {accountID: %q}}) { count }`, of["Account"]),
		fmt.Sprintf(`pauseReplay(input: {id: %q}) { replay { id } }`, of["Replay"]),
		fmt.Sprintf(`resumeReplay(input: {id: %q}) { replay { id } }`, of["Replay"]),
		fmt.Sprintf(`cancelReplay(input: {id: %q}) { replay { id } }`, of["Replay"]),
		fmt.Sprintf(`sendTestEvent(input: {destinationID: %q}) { delivery { id } }`, of["Destination"]),
		fmt.Sprintf(`previewDelivery(input: {destinationID: %q}) { request { body } }`, of["Destination"]),
	}
}

func TestWithoutACredentialThereIsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	for _, q := range []string{
		`{ viewer { kind } }`, `{ accounts { totalCount } }`, `{ node(id: "x") { id } }`, `{ __schema { types { name } } }`,
		`{ __typename __type(name: "Account") { name } }`, `{ nosuchfield }`, `{`, `mutation { deleteAccount(input: {id: "x"}) { deletedID } }`,
		`{ ... on Query { viewer { kind } } }`, `{ ... { __schema { queryType { name } } } }`,
		`query A { __typename } query B { accounts { totalCount } }`, `{ ...F } fragment F on Query { __typename viewer { kind } }`,
	} {
		a := w.do(t.Context(), t, q, nil)
		require.Equal(t, 401, a.Status, q)
		require.Equal(t, "unauthenticated", a.code(), q)
		require.Nil(t, a.Data)
		require.Equal(t, auth.Denied().Error(), a.Errors[0].Message)
	}
	require.Equal(t, `{"data":{"__typename":"Query"}}`, w.do(t.Context(), t, `{ __typename }`, nil).Text)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, _ := w.account(t, "jane@example.com")
	for _, q := range []string{
		`{ replays { totalCount } }`, `{ actions { totalCount } }`, `{ replay(id: "x") { id } }`,
		`{ accounts { totalCount } }`, `{ node(id: "x") { id } }`, `{ nodes(ids: []) { id } }`, `{ destination(id: "x") { id } }`,
	} {
		require.Equal(t, "forbidden", w.do(scoped(t, acc, auth.Ingest), t, q, nil).code(), q)
		require.Empty(t, w.do(scoped(t, acc, auth.Read), t, q, nil).code(), q)
	}
	const q = `mutation { deleteAccount(input: {id: "x"}) { deletedID } }`
	require.Equal(t, "forbidden", w.do(scoped(t, acc, auth.Read), t, q, nil).code())
	require.Equal(t, "not_found", w.do(scoped(t, acc, auth.Manage), t, q, nil).code())
	for _, m := range mutations(w.rowsOf(t, acc)) {
		require.Equal(t, "forbidden", w.do(scoped(t, acc, auth.Read), t, "mutation { "+m+" }", nil).code(), m)
	}
}
