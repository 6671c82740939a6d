package graph_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/graph"
	"datapusher/internal/testutil/dbtest"
)

// guesses are all ways to be almost right.
var guesses = map[string]string{
	"a field":                `{ viewr { kind } }`,
	"a field below":          `{ viewer { kid } }`,
	"a field of a fragment":  `{ node(id: "x") { url } }`,
	"a mutation":             `mutation { deleteAcount(input: {id: "x"}) { deletedID } }`,
	"a subscription":         `subscription { deliveryUpdate { skipped } }`,
	"no fields":              `{ viewer }`,
	"fields of a scalar":     `{ viewer { kind { x } } }`,
	"an argument":            `{ accounts(firs: 1) { totalCount } }`,
	"an argument's type":     `{ accounts(first: "one") { totalCount } }`,
	"a directive":            `{ viewer { kind @skp(if: true) } }`,
	"a directive's argument": `{ viewer { kind @skip(iff: true) } }`,
	"a type of a variable":   `query($w: AccountWhereInpt) { accounts(where: $w) { totalCount } }`,
	"a type of a fragment":   `{ ...F } fragment F on Acount { id }`,
	"a type in line":         `{ node(id: "x") { ... on Acount { id } } }`,
	"a member of an input":   `{ accounts(where: {nam: "x"}) { totalCount } }`,
	"an enum's value":        `{ deliveries(where: {status: SUCCEEDE}) { totalCount } }`,
	"an enum's text":         `{ deliveries(where: {status: "SUCCEEDE"}) { totalCount } }`,
	"an enum for a text":     `{ accounts(where: {name: SUCCEEDE}) { totalCount } }`,
	"a fragment":             `{ ...Fo } fragment Foo on Query { viewer { kind } }`,
	"a variable":             `query($first: Int) { accounts(first: $firs) { totalCount } }`,
	"an operation":           `quer { viewer { kind } }`,
}

func TestIntrospectionCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	open := newWorld(t, db)
	closed := newWorld(t, db, func(o *graph.Options) { o.NoIntrospection = true })
	_, jane := open.account(t, "jane@example.com")
	for _, q := range []string{
		introspection, `{ __schema { queryType { name } } }`, `{ __type(name: "Account") { name } }`, `{ viewer { kind } ...F } fragment F on Query { ... { s: __schema { types { name } } } }`,
	} {
		require.Empty(t, open.do(jane, t, q, nil).Errors, q)
		for _, c := range []struct {
			who  context.Context
			code string
		}{{jane, "forbidden"}, {closed.admin, "forbidden"}, {t.Context(), "unauthenticated"}} {
			a := closed.do(c.who, t, q, nil)
			require.Equal(t, c.code, a.code(), a.Text)
			require.Nil(t, a.Data)
		}
		require.Equal(t, "unauthenticated", open.do(t.Context(), t, q, nil).code())
	}
	require.Equal(t, `{"data":{"__typename":"Query"}}`, closed.do(t.Context(), t, `{ __typename }`, nil).Text)
	require.Equal(t, `{"data":{"viewer":{"__typename":"Viewer"}}}`, closed.do(jane, t, `{ viewer { __typename } }`, nil).Text)

	suggested := 0
	for name, q := range guesses {
		a := closed.do(jane, t, q, nil)
		require.Equal(t, "invalid", a.code(), "%s %s", name, a.Text)
		require.NotContains(t, a.Text, "Did you mean", name)
		for _, hidden := range []string{"viewer", "deleteAccount", "deliveryUpdated", "SUCCEEDED", "@skip"} {
			require.False(t, strings.Contains(a.Text, hidden) && !strings.Contains(q, hidden), "%s tells of %s", name, hidden)
		}
		if a = open.do(jane, t, q, nil); len(a.Errors) > 0 {
			require.Equal(t, "invalid", a.code())
		}
		for _, e := range a.Errors {
			if strings.Contains(e.Message, "Did you mean") {
				suggested++
			}
		}
		require.Equal(t, "unauthenticated", open.do(t.Context(), t, q, nil).code(), name)
	}
	require.GreaterOrEqual(t, suggested, 10, "the guesses are no longer near enough to be answered with suggestions")
}
