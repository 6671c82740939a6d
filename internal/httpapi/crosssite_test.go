package httpapi_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/problem"
)

// What a page makes its visitor's browser send is refused unless the page is the
// API's own or one of those that are named; what a program sends is not concerned.
func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	const host = "push.example.com"
	o := options()
	o.CORSOrigins = []string{"https://app.example.com", "http://localhost:5173"}
	o.PublicURL = "https://api.example.com"
	h := httpapi.New(o)
	doors := []string{
		"POST /graphql", "GET /graphql?query={__typename}", "GET /account/", "POST /destination/", "PATCH /account", "DELETE /destination",
		"GET /metrics", "GET /session", "POST /session", "GET /schema.graphql",
	}
	for _, c := range []struct {
		name    string
		headers []string
		tls     bool
		allowed bool
	}{
		{"a program", nil, false, true},
		{"a program that says who it is", []string{"Authorization: Bearer jane"}, false, true},
		{"a named origin", []string{"Origin: https://app.example.com", "Sec-Fetch-Site: cross-site"}, false, true},
		{"another named origin", []string{"Origin: http://localhost:5173"}, false, true},
		{"its own page", []string{"Origin: http://push.example.com", "Sec-Fetch-Site: same-origin"}, false, true},
		{"its own page, behind a proxy that ends TLS", []string{"Origin: https://push.example.com"}, false, true},
		{"its own page, with TLS", []string{"Origin: https://push.example.com"}, true, true},
		{"its own page reads", []string{"Sec-Fetch-Site: same-origin"}, false, true},
		{"the public URL's page", []string{"Origin: https://api.example.com", "Sec-Fetch-Site: cross-site"}, false, true},
		{"typed into the address bar", []string{"Sec-Fetch-Site: none"}, false, true},
		{"another origin", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, false, false},
		{"another origin, with a right token", []string{"Origin: https://evil.example", "Authorization: Bearer jane"}, false, false},
		{"an image of another site", []string{"Sec-Fetch-Site: cross-site"}, false, false},
		{"an image of a sibling", []string{"Sec-Fetch-Site: same-site"}, false, false},
		{"what no browser says", []string{"Sec-Fetch-Site: anything"}, false, false},
		{"both at once", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, false, false},
		{"null", []string{"Origin: null"}, false, false},
		{"null, same-origin", []string{"Origin: null", "Sec-Fetch-Site: same-origin"}, false, false},
		{"two origins", []string{"Origin: https://app.example.com", "Origin: https://evil.example"}, false, false},
		{"a list of origins", []string{"Origin: https://app.example.com https://evil.example"}, false, false},
		{"the beginning of a named one", []string{"Origin: https://app.example.com.evil.example"}, false, false},
		{"the end of a named one", []string{"Origin: https://evil-app.example.com"}, false, false},
		{"another scheme", []string{"Origin: http://app.example.com"}, false, false},
		{"another port", []string{"Origin: https://app.example.com:8443"}, false, false},
		{"other letters", []string{"Origin: https://APP.example.com"}, false, false},
		{"its own name at another port", []string{"Origin: http://push.example.com:8080"}, false, false},
		{"its own name without TLS", []string{"Origin: http://push.example.com"}, true, false},
		{"its own name as another scheme", []string{"Origin: ftp://push.example.com"}, false, false},
		{"a public URL's sibling", []string{"Origin: https://api.example.com:444"}, false, false},
		{"no URL", []string{"Origin: push.example.com"}, false, false},
	} {
		for _, door := range doors {
			for _, upgrade := range []bool{false, true} {
				r := newRequest(door, "", c.headers...)
				r.Host = host
				if c.tls {
					r.TLS = &tls.ConnectionState{}
				}
				if upgrade {
					r.Header.Set("Connection", "Upgrade")
					r.Header.Set("Upgrade", "websocket")
				}
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				got := reply{rec.Code, rec.Header(), rec.Body.String()}
				if c.allowed {
					require.NotContains(t, got.body, "--cors-origins", "%s, %s", c.name, door)
					continue
				}
				require.Equal(t, http.StatusForbidden, got.status, "%s, %s", c.name, door)
				require.Equal(t, problem.Forbidden, got.code(t))
				require.Contains(t, got.body, "--cors-origins")
				if len(r.Header.Values("Origin")) == 1 {
					require.Empty(t, got.header.Get("Access-Control-Allow-Origin"), "%s, %s", c.name, door)
				}
				if door == "POST /graphql" {
					require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
				}
			}
		}
	}
}

// Events come with a credential that no browser adds by itself; what is public
// stays public.
func TestAnyPageMayPushEventsWithAToken(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for _, line := range []string{"GET /", "GET /healthz", "GET /openapi.json", "GET /playground"} {
		require.Equal(t, http.StatusOK, serve(h, line, "", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site").status, line)
	}
	for _, line := range []string{"POST /server/incoming_data", "POST /server/incoming_data/batch"} {
		got := serve(h, line, "[1]", bearer("jane"), "Content-Type: application/json", "Origin: https://shop.example", "Sec-Fetch-Site: cross-site")
		require.Less(t, got.status, 300, "%s %s", line, got.body)
		require.Empty(t, got.header.Get("Access-Control-Allow-Origin"), "but does not get the answer")
	}
}

// Where introspection is off, the schema is for those with a credential.
func TestTheSchemaCanBeForViewersAlone(t *testing.T) {
	t.Parallel()
	o := options()
	o.SchemaForViewers = true
	h := httpapi.New(o)
	for credential, want := range map[string]int{
		"X-None: x": http.StatusUnauthorized, bearer("wrong"): http.StatusUnauthorized, bearer("jane"): http.StatusOK, bearer("admin"): http.StatusOK,
	} {
		got := serve(h, "GET /schema.graphql", "", credential)
		require.Equal(t, want, got.status, credential)
		require.Equal(t, want == http.StatusOK, got.body == "type Query", credential)
	}
}
