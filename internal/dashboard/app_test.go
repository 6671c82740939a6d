package dashboard_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/dashboard"
)

var app = sync.OnceValue(dashboard.NewApp)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// visit asks for an address of the dashboard.
func visit(t *testing.T, method, path string, header http.Header) (w *httptest.ResponseRecorder, served bool) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	maps.Copy(r.Header, header)
	w = httptest.NewRecorder()
	if served = app().Serves(r); served {
		app().ServeHTTP(w, r)
	}
	return w, served
}

func TestEveryAddressIsTheDashboardsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("dist/dashboard/index.html")
	require.NoError(t, err)
	accept := http.Header{"Accept": {browser}}
	for _, path := range []string{
		"/", "/accounts", "/accounts/acc_1?tab=tokens", "/events/evt_1/deliveries", "/portal", "/a/../b", "/%61/%2F", "/.env", "/assetsandmore",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w, served := visit(t, method, path, accept)
			require.True(t, served, path)
			require.Equal(t, http.StatusOK, w.Code, path)
			require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"), path)
			require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), path)
			if method == http.MethodGet {
				require.Equal(t, string(page), w.Body.String(), path)
			}
		}
	}
	w, served := visit(t, http.MethodGet, "/", nil)
	require.True(t, served, "the root is for everybody")
	require.Equal(t, string(page), w.Body.String())
}

func TestWhatIsNotTheDashboards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, accept string }{
		{http.MethodGet, "/accounts", ""}, {http.MethodGet, "/accounts", "*/*"}, {http.MethodGet, "/accounts", "application/json"},
		{http.MethodGet, "/assets/missing.js", browser}, {http.MethodGet, "/assets/", browser},
		{http.MethodPost, "/accounts", browser}, {http.MethodPost, "/", browser}, {http.MethodOptions, "/accounts", browser},
		{http.MethodGet, "/index.html/", "text/htmlx"},
	} {
		_, served := visit(t, c.method, c.path, http.Header{"Accept": {c.accept}})
		require.False(t, served, c)
	}
}

func TestTheDashboardsPolicy(t *testing.T) {
	t.Parallel()
	w, _ := visit(t, http.MethodGet, "/accounts", http.Header{"Accept": {browser}})
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "http")
	for _, directive := range []string{"script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		require.Contains(t, policy+";", directive+";")
	}
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		require.Equal(t, value, w.Header().Get(name), name)
	}
	require.Contains(t, w.Header().Get("Permissions-Policy"), "camera=()")

	// The page keeps to it.
	page := w.Body.String()
	require.NotRegexp(t, `(?i)https?:|["']//`, page, "it names another host")
	require.Equal(t, strings.Count(page, "<script"), strings.Count(page, "></script>"), "a script is inline")
	require.NotContains(t, page, "<style")
	require.NotRegexp(t, `(?i)\sstyle=|\son[a-z]+=`, page)
}
