package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/dbtest"
)

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
		"deep":               `{ ` + "viewer { account { tokens(first: 1) { edges { node { account { " + strings.Repeat("tokens(first: 1) { edges { node { account { ", 4) + "id" + strings.Repeat("} ", 6+16) + ` }`,
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
		"many timelines":     `{ deliveries(first: 100) { edges { node { timeline { at kind text } } } } }`,
		"many rates":         `{ destinations(first: 100) { edges { node { a: health { recentSuccessRate } b: health { recentSuccessRate } } } } }`,
		"many counts":        `{ destinations(first: 100) { edges { node { ` + aliases(10, "health { parkedCount }") + ` } } } }`,
		"many reports":       `{ replays(first: 100) { edges { node { ` + aliases(10, "report { failed }") + ` } } } }`,
		"many headers":       `{ attempts: deliveries(first: 100) { edges { node { attempts(first: 100) { edges { node { requestHeaders { name } } } } } } } }`,
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
			a := w.do(c, t, q, nil)
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
		a := w.do(jane, t, `query($w: AccountWhereInput) { accounts(where: $w) { totalCount } }`, map[string]any{"w": v})
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
		`{ destinations(first: 100) { edges { node { enabled state reason health { since recentSuccessRate parkedCount oldestParkedAt nextProbeAt } } } } }`,
		`{ deliveries { edges { node { status reason nextAttemptAt attempts { edges { node { number status } } } timeline { at kind text } engineURL } } } }`,
		`{ accounts { edges { node { events { edges { node { id deliveries { edges { node { id status reason nextAttemptAt } } } } } } } } } }`,
	} {
		require.Empty(t, w.do(jane, t, q, nil).Errors, q)
	}
	require.Equal(t, "invalid", w.do(jane, t, `query($w: AccountWhereInput) { accounts(where: $w) { totalCount } }`,
		map[string]any{"w": map[string]any{"nosuch": 1}}).code())
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
