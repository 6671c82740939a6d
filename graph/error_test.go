package graph_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

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
		a := w.do(w.admin, t, c.query, nil)
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
	require.Equal(t, "forbidden", w.do(jane, t, `mutation { createAccount(input: {name: "x", email: "x@example.com"}) { secretToken } }`, nil).code())
	a := w.do(jane, t, `query($s: String) { accounts(where: {name: $s}) { totalCount } }`, map[string]any{"s": "a\x00"})
	require.Equal(t, "invalid", a.code())
}

func TestWhatIsOursIsMaskedAndLogged(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db)
	acc, jane := w.account(t, "jane@example.com")
	w.event(t, acc.ID, 0, w.destination(t, acc.ID))

	w.engine.broken = true
	a := w.do(jane, t, `{ deliveries { edges { node { id engineURL } } } }`, nil)
	require.Equal(t, "internal", a.code())
	require.NotContains(t, a.Text, "planted-marker")
	require.Equal(t, "the-request", a.Errors[0].Extensions.RequestID)
	require.Contains(t, w.log.String(), "planted-marker")
	require.Contains(t, w.log.String(), "request=the-request")

	require.NoError(t, db.Close())
	a = w.do(jane, t, `{ accounts { totalCount } }`, nil)
	require.Equal(t, "internal", a.code())
	require.NotContains(t, a.Text, "sql")
	require.Contains(t, w.log.String(), "sql: database is closed")
}
