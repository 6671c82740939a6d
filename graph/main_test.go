package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/database"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

// TestTheMainJob goes through every mutation, and reads what it has done.
func TestTheMainJob(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a := w.do(w.admin, t, `mutation($in: CreateAccountInput!) {
			createAccount(input: $in) { account { id name email website createdAt } secretToken }
		}`, map[string]any{"in": map[string]any{"name": "Jane", "email": "Jane@example.com"}})
		require.Regexp(t, "^dpt_", a.at(t, "createAccount", "secretToken"))
		account := a.at(t, "createAccount", "account", "id").(string)
		require.Nil(t, a.at(t, "createAccount", "account", "website"), "an optional text that is not set is null")
		first := db.Ent.Token.Query().Where(token.AccountID(account)).OnlyIDX(w.system)
		jane := auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: account, TokenID: first, Scopes: auth.Scopes})

		a = w.do(jane, t, `mutation($id: ID!) { updateAccount(input: {id: $id, website: "https://example.com"}) { account { name website } } }`,
			map[string]any{"id": account})
		require.Equal(t, map[string]any{"name": "Jane", "website": "https://example.com"}, a.at(t, "updateAccount", "account"))

		a = w.do(jane, t, `mutation($id: ID!) { createDestination(input: {
			accountID: $id, url: "https://example.com/hook", headers: [{name: "X-Key", value: "v"}], name: "shop"
		}) { destination { id url httpMethod enabled state reason headers { name value } account { id } } signingSecret } }`,
			map[string]any{"id": account})
		require.Regexp(t, "^whsec_", a.at(t, "createDestination", "signingSecret"))
		destination := a.at(t, "createDestination", "destination", "id").(string)
		require.Equal(t, map[string]any{
			"id": destination, "url": "https://example.com/hook", "httpMethod": "POST", "enabled": true, "state": "SENDING",
			"reason": nil, "headers": []any{map[string]any{"name": "X-Key", "value": "v"}}, "account": map[string]any{"id": account},
		}, a.at(t, "createDestination", "destination"))

		a = w.do(jane, t, `mutation($id: ID!) { updateDestination(input: {id: $id, enabled: false, httpMethod: GET, headers: []}) {
			destination { httpMethod enabled state reason url headers { name } } } }`, map[string]any{"id": destination})
		require.Equal(t, map[string]any{
			"httpMethod": "GET", "enabled": false, "state": "DISABLED", "reason": breaker.ReasonOwner,
			"url": "https://example.com/hook", "headers": []any{},
		}, a.at(t, "updateDestination", "destination"))
		a = w.do(jane, t, `mutation($id: ID!) { rotateSigningSecret(input: {destinationID: $id, overlap: "7d"}) { destination { id } signingSecret } }`,
			map[string]any{"id": destination})
		require.Regexp(t, "^whsec_", a.at(t, "rotateSigningSecret", "signingSecret"))

		a = w.do(jane, t, `mutation($id: ID!) { createToken(input: {accountID: $id, name: "ci", scopes: [READ], expiresAt: "2999-01-01T00:00:00+01:00"}) {
			token { id name scopes first prefix expiresAt account { id } } secretToken } }`, map[string]any{"id": account})
		ci := a.at(t, "createToken", "token").(map[string]any)
		require.Equal(t, []any{"READ"}, ci["scopes"])
		require.Equal(t, "2998-12-31T23:00:00Z", ci["expiresAt"])
		a = w.do(jane, t, `mutation($id: ID!) { rotateToken(input: {id: $id, overlap: "1h"}) { token { id name scopes expiresAt } secretToken } }`, map[string]any{"id": ci["id"]})
		require.Regexp(t, "^dpt_", a.at(t, "rotateToken", "secretToken"))
		successor := a.at(t, "rotateToken", "token").(map[string]any)
		require.NotEqual(t, ci["id"], successor["id"])
		for _, same := range []string{"name", "scopes", "expiresAt"} {
			require.Equal(t, ci[same], successor[same])
		}
		a = w.do(jane, t, `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { revokedAt } } }`, map[string]any{"id": ci["id"]})
		require.NotNil(t, a.at(t, "revokeToken", "token", "revokedAt"))
		a = w.do(jane, t, `mutation($id: ID!) { rotateSecretToken(input: {accountID: $id}) { account { tokens { totalCount } } secretToken } }`,
			map[string]any{"id": account})
		require.EqualValues(t, 4, a.at(t, "rotateSecretToken", "account", "tokens", "totalCount"))

		a = w.do(jane, t, `{ viewer { kind scopes account { id } } }`, nil)
		require.Equal(t, map[string]any{"kind": "ACCOUNT", "scopes": []any{"INGEST", "READ", "MANAGE"}, "account": map[string]any{"id": account}}, a.at(t, "viewer"))
		a = w.do(w.admin, t, `{ viewer { kind account { id } } }`, nil)
		require.Equal(t, map[string]any{"kind": "ADMIN", "account": nil}, a.at(t, "viewer"))

		a = w.do(jane, t, `mutation($id: ID!) { deleteDestination(input: {id: $id}) { deletedID } }`, map[string]any{"id": destination})
		require.Equal(t, destination, a.at(t, "deleteDestination", "deletedID"))
		require.Nil(t, w.do(jane, t, `query($id: ID!) { destination(id: $id) { id } }`, map[string]any{"id": destination}).at(t, "destination"))
		a = w.do(jane, t, `mutation($id: ID!) { deleteAccount(input: {id: $id}) { deletedID } }`, map[string]any{"id": account})
		require.Equal(t, account, a.at(t, "deleteAccount", "deletedID"))
		require.Nil(t, w.do(w.admin, t, `query($id: ID!) { account(id: $id) { id } }`, map[string]any{"id": account}).at(t, "account"))
	})
}

// TestWhyIsItNotThereYet is the question that one query answers.
func TestWhyIsItNotThereYet(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		e := w.event(t, acc.ID, 2, d)
		a := w.do(jane, t, `{ events(first: 5, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount edges { node {
			id payload size eventType account { id }
			deliveries { edges { node {
				status reason nextAttemptAt attemptCount engineURL settledAt destination { id url } event { id }
				attempts { edges { node { number status errorClass durationMs responseBody responseTruncated delivery { id } } } }
			} } }
		} } } }`, nil)
		node := a.at(t, "events", "edges", 0, "node").(map[string]any)
		require.Equal(t, e.ID, node["id"])
		require.Equal(t, `{"n": 1.00}`, node["payload"])
		require.EqualValues(t, 11, node["size"])
		require.Nil(t, node["eventType"])
		dlv := a.at(t, "events", "edges", 0, "node", "deliveries", "edges", 0, "node").(map[string]any)
		require.Equal(t, "RETRYING", dlv["status"])
		require.Equal(t, "503", dlv["reason"])
		require.Equal(t, "2030-05-06T07:09:09Z", dlv["nextAttemptAt"])
		require.Equal(t, "https://ui.example.com/event/"+e.ID, dlv["engineURL"])
		require.Nil(t, dlv["settledAt"])
		require.Equal(t, map[string]any{"id": d.ID, "url": d.URL}, dlv["destination"])
		att := a.at(t, "events", "edges", 0, "node", "deliveries", "edges", 0, "node", "attempts", "edges", 1, "node").(map[string]any)
		require.EqualValues(t, 2, att["number"])
		require.InEpsilon(t, 1.5, att["durationMs"], 1e-9)
		require.Equal(t, "no\uFFFD", att["responseBody"])
		require.Nil(t, att["errorClass"])
	})
}

func TestWhatIsDeletedIsNull(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		e := w.event(t, acc.ID, 1, d)
		require.NoError(t, w.pusher.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		const nested = `{ deliveries { edges { node { id destination { url } event { id } } } } }`
		require.Nil(t, w.do(jane, t, nested, nil).at(t, "deliveries", "edges", 0, "node", "destination"))
		db.Ent.Event.DeleteOneID(e.ID).ExecX(w.system) // as an old partition goes
		require.Nil(t, w.do(jane, t, nested, nil).at(t, "deliveries", "edges", 0, "node", "event"))

		require.NoError(t, w.pusher.DeleteAccount(jane, pusher.DeleteAccountInput{ID: acc.ID}))
		w.event(t, acc.ID, 0)
		a := w.do(w.admin, t, `{ events { edges { node { account { id } } } } }`, nil)
		require.Nil(t, a.at(t, "events", "edges", 0, "node", "account"))
	})
}

func TestHeaderValuesAreForThoseWhoManage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	a := w.do(jane, t, `mutation($id: ID!) { createDestination(input: {accountID: $id, url: "https://example.com", headers: [{name: "X-Key", value: "planted-marker"}]}) { destination { id } } }`,
		map[string]any{"id": acc.ID})
	require.Empty(t, a.Errors)
	const q = `{ destinations { edges { node { headers { name value } } } } }`
	require.Contains(t, w.do(w.admin, t, q, nil).Text, "planted-marker")
	a = w.do(scoped(t, acc, auth.Read), t, q, nil)
	require.NotContains(t, a.Text, "planted-marker")
	require.Equal(t, map[string]any{"name": "X-Key", "value": "••••"}, a.at(t, "destinations", "edges", 0, "node", "headers", 0))
}
