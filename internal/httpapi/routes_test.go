package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/problem"
)

// The document and the routes say the same. HEAD goes without saying where there
// is GET, and the document's text names the second spellings.
func TestOpenAPINamesWhatIsServed(t *testing.T) {
	t.Parallel()
	o := options()
	got := serve(httpapi.New(o), "GET /openapi.json", "")
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	var document struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &document))
	require.True(t, strings.HasPrefix(document.OpenAPI, "3.1."))
	named := map[string][]string{}
	for path, operations := range document.Paths {
		for method := range operations {
			named[path] = append(named[path], strings.ToUpper(method))
		}
	}
	served := httpapi.Served(o)
	for _, second := range []string{"/account", "/destination", "/playground/"} {
		require.Contains(t, served, second)
		require.Contains(t, got.body, second)
		delete(served, second)
	}
	for _, both := range []map[string][]string{served, named} {
		for path, methods := range both {
			methods = slices.DeleteFunc(methods, func(m string) bool { return m == http.MethodHead })
			slices.Sort(methods)
			both[path] = methods
		}
	}
	require.Equal(t, served, named)
}

// Whatever the document refers to is there.
func TestOpenAPIRefersToWhatItHas(t *testing.T) {
	t.Parallel()
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(serve(httpapi.New(options()), "GET /openapi.json", "").body), &document))
	operations := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				at := any(document)
				for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[step]
				}
				require.NotNil(t, at, ref)
			}
			if operation, ok := v["operationId"].(string); ok {
				require.False(t, operations[operation], "%s is there twice", operation)
				operations[operation] = true
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(document)
	require.NotEmpty(t, operations)
}

func TestWhatIsNotServedIsSaidInTheDoorsForm(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for _, path := range []string{"/nothing", "/account/7", "/destination/dst_1", "/server", "/healthz/", "/server/incoming_data/x", "/%00"} {
		got := serve(h, "GET "+path, "")
		require.Equal(t, http.StatusNotFound, got.status, path)
		require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
		require.Equal(t, problem.NotFound, got.code(t))
	}
	for line, allow := range map[string]string{
		"PUT /server/incoming_data":       "GET, POST",
		"HEAD /server/incoming_data":      "GET, POST",
		"BREW /server/incoming_data":      "GET, POST",
		"GET /server/incoming_data/batch": "POST",
		"OPTIONS /account/":               "DELETE, GET, PATCH, POST",
		"PUT /destination":                "DELETE, GET, PATCH, POST",
		"DELETE /graphql":                 "GET, POST",
		"POST /healthz":                   "GET, HEAD",
		"POST /":                          "GET, HEAD",
		"POST /playground/assets/a.js":    "GET, HEAD",
	} {
		got := serve(h, line, "")
		require.Equal(t, http.StatusMethodNotAllowed, got.status, line)
		require.Equal(t, allow, got.header.Get("Allow"), line)
		require.Equal(t, problem.MethodNotAllowed, got.code(t))
	}
}

func TestWhatEverybodyMayRead(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for path, want := range map[string]string{
		"/schema.graphql": "type Query", "/playground": "playground", "/playground/assets/x.js": "playground",
		"/healthz": `"status":"ok"`, "/": "Data Pusher", "/openapi.json": "openapi",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := serve(h, method+" "+path, "")
			require.Equal(t, http.StatusOK, got.status, path)
			require.Contains(t, got.body, want)
		}
	}
}

// The dashboard has the addresses that no door has, for browsers; a program that
// asks for what is not there gets no page, and nobody one below a door.
func TestTheDashboardStandsBehindEveryDoor(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	const page = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	for _, path := range []string{"/", "/accounts", "/accounts/acc_1/destinations", "/events?type=a", "/portal", "/accountant", "/a%2Fb"} {
		got := serve(h, "GET "+path, "", page)
		require.Equal(t, http.StatusOK, got.status, path)
		require.Contains(t, got.body, "Data Pusher", path)
		if path != "/" {
			require.Equal(t, problem.NotFound, serve(h, "GET "+path, "").code(t), path)
		}
	}
	for path := range httpapi.Served(options()) {
		if path == "/" {
			continue
		}
		below := strings.TrimSuffix(path, "/") + "/nothing/here"
		if strings.HasPrefix(path, "/playground") {
			continue // its own
		}
		got := serve(h, "GET "+below, "", page)
		require.Equal(t, problem.NotFound, got.code(t), below)
	}
	require.Equal(t, problem.NotFound, serve(h, "GET /server", "", page).code(t))
	o := options()
	o.Dashboard = nil
	require.Equal(t, problem.NotFound, serve(httpapi.New(o), "GET /", "", page).code(t))
	require.Equal(t, problem.NotFound, serve(httpapi.New(o), "GET /accounts", "", page).code(t))
}
