package dashboard_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/dashboard"
)

// site is the playground as the program mounts it.
var site = sync.OnceValue(func() http.Handler {
	playground := dashboard.Playground("/graphql")
	mux := http.NewServeMux()
	mux.Handle("/playground", playground)
	mux.Handle(dashboard.PlaygroundPath, playground)
	return mux
})

func ask(t *testing.T, method, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	site().ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/playground", "/playground/", "/playground/index.html", "/playground?query=1"} {
		w := ask(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"), path)
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), path)
		require.Contains(t, w.Body.String(), "<title>Data Pusher playground</title>", path)
	}
}

func TestPageStaysOnItsOrigin(t *testing.T) {
	t.Parallel()
	page := ask(t, http.MethodGet, "/playground", nil).Body.String()
	require.NotRegexp(t, `(?i)https?:|["']//`, page, "the page names another host")
	require.Equal(t, strings.Count(page, "<script"), strings.Count(page, "></script>"), "the policy forbids inline scripts")

	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	require.GreaterOrEqual(t, len(links), 3, "script, style and icon")
	for _, link := range links {
		require.Equal(t, http.StatusOK, ask(t, http.MethodGet, link[1], nil).Code, link[1])
	}
}

func TestPageNamesItsEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"/graphql":        `<meta name="graphql-endpoint" content="/graphql" />`,
		"/api/graphql":    `<meta name="graphql-endpoint" content="/api/graphql" />`,
		`/"><script>a&b(`: `<meta name="graphql-endpoint" content="/&#34;&gt;&lt;script&gt;a&amp;b(" />`,
	} {
		w := httptest.NewRecorder()
		dashboard.Playground(endpoint).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/playground/", nil))
		require.Contains(t, w.Body.String(), want)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	policy := map[string][]string{}
	for directive := range strings.SplitSeq(ask(t, http.MethodGet, "/playground", nil).Header().Get("Content-Security-Policy"), ";") {
		words := strings.Fields(directive)
		policy[words[0]] = words[1:]
	}
	require.Equal(t, map[string][]string{
		"default-src":     {"'none'"},
		"script-src":      {"'self'"},
		"worker-src":      {"'self'"},
		"connect-src":     {"'self'"},
		"style-src":       {"'self'", "'unsafe-inline'"},
		"img-src":         {"'self'", "data:"},
		"font-src":        {"'self'"},
		"base-uri":        {"'none'"},
		"form-action":     {"'none'"},
		"frame-ancestors": {"'none'"},
	}, policy)
}

// The bundle must run under that policy, which forbids evaluation.
func TestScriptsEvaluateNothing(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		if strings.HasSuffix(name, ".js") {
			script, err := os.ReadFile("playground/" + name)
			require.NoError(t, err)
			require.False(t, bytes.Contains(script, []byte("eval(")), name)
			require.False(t, bytes.Contains(script, []byte("new Function(")), name)
		}
	}
}
