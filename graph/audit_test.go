package graph_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/token"
	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/origin"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
)

// What is planted where secrets are, and must not be in the audit log. Secrets
// that are made here are added as they are shown.
var planted = []string{
	"marker-header-value", "marker-other-header", "marker-url-password", "marker-query-token", "marker-bare-query",
	"marker-payload", "marker-event-header", signingMarker, base64.StdEncoding.EncodeToString([]byte(signingMarker)),
}

const signingMarker = "marker-of-a-signing-secret-0123456789"

func markedSecret(s string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(s))
}

// scene is an account with one row of everything that can be changed.
type scene struct {
	account, token, first, destination, event, delivery, replay, paused string
}

func (w *world) scene(t *testing.T, email string) scene {
	t.Helper()
	a, _, err := w.pusher.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "Jane", Email: email, Website: new("https://u.example.com/?k=marker-query-token")})
	require.NoError(t, err)
	s := scene{account: a.ID, first: w.db.Ent.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system).ID}
	tok, _, err := w.pusher.CreateToken(w.admin, pusher.CreateTokenInput{AccountID: a.ID, Name: "ci", Scopes: []auth.Scope{auth.Read}})
	require.NoError(t, err)
	d, _, err := w.pusher.CreateDestination(w.admin, pusher.CreateDestinationInput{
		AccountID: a.ID, URL: "https://example.com/hook?token=marker-query-token&marker-bare-query", SigningSecret: new(markedSecret(signingMarker)),
		Headers: []sender.Header{{Name: "X-Key", Value: "marker-header-value"}},
	})
	require.NoError(t, err)
	e := w.event(t, a.ID, 1, d)
	replay := func(status string) string {
		r, _, err := w.pusher.ReplayEvents(w.admin, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &a.ID}})
		require.NoError(t, err)
		if status == "PAUSED" {
			_, err = w.pusher.PauseReplay(w.admin, pusher.PauseReplayInput{ID: r.ID})
			require.NoError(t, err)
		}
		return r.ID
	}
	w.now = w.now.Add(time.Second) // the event lies before the replays
	s.token, s.destination, s.event, s.delivery = tok.ID, d.ID, e.ID, id.DeliveryOf(e.ID, 0)
	s.replay, s.paused = replay("RUNNING"), replay("PAUSED")
	return s
}

// audited is a mutation, and the one action that it is in the audit log.
type audited struct {
	call    string // with the ids of the scene in it
	kind    action.Kind
	subject string // "": a row that it makes
	admin   bool   // only an administrator may
	before  string // JSON; "-" is not looked at
	after   string
}

// auditedMutations has every mutation of the API but those in unaudited.
func auditedMutations(s scene) map[string]audited {
	q := fmt.Sprintf
	newSecret := markedSecret(signingMarker + "-2")
	return map[string]audited{
		"createAccount": {
			q(`createAccount(input: {name: "Joe", email: "new@example.com"}) { account { id } secretToken }`), action.KindCreate, "", true,
			``, `-`,
		},
		"updateAccount": {
			q(`updateAccount(input: {id: %q, name: "Joe", website: "https://u.example.com/?k=marker-bare-query"}) { account { id } }`, s.account),
			action.KindUpdate, s.account, false,
			`{"name":"Jane","website":"https://u.example.com/?k=••••"}`, `{"name":"Joe","website":"https://u.example.com/?k=••••"}`,
		},
		"deleteAccount": {
			q(`deleteAccount(input: {id: %q}) { deletedID }`, s.account), action.KindDelete, s.account, false,
			`-`, ``,
		},
		"createToken": {
			q(`createToken(input: {accountID: %q, name: "ops", scopes: [READ, MANAGE]}) { token { id } secretToken }`, s.account),
			action.KindCreate, "", false,
			``, `{"name":"ops","scopes":["READ","MANAGE"],"secretToken":"set"}`,
		},
		"revokeToken": {
			q(`revokeToken(input: {id: %q}) { token { id } }`, s.token), action.KindRevoke, s.token, false,
			``, `-`,
		},
		"rotateSecretToken": {
			q(`rotateSecretToken(input: {accountID: %q}) { account { id } secretToken }`, s.account), action.KindRotate, "", false,
			q(`{"secretToken":"set","tokenID":%q}`, s.first), `-`,
		},
		"rotateToken": {
			q(`rotateToken(input: {id: %q}) { token { id } secretToken }`, s.token), action.KindRotate, s.token, false,
			q(`{"secretToken":"set","tokenID":%q}`, s.token), `-`,
		},
		"setAccountEgress": {
			q(`setAccountEgress(input: {accountID: %q, allowCIDRs: ["10.0.0.0/8"]}) { account { id } }`, s.account), action.KindUpdate, s.account, true,
			``, `{"allowCIDRs":["10.0.0.0/8"]}`,
		},
		"createPortalLink": {
			q(`createPortalLink(input: {accountID: %q, scopes: [MANAGE], expiresIn: "1h", reason: "why"}) { id url }`, s.account), action.KindCreate, "", true,
			``, `-`,
		},
		"revokePortalLinks": {
			q(`revokePortalLinks(input: {accountID: %q}) { links sessions }`, s.account), action.KindRevoke, s.account, true,
			``, `{"portalLinks":0,"portalSessions":0}`,
		},
		"createDestination": {
			q(`createDestination(input: {accountID: %q, url: "https://example.com/hook?token=marker-query-token&marker-bare-query", signingSecret: %q,
				headers: [{name: "X-Key", value: "marker-header-value"}], timeout: "3s"}) { destination { id } signingSecret }`, s.account, newSecret),
			action.KindCreate, "", false,
			``, `{"headers":{"X-Key":"set"},"httpMethod":"POST","signingAlgorithm":"HMAC_SHA256","signingSecret":"set","timeout":"3s","url":"https://example.com/hook?token=••••&••••"}`,
		},
		"updateDestination": {
			q(`updateDestination(input: {id: %q, name: "shop", url: "https://example.com/hook?token=marker-bare-query",
				headers: [{name: "X-Key", value: "marker-other-header"}, {name: "X-Id", value: "marker-header-value"}]}) { destination { id } }`, s.destination),
			action.KindUpdate, s.destination, false,
			`{"headers":{"X-Key":"set"},"url":"https://example.com/hook?token=••••&••••"}`,
			`{"headers":{"X-Id":"set","X-Key":"changed"},"name":"shop","url":"https://example.com/hook?token=••••"}`,
		},
		"deleteDestination": {
			q(`deleteDestination(input: {id: %q}) { deletedID }`, s.destination), action.KindDelete, s.destination, false,
			`{"headers":{"X-Key":"set"},"httpMethod":"POST","signingAlgorithm":"HMAC_SHA256","signingSecret":"set","state":"SENDING","url":"https://example.com/hook"}`, ``,
		},
		"rotateSigningSecret": {
			q(`rotateSigningSecret(input: {destinationID: %q, signingSecret: %q}) { destination { id } signingSecret }`, s.destination, newSecret),
			action.KindRotate, s.destination, false,
			`{"signingSecret":"set"}`, `{"signingSecret":"changed"}`,
		},
		"pauseDestination": {
			q(`pauseDestination(input: {destinationID: %q, reason: "why"}) { destination { id } }`, s.destination), action.KindPause, s.destination, false,
			`{"state":"SENDING"}`, `{"reason":"why","state":"PAUSED"}`,
		},
		"resumeDestination": {
			q(`resumeDestination(input: {destinationID: %q, rate: 2.5}) { destination { id } }`, s.destination), action.KindResume, s.destination, false,
			``, `{"drainRate":2.5}`,
		},
		"retryDelivery": {
			q(`retryDelivery(input: {deliveryID: %q, reason: "why"}) { delivery { id } }`, s.delivery), action.KindRetry, s.delivery, false,
			`-`, `-`,
		},
		"cancelDelivery": {
			q(`cancelDelivery(input: {deliveryID: %q}) { delivery { id } }`, s.delivery), action.KindCancel, s.delivery, false,
			`-`, q(`{"reason":"canceled by %s","status":"CANCELED"}`, s.first),
		},
		"postponeDelivery": {
			q(`postponeDelivery(input: {deliveryID: %q, until: "2030-05-06T23:00:00Z"}) { delivery { id } }`, s.delivery), action.KindPostpone, s.delivery, false,
			`-`, `{"nextAttemptAt":"2030-05-06T23:00:00Z","reason":"postponed"}`,
		},
		"sendTestEvent": {
			q(`sendTestEvent(input: {destinationID: %q, payload: "\"marker-payload\""}) { event { id } }`, s.destination), action.KindTest, s.destination, false,
			``, `-`,
		},
		"replayEvent": {
			q(`replayEvent(input: {eventID: %q, payload: "\"marker-payload\"", headers: [{name: "X-Once", value: "marker-event-header"}]}) { event { id } }`, s.event),
			action.KindReplay, s.event, false,
			``, `-`,
		},
		"replayEvents": {
			q(`replayEvents(input: {filter: {accountID: %q}}) { count replay { id } }`, s.account), action.KindReplay, "", false,
			``, `-`,
		},
		"pauseReplay": {
			q(`pauseReplay(input: {id: %q}) { replay { id } }`, s.replay), action.KindPause, s.replay, false,
			`{"status":"RUNNING"}`, `{"status":"PAUSED"}`,
		},
		"resumeReplay": {
			q(`resumeReplay(input: {id: %q}) { replay { id } }`, s.paused), action.KindResume, s.paused, false,
			`{"status":"PAUSED"}`, `{"status":"RUNNING"}`,
		},
		"cancelReplay": {
			q(`cancelReplay(input: {id: %q, reason: "why"}) { replay { id } }`, s.replay), action.KindCancel, s.replay, false,
			`{"status":"RUNNING"}`, `{"reason":"why","status":"CANCELED"}`,
		},
	}
}

// harmless are the mutations that change nothing, whatever they are given.
var harmless = []string{"previewDelivery"}

// unaudited are calls that leave nothing in the audit log, with the reason.
func unaudited(s scene) map[string]string {
	return map[string]string{
		"previewDelivery: it shows a request, and neither stores nor sends anything": fmt.Sprintf(
			`previewDelivery(input: {destinationID: %q}) { request { method } }`, s.destination),
		"replayEvents with dryRun: it only counts": fmt.Sprintf(
			`replayEvents(input: {filter: {accountID: %q}, dryRun: true}) { count }`, s.account),
		"updateDestination to what it is already": fmt.Sprintf(
			`updateDestination(input: {id: %q, enabled: true, headers: [{name: "X-Key", value: "marker-header-value"}]}) { destination { id } }`, s.destination),
		"updateAccount to what it is already": fmt.Sprintf(
			`updateAccount(input: {id: %q, name: "Jane"}) { account { id } }`, s.account),
	}
}

// TestEveryMutationIsInTheAuditLog takes the mutations from the schema itself: one
// that is added without a line here fails, and so does one that is not noted.
func TestEveryMutationIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var secrets []string
		for i, name := range mutationNames(t) {
			s := w.scene(t, fmt.Sprintf("jane%d@example.com", i))
			m, ok := auditedMutations(s)[name]
			if !ok {
				require.Contains(t, harmless, name, "%s is not audited: note it, and say here as what", name)
				continue
			}
			if name == "deleteDestination" { // one that is older than the rule against it
				db.Ent.Destination.UpdateOneID(s.destination).SetURL("https://user:marker-url-password@example.com/hook").ExecX(w.system)
			}
			w.audited(t, name, s, m, &secrets)
		}
		for i, why := range slices.Sorted(maps.Keys(unaudited(scene{}))) {
			s := w.scene(t, fmt.Sprintf("joe%d@example.com", i))
			before := db.Ent.Action.Query().CountX(w.system)
			require.Empty(t, w.do(scopedTo(t, s.account), t, "mutation { "+unaudited(s)[why]+" }", nil).Errors, why)
			require.Equal(t, before, db.Ent.Action.Query().CountX(w.system), why)
		}
		require.GreaterOrEqual(t, len(secrets), 5, "not every secret that was made was seen")
		log := everything(t, db)
		for _, marker := range append(secrets, planted...) {
			require.NotContains(t, log, marker)
		}
		require.Contains(t, log, "X-Once", "the log has no headers at all, and proves nothing")
	})
}

// audited carries a mutation out and looks at its one line in the log.
func (w *world) audited(t *testing.T, name string, s scene, m audited, secrets *[]string) {
	t.Helper()
	owner := &auth.Viewer{Kind: auth.Account, AccountID: s.account, TokenID: s.first, Scopes: auth.Scopes}
	ctx, actor, accountID := auth.With(t.Context(), owner), s.first, s.account
	if m.admin {
		ctx, actor = w.admin, "admin"
	}
	known := w.db.Ent.Action.Query().IDsX(w.system)
	a := w.do(origin.With(ctx, "203.0.113.7"), t, "mutation { "+m.call+" }", nil)
	require.Empty(t, a.Errors, "%s: %s", name, a.Text)
	for _, field := range []string{"secretToken", "signingSecret", "url"} {
		if secret, ok := a.Data[name].(map[string]any)[field].(string); ok {
			secret = secret[strings.Index(secret, "#")+1:]
			_, bare, _ := strings.Cut(secret, "_")
			*secrets = append(*secrets, bare)
		}
	}
	made := w.db.Ent.Action.Query().Where(action.IDNotIn(known...)).AllX(w.system)
	require.Len(t, made, 1, name)
	got := made[0]
	require.Equal(t, m.kind, got.Kind, name)
	require.Equal(t, actor, got.Actor, name)
	require.Equal(t, "203.0.113.7", got.Address, name)
	require.Equal(t, "the-request", got.RequestID, name)
	if m.admin && strings.HasPrefix(got.SubjectID, "acc_") {
		accountID = got.SubjectID
	}
	require.Equal(t, accountID, got.AccountID, name)
	if m.subject != "" {
		require.Equal(t, m.subject, got.SubjectID, name)
	} else {
		require.NotContains(t, fmt.Sprint(s), got.SubjectID, "%s makes a row", name)
		require.Len(t, got.SubjectID, len(s.account), name)
	}
	requireFacts(t, m.before, got.Before, name+", before")
	requireFacts(t, m.after, got.After, name+", after")
}

func requireFacts(t *testing.T, want string, got []byte, of string) {
	t.Helper()
	if want == "-" {
		require.True(t, json.Valid(got), "%s: %s", of, got)
		return
	}
	require.Equal(t, want, string(got), of)
}

// TestAChangeOfTwoThingsIsTwoActions: disabling, or enabling, is one of its own.
func TestAChangeOfTwoThingsIsTwoActions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s := w.scene(t, "jane@example.com")
		ctx := scopedTo(t, s.account)
		a := w.do(ctx, t, `mutation($id: ID!) { updateDestination(input: {id: $id, enabled: false, httpMethod: PUT}) { destination { id } } }`,
			map[string]any{"id": s.destination})
		require.Empty(t, a.Errors, a.Text)
		a = w.do(ctx, t, `query($id: ID!) { actions(where: {subjectID: $id, kindIn: [DISABLE, UPDATE]}) { edges { node { kind before after } } } }`,
			map[string]any{"id": s.destination})
		require.ElementsMatch(t, []any{
			map[string]any{"node": map[string]any{
				"kind": "DISABLE", "before": `{"state":"SENDING"}`, "after": `{"reason":"disabled by its owner","state":"DISABLED"}`,
			}},
			map[string]any{"node": map[string]any{"kind": "UPDATE", "before": `{"httpMethod":"POST"}`, "after": `{"httpMethod":"PUT"}`}},
		}, a.at(t, "actions", "edges"))
	})
}

// TestWhoReadsTheAuditLog: the admin all of it, an account what is its own and
// nothing of what is nobody's; by kind, by actor, by time and by where it came from.
func TestWhoReadsTheAuditLog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		ja, jane := w.account(t, "jane@example.com")
		ba, joe := w.account(t, "joe@example.com")
		w.now = w.now.Add(time.Minute)
		for ctx, of := range map[context.Context]string{jane: ja.ID, joe: ba.ID} {
			a := w.do(origin.With(ctx, "203.0.113.7"), t, `mutation($id: ID!) { updateAccount(input: {id: $id, name: "J"}) { account { id } } }`, map[string]any{"id": of})
			require.Empty(t, a.Errors)
		}
		nobodys := db.Ent.Action.Create().SetSubjectID("ses_1").SetKind(action.KindSignIn).SetActor("admin").SetAddress("203.0.113.8").SaveX(w.system)

		reader := scoped(t, ja, auth.Read)
		const q = `{ actions(where: {%s}) { totalCount edges { node { accountID kind actor address requestID before after } } } }`
		for filter, want := range map[string][2]int{ // what the account sees, and the admin
			`idNEQ: "act_1"`:                         {2, 5},
			`kind: UPDATE`:                           {1, 2},
			`actor: "tok_test"`:                      {1, 2},
			`createdAtGT: "2030-05-06T07:08:09Z"`:    {1, 2},
			`createdAtLTE: "2030-05-06T07:08:09Z"`:   {1, 3},
			`address: "203.0.113.7"`:                 {1, 2},
			`requestID: "the-request"`:               {1, 2},
			`accountIDIsNil: true`:                   {0, 1},
			fmt.Sprintf(`accountID: %q`, ba.ID):      {0, 2},
			fmt.Sprintf(`id: %q`, nobodys.ID):        {0, 1},
			`address: "203.0.113.8", actor: "admin"`: {0, 1},
		} {
			require.EqualValues(t, want[0], w.do(reader, t, fmt.Sprintf(q, filter), nil).at(t, "actions", "totalCount"), filter)
			require.EqualValues(t, want[1], w.do(w.admin, t, fmt.Sprintf(q, filter), nil).at(t, "actions", "totalCount"), filter)
		}
		require.Equal(t, map[string]any{
			"accountID": ja.ID, "kind": "UPDATE", "actor": "tok_test", "address": "203.0.113.7", "requestID": "the-request",
			"before": `{"name":"Jane"}`, "after": `{"name":"J"}`,
		}, w.do(reader, t, fmt.Sprintf(q, `kind: UPDATE`), nil).at(t, "actions", "edges", 0, "node"))
		require.Equal(t, "forbidden", w.do(scoped(t, ja, auth.Ingest), t, fmt.Sprintf(q, `kind: UPDATE`), nil).code())
	})
}

// mutationNames are those of the schema, in its order.
func mutationNames(t *testing.T) []string {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL()})
	require.NoError(t, err)
	var names []string
	for _, f := range schema.Mutation.Fields {
		names = append(names, f.Name)
	}
	require.Greater(t, len(names), 20)
	return names
}

func scopedTo(t *testing.T, accountID string) context.Context {
	t.Helper()
	return scoped(t, &ent.Account{ID: accountID}, auth.Scopes...)
}

// everything is the whole table, as the database has it.
func everything(t *testing.T, db *database.DB) string {
	t.Helper()
	rows, err := db.Read.QueryContext(t.Context(), "SELECT * FROM actions")
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var b strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		for _, v := range values {
			if text, ok := v.([]byte); ok {
				v = string(text)
			}
			fmt.Fprintln(&b, v)
		}
	}
	require.NoError(t, rows.Err())
	return b.String()
}
