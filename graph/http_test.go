package graph_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/testutil/dbtest"
)

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

// What hands the body on may say why it ends: a credential that was revoked while
// it was coming.
func TestABodyThatIsCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{{auth.Denied(), 401, "unauthenticated"}, {io.ErrUnexpectedEOF, 400, "invalid"}} {
		body := io.MultiReader(strings.NewReader(`{"query":"{ viewer { kind } }"}`), iotest.ErrReader(c.err))
		r := httptest.NewRequestWithContext(w.admin, http.MethodPost, "/graphql", body)
		r.Header.Set("Content-Type", "application/json")
		a := w.serve(t, r)
		require.Equal(t, c.status, a.Status, a.Text)
		require.Equal(t, c.code, a.code())
		require.Nil(t, a.Data)
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
