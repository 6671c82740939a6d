package graph_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/graph"
	"datapusher/internal/testutil/dbtest"
)

func TestErrorsAreCoded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	for name, c := range map[string]struct {
		query, code string
		path        []any
		fields      []string
	}{
		"syntax":         {`{ viewer { kind }`, "invalid", nil, nil},
		"unknown field":  {`{ viewer { nosuch } }`, "invalid", nil, nil},
		"no enum":        {`{ destinations(orderBy: {field: URL}) { totalCount } }`, "invalid", nil, nil},
		"no time":        {`{ events(where: {createdAt: "yesterday"}) { totalCount } }`, "invalid", []any{"events"}, nil},
		"no duration":    {fmt.Sprintf(`mutation { rotateSecretToken(input: {accountID: %q, overlap: "soon"}) { secretToken } }`, acc.ID), "invalid", []any{"rotateSecretToken"}, nil},
		"overlap":        {fmt.Sprintf(`mutation { rotateSecretToken(input: {accountID: %q, overlap: "8d"}) { secretToken } }`, acc.ID), "invalid", []any{"rotateSecretToken"}, []string{"overlap"}},
		"fields":         {fmt.Sprintf(`mutation { m: createDestination(input: {accountID: %q, url: "x", headers: [{name: "Host", value: ""}]}) { signingSecret } }`, acc.ID), "invalid", []any{"m"}, []string{"url", "headers[0].name"}},
		"conflict":       {`mutation { createAccount(input: {name: "x", email: "JANE@example.com"}) { secretToken } }`, "conflict", []any{"createAccount"}, nil},
		"not found":      {`mutation { deleteAccount(input: {id: "x"}) { deletedID } }`, "not_found", []any{"deleteAccount"}, nil},
		"NUL":            {`{ accounts(where: {name: "a\u0000b"}) { totalCount } }`, "invalid", nil, nil},
		"number too big": {`{ deliveries(where: {attemptCount: 99999999999999999999}) { totalCount } }`, "invalid", nil, nil},
		"two operations": {`query A { __typename } query B { __typename }`, "invalid", nil, nil},
	} {
		a := w.do(t, w.admin, c.query, nil)
		require.Len(t, a.Errors, 1, "%s %s", name, a.Text)
		require.Equal(t, c.code, a.code(), "%s %s", name, a.Text)
		require.Equal(t, c.path, append([]any(nil), a.Errors[0].Path...)[:len(c.path)], name)
		require.Equal(t, http.StatusOK, a.Status, name)
		var fields []string
		for _, f := range a.Errors[0].Extensions.Fields {
			fields = append(fields, f.Name)
		}
		require.Equal(t, c.fields, fields, name)
	}
	require.Equal(t, "forbidden", w.do(t, jane, `mutation { createAccount(input: {name: "x", email: "x@example.com"}) { secretToken } }`, nil).code())
	a := w.do(t, jane, `query($s: String) { accounts(where: {name: $s}) { totalCount } }`, map[string]any{"s": "a\x00"})
	require.Equal(t, "invalid", a.code())
}

func TestWhatIsOursIsMaskedAndLogged(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db)
	acc, jane := w.account(t, "jane@example.com")
	w.event(t, acc.ID, 0, w.destination(t, acc.ID))

	w.engine.broken = true
	a := w.do(t, jane, `{ deliveries { edges { node { id engineURL } } } }`, nil)
	require.Equal(t, "internal", a.code())
	require.NotContains(t, a.Text, "planted-marker")
	require.Equal(t, "the-request", a.Errors[0].Extensions.RequestID)
	require.Contains(t, w.log.String(), "planted-marker")
	require.Contains(t, w.log.String(), "request=the-request")

	require.NoError(t, db.Close())
	a = w.do(t, jane, `{ accounts { totalCount } }`, nil)
	require.Equal(t, "internal", a.code())
	require.NotContains(t, a.Text, "sql")
	require.Contains(t, w.log.String(), "sql: database is closed")
}

func TestTheDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	const q = `{"query":"{ viewer { kind } }"}`
	for name, c := range map[string]struct {
		method, kind, body string
		status             int
		code               string
	}{
		"good":               {"POST", "application/json", q, 200, ""},
		"charset":            {"POST", "application/json; charset=UTF-8", q, 200, ""},
		"unknown member":     {"POST", "application/json", `{"query":"{ __typename }","id":"1"}`, 200, ""},
		"null members":       {"POST", "application/json", `{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}`, 200, ""},
		"another charset":    {"POST", "application/json; charset=latin1", q, 415, "unsupported_media"},
		"form":               {"POST", "application/x-www-form-urlencoded", "query={__typename}", 415, "unsupported_media"},
		"text, as forms can": {"POST", "text/plain", q, 415, "unsupported_media"},
		"multipart":          {"POST", "multipart/form-data; boundary=x", q, 415, "unsupported_media"},
		"no type":            {"POST", "", q, 415, "unsupported_media"},
		"no JSON":            {"POST", "application/json", `{"query":"planted-marker`, 400, "invalid"},
		"trailing":           {"POST", "application/json", q + "planted-marker", 400, "invalid"},
		"list":               {"POST", "application/json", "[" + q + "]", 400, "invalid"},
		"no query":           {"POST", "application/json", `{"variables":{"a":"planted-marker"}}`, 400, "invalid"},
		"wrong types":        {"POST", "application/json", `{"query":7,"variables":"planted-marker"}`, 400, "invalid"},
		"empty":              {"POST", "application/json", ``, 400, "invalid"},
		"too large":          {"POST", "application/json", `{"query":"planted-marker` + strings.Repeat(" ", graph.MaxBody) + `"}`, 413, "too_large"},
		"query too large":    {"POST", "application/json", `{"query":"{ __typename }` + strings.Repeat(" ", 32<<10) + `"}`, 413, "too_large"},
		"PUT":                {"PUT", "application/json", q, 405, "method_not_allowed"},
	} {
		r := httptest.NewRequestWithContext(w.admin, c.method, "/graphql", strings.NewReader(c.body))
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		a := w.serve(t, r)
		require.Equal(t, c.status, a.Status, "%s %s", name, a.Text)
		require.Equal(t, c.code, a.code(), name)
		require.NotContains(t, a.Text, "planted-marker", name)
		require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"), name)
	}
}

func TestQueriesByGET(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	get := func(q url.Values) answer {
		return w.serve(t, httptest.NewRequestWithContext(w.admin, http.MethodGet, "/graphql?"+q.Encode(), nil))
	}
	a := get(url.Values{"query": {`query A($n: Int) { accounts(first: $n) { totalCount } } query B { __typename }`}, "operationName": {"A"}, "variables": {`{"n": 1}`}})
	require.EqualValues(t, 0, a.at(t, "accounts", "totalCount"))
	a = get(url.Values{"query": {`mutation { deleteAccount(input: {id: "x"}) { deletedID } }`}})
	require.Equal(t, http.StatusMethodNotAllowed, a.Status)
	require.Equal(t, "POST", a.Header.Get("Allow"))
	for _, q := range []url.Values{{}, {"query": {"{ __typename }"}, "variables": {"planted-marker"}}, {"query": {"{ __typename }"}, "extensions": {"[]"}}} {
		a = get(q)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.Equal(t, "invalid", a.code())
		require.NotContains(t, a.Text, "planted-marker")
	}
}

func TestTheAnswersTypeIsNegotiated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	for accept, want := range map[string]string{
		"": "application/json; charset=utf-8", "*/*": "application/json; charset=utf-8", "text/html": "application/json; charset=utf-8",
		"application/graphql-response+json":                         "application/graphql-response+json; charset=utf-8",
		"application/graphql-response+json, application/json;q=0.9": "application/graphql-response+json; charset=utf-8",
	} {
		r := httptest.NewRequestWithContext(w.admin, http.MethodGet, "/graphql?query="+url.QueryEscape("{ nosuch }"), nil)
		r.Header.Set("Accept", accept)
		a := w.serve(t, r)
		require.Equal(t, want, a.Header.Get("Content-Type"), accept)
		if strings.Contains(want, "graphql") {
			require.Equal(t, http.StatusBadRequest, a.Status)
		} else {
			require.Equal(t, http.StatusOK, a.Status)
		}
	}
}

// TestHostileDocuments must be refused at once, by whomever they are sent.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, jane := w.account(t, "jane@example.com")
	var bomb strings.Builder
	bomb.WriteString("{ ...F0 }")
	for i := range 60 {
		fmt.Fprintf(&bomb, " fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
	}
	bomb.WriteString(" fragment F60 on Query { __typename }")
	documents := map[string]string{
		"fragment bomb":      bomb.String(),
		"fragment cycle":     `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`,
		"unused fragment":    `{ __typename } fragment A on Query { ` + strings.Repeat("viewer { kind } ", 400) + ` }`,
		"deep":               `{ ` + strings.Repeat("viewer { account { tokens { edges { node { account { ", 5) + "id" + strings.Repeat("} } } } } }", 5) + ` }`,
		"many at the root":   `{ ` + aliases(51, "viewer { kind }") + ` }`,
		"many aliases":       `{ viewer { ` + aliases(701, "kind") + ` } }`,
		"equal fields":       `{ viewer { ` + strings.Repeat("kind ", 701) + ` } }`,
		"wide lists":         `{ accounts(first: 100) { edges { node { destinations(first: 100) { edges { node { deliveries(first: 100) { totalCount } } } } } } } }`,
		"long list":          `{ accounts(where: {idIn: [` + strings.Repeat(`"x" `, 501) + `]}) { totalCount } }`,
		"deep brackets":      `{ accounts(where: ` + strings.Repeat("{not: ", 3000) + strings.Repeat("}", 3000) + `) { totalCount } }`,
		"deep introspection": `{ __schema { types { ` + strings.Repeat("fields { type { ", 9) + "name" + strings.Repeat("} }", 9) + ` } } }`,
		"many directives":    `{ __typename ` + strings.Repeat("@skip(if: false) ", 1000) + ` }`,
		"many tokens":        `{ ` + strings.Repeat("a ", 10000) + ` }`,
		"many payloads":      `{ events(first: 100) { edges { node { a: payload b: payload c: payload d: payload e: payload f: payload g: payload h: payload i: payload j: payload k: payload } } } }`,
	}
	for name, q := range documents {
		for _, ctx := range []struct {
			who  string
			code string
		}{{"jane", "invalid"}, {"nobody", "unauthenticated"}} {
			c := jane
			if ctx.who == "nobody" {
				c = t.Context()
			}
			start := time.Now()
			a := w.do(t, c, q, nil)
			took := time.Since(start)
			require.Equal(t, ctx.code, a.code(), "%s %.300s", name, a.Text)
			require.Nil(t, a.Data)
			t.Logf("%s, %s: %v: %s", name, ctx.who, took, a.Errors[0].Message)
		}
	}
	for name, v := range map[string]any{
		"deep":  nested(30),
		"long":  map[string]any{"idIn": make([]string, 501)},
		"small": map[string]any{"idIn": []string{"a\x00"}},
	} {
		a := w.do(t, jane, `query($w: AccountWhereInput) { accounts(where: $w) { totalCount } }`, map[string]any{"w": v})
		require.Equal(t, "invalid", a.code(), name)
	}
}

func aliases(n int, field string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: %s ", i, field)
	}
	return b.String()
}

func nested(n int) any {
	v := map[string]any{"id": "x"}
	for range n {
		v = map[string]any{"not": v}
	}
	return v
}

func TestWhatIsAllowedIsNotRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, jane := w.account(t, "jane@example.com")
	for _, q := range []string{
		introspection,
		`{ ` + aliases(50, "viewer { kind }") + ` }`,
		`{ viewer { ` + strings.Repeat("kind ", 690) + ` } }`,
		`{ accounts { edges { node { events { edges { node { id deliveries { edges { node { id status reason nextAttemptAt } } } } } } } } } }`,
	} {
		require.Empty(t, w.do(t, jane, q, nil).Errors, q)
	}
	require.Equal(t, "invalid", w.do(t, jane, `query($w: AccountWhereInput) { accounts(where: $w) { totalCount } }`,
		map[string]any{"w": map[string]any{"nosuch": 1}}).code())
}

func TestSDL(t *testing.T) {
	t.Parallel()
	require.Equal(t, graph.SDL(), graph.SDL())
	require.Contains(t, graph.SDL(), "createAccount(input: CreateAccountInput!): CreateAccountPayload!")
	require.Contains(t, graph.SDL(), "It is shown once.")
	require.NotContains(t, graph.SDL(), "goModel")
	require.NotContains(t, graph.SDL(), "datapusher/ent")
}

// introspection is what GraphiQL asks for when it opens.
const introspection = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
	types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description
	args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
