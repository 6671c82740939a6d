package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// Errors name fields, types and variables. They never quote a value, wherever it
// stood: the answer to a request with a secret in the wrong place holds no secret.
func TestErrorsQuoteNoValues(t *testing.T) {
	t.Parallel()
	const marker = "dpt_planted_marker"
	documents := map[string]string{
		"a text":                   `{ accounts(first: "M") { totalCount } }`,
		"a name":                   `{ accounts(first: M) { totalCount } }`,
		"a name for a text":        `{ accounts(where: {name: M}) { totalCount } }`,
		"an enum":                  `{ deliveries(where: {status: M}) { totalCount } }`,
		"an enum's text":           `{ deliveries(where: {status: "M"}) { totalCount } }`,
		"an enum in a list":        `{ deliveries(where: {statusIn: [SUCCEEDED, M]}) { totalCount } }`,
		"an order":                 `{ events(orderBy: {field: "M"}) { totalCount } }`,
		"a list":                   `{ node(id: ["M"]) { id } }`,
		"an object":                `{ node(id: {a: "M"}) { id } }`,
		"a boolean":                `{ destinations(where: {enabled: "M"}) { totalCount } }`,
		"a directive's":            `{ viewer { kind @skip(if: "M") } }`,
		"a block":                  `{ accounts(first: """M""") { totalCount } }`,
		"suggestive":               `{ accounts(first: "x value: M, found M") { totalCount } }`,
		"of an enum, suggestive":   `{ deliveries(where: {status: "x, found M. Did you mean M?"}) { totalCount } }`,
		"a time":                   `{ events(where: {createdAt: "M"}) { totalCount } }`,
		"a time that is a name":    `{ events(where: {createdAt: M}) { totalCount } }`,
		"a time in an object":      `{ events(where: {createdAt: {a: "M"}}) { totalCount } }`,
		"a duration":               `mutation { rotateSecretToken(input: {accountID: "x", overlap: "M"}) { secretToken } }`,
		"a cursor":                 `{ events(after: "M") { totalCount } }`,
		"a scope":                  `mutation { createToken(input: {accountID: "x", name: "x", scopes: [M]}) { secretToken } }`,
		"a default":                `query($n: Int = "M") { accounts(first: $n) { totalCount } }`,
		"a default of an enum":     `query($s: DeliveryStatus = M) { deliveries(where: {status: $s}) { totalCount } }`,
		"syntax, a text":           `{ viewer "M" { kind } }`,
		"syntax, a name":           `M { viewer { kind } }`,
		"syntax, another name":     `query Q on M { viewer { kind } }`,
		"syntax, a block":          `{ viewer """M""" { kind } }`,
		"syntax, an argument":      `{ node(id "M") { id } }`,
		"syntax, a variable":       `query($a "M") { viewer { kind } }`,
		"syntax, an escape":        `{ node(id: "\xM`,
		"syntax, another escape":   `{ node(id: "\uZZZZ M") { id } }`,
		"syntax, unterminated":     `{ node(id: "M`,
		"syntax, after the end":    `{ viewer { kind } } "M"`,
		"syntax, a comment":        "{ viewer { kind } # M\n",
		"syntax, a number":         `{ accounts(first: 1M) { totalCount } }`,
		"syntax, a character":      `{ viewer ; "M" }`,
		"a text with a line break": "{ node(id: \"\nM\") { id } }",
	}
	variables := map[string]struct{ query, value string }{
		"an enum":                    {`query($v: DeliveryStatus) { deliveries(where: {status: $v}) { totalCount } }`, `"M"`},
		"enums":                      {`query($v: [DeliveryStatus!]) { deliveries(where: {statusIn: $v}) { totalCount } }`, `["SUCCEEDED", "M"]`},
		"an enum in an input":        {`query($v: DeliveryWhereInput) { deliveries(where: $v) { totalCount } }`, `{"status": "M"}`},
		"an enum that looks like":    {`query($v: DeliveryStatus) { deliveries(where: {status: $v}) { totalCount } }`, `"x is not a valid M"`},
		"a number":                   {`query($v: Int) { accounts(first: $v) { totalCount } }`, `"M"`},
		"a number in an input":       {`query($v: DeliveryWhereInput) { deliveries(where: $v) { totalCount } }`, `{"attemptCount": "M"}`},
		"an ID":                      {`query($v: ID!) { node(id: $v) { id } }`, `{"M": "M"}`},
		"IDs":                        {`query($v: [ID!]!) { nodes(ids: $v) { id } }`, `[["M"]]`},
		"a time":                     {`query($v: Time) { events(where: {createdAt: $v}) { totalCount } }`, `"M"`},
		"a time that is an object":   {`query($v: Time) { events(where: {createdAt: $v}) { totalCount } }`, `{"M": "M"}`},
		"a duration":                 {`mutation($v: Duration) { rotateSecretToken(input: {accountID: "x", overlap: $v}) { secretToken } }`, `"M"`},
		"a cursor":                   {`query($v: Cursor) { events(after: $v) { totalCount } }`, `"M"`},
		"an input":                   {`query($v: AccountWhereInput) { accounts(where: $v) { totalCount } }`, `"M"`},
		"an input in an input":       {`query($v: AccountWhereInput) { accounts(where: $v) { totalCount } }`, `{"not": "M"}`},
		"a boolean":                  {`query($v: Boolean!) { viewer { kind @skip(if: $v) } }`, `"M"`},
		"scopes":                     {`mutation($v: [Scope!]!) { createToken(input: {accountID: "x", name: "x", scopes: $v}) { secretToken } }`, `["M"]`},
		"a text":                     {`query($v: String) { accounts(where: {name: $v}) { totalCount } }`, `{"a": "M"}`},
		"a list for one":             {`query($v: AccountWhereInput) { accounts(where: $v) { totalCount } }`, `[{"name": "M"}]`},
		"more than there is":         {`query($v: AccountWhereInput!) { accounts(where: $v) { totalCount } }`, `{"name": "M", "id": {"x": "M"}}`},
		"NUL":                        {`query($v: String) { accounts(where: {name: $v}) { totalCount } }`, `"M\u0000"`},
		"beside a null":              {`query($v: [ID!]!) { nodes(ids: $v) { id } }`, `["M", null]`},
		"a secret of too few":        {`mutation($v: CreateAccountInput!) { createAccount(input: $v) { secretToken } }`, `{"name": "M"}`},
		"a url":                      {`mutation($v: CreateDestinationInput!) { createDestination(input: $v) { signingSecret } }`, `{"accountID": "x", "url": "M", "headers": [{"name": "Host", "value": "M"}]}`},
		"an operation of no name":    {`query A { viewer { kind } } query B($v: ID!) { node(id: $v) { id } }`, `"M"`},
		"a member that is not there": {`query($v: AccountWhereInput) { accounts(where: $v) { totalCount } }`, `{"nosuch": "M"}`},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		check := func(name string, body string) {
			a := w.post(w.admin, t, []byte(body))
			require.NotEmpty(t, a.Errors, "%s %s", name, a.Text)
			require.NotContains(t, a.Text, "planted_marker", name)
			require.NotEqual(t, "internal", a.code(), "%s %s", name, a.Text)
			for _, e := range a.Errors {
				require.NotEmpty(t, e.Message, name)
			}
		}
		for name, q := range documents {
			body, err := json.Marshal(map[string]any{"query": strings.ReplaceAll(q, "M", marker)})
			require.NoError(t, err)
			if name == "a duration" || name == "a scope" { // mutation's own letter
				body, err = json.Marshal(map[string]any{"query": strings.ReplaceAll(strings.ReplaceAll(q, `"M"`, `"`+marker+`"`), "[M]", "["+marker+"]")})
				require.NoError(t, err)
			}
			check(name, string(body))
		}
		for name, v := range variables {
			body, err := json.Marshal(map[string]any{"query": v.query, "variables": json.RawMessage(`{"v":` + strings.ReplaceAll(v.value, "M", marker) + `}`)})
			require.NoError(t, err)
			check("variable: "+name, string(body))
		}
		body, err := json.Marshal(map[string]any{"query": `query A { __typename } query B { __typename }`, "operationName": marker})
		require.NoError(t, err)
		check("operationName", string(body))
		require.NotContains(t, w.log.String(), "planted_marker")
	})
}

// Names are quoted, but not at any length; errors are told, but not all.
func TestErrorsAreFewAndShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a := w.do(w.admin, t, `{ `+strings.Repeat("n", 10_000)+` }`, nil)
	require.Contains(t, a.Errors[0].Message, "nnnnn")
	require.Less(t, len(a.Text), 600)
	a = w.do(w.admin, t, `{ viewer { `+aliases(300, "nosuch")+` } accounts(`+strings.Repeat("nosuch: 1 ", 300)+`) { totalCount } }`, nil)
	require.Len(t, a.Errors, 20)
	a = w.do(w.admin, t, `query($w: AccountWhereInput) { accounts(where: $w) { totalCount } }`, map[string]any{"w": map[string]any{strings.Repeat("é", 5_000): 1}})
	require.Less(t, len(a.Text), 600)
	require.Equal(t, "unknown field", a.Errors[0].Message)
	require.Equal(t, []any{"variable", "w"}, a.Errors[0].Path[:2])
}
