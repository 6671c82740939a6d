package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/dbtest"
)

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
