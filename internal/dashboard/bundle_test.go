package dashboard_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// names lists the files that are committed.
func names(t *testing.T) []string {
	t.Helper()
	var all []string
	require.NoError(t, fs.WalkDir(os.DirFS("playground"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, name)
		}
		return err
	}))
	require.Greater(t, len(all), 10)
	return all
}

func asset(t *testing.T, suffix string) string {
	t.Helper()
	for _, name := range names(t) {
		if strings.HasPrefix(name, "assets/") && strings.HasSuffix(name, suffix) {
			return "/playground/" + name
		}
	}
	require.FailNow(t, "no such asset", suffix)
	return ""
}

func TestEveryFile(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		".css":  "text/css; charset=utf-8",
		".html": "text/html; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".md":   "text/markdown; charset=utf-8",
		".svg":  "image/svg+xml",
		".ttf":  "font/ttf",
		".txt":  "text/plain; charset=utf-8",
	}
	for _, name := range names(t) {
		w := ask(t, http.MethodGet, "/playground/"+name, nil)
		require.Equal(t, http.StatusOK, w.Code, name)
		require.Equal(t, types[path.Ext(name)], w.Header().Get("Content-Type"), name)
		if strings.HasPrefix(name, "assets/") {
			require.Regexp(t, `-[\w-]{8}\.\w+$`, name, "kept for a year, so its name must change with its contents")
			require.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"), name)
		} else {
			require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), name)
		}
		want, err := os.ReadFile("playground/" + name)
		require.NoError(t, err)
		require.Equal(t, string(want), w.Body.String(), name)
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	for _, r := range []struct{ method, path string }{
		{http.MethodGet, "/playground"},
		{http.MethodHead, asset(t, ".js")},
		{http.MethodGet, "/playground/missing"},
		{http.MethodPost, "/playground"},
	} {
		h := ask(t, r.method, r.path, nil).Header()
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", r)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), r)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), r)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"), r)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), r)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"missing", "assets", "assets/", "assets/missing.js", "playground.go", "index.html/"} {
		w := ask(t, http.MethodGet, "/playground/"+name, nil)
		require.Equal(t, http.StatusNotFound, w.Code, name)
		require.Empty(t, w.Header().Get("Cache-Control"), name)
		require.Empty(t, w.Header().Get("ETag"), name)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "QUERY"} {
		w := ask(t, method, "/playground", nil)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"), method)
	}
	for _, where := range []string{"/playground", asset(t, ".css")} {
		get, head := ask(t, http.MethodGet, where, nil), ask(t, http.MethodHead, where, nil)
		require.Equal(t, http.StatusOK, head.Code, where)
		require.Zero(t, head.Body.Len(), where)
		require.Equal(t, get.Header(), head.Header(), where)
	}
}

func TestRevalidation(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"/playground", asset(t, ".js")} {
		for _, coding := range []string{"", "gzip"} {
			accept := http.Header{"Accept-Encoding": {coding}}
			tag := ask(t, http.MethodGet, where, accept).Header().Get("ETag")
			require.Regexp(t, `^"[\w-]{16}(-gzip)?"$`, tag)

			accept.Set("If-None-Match", tag)
			w := ask(t, http.MethodGet, where, accept)
			require.Equal(t, http.StatusNotModified, w.Code)
			require.Zero(t, w.Body.Len())
			require.Equal(t, tag, w.Header().Get("ETag"))

			accept.Set("If-None-Match", `"another"`)
			require.Equal(t, http.StatusOK, ask(t, http.MethodGet, where, accept).Code)
		}
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	where := asset(t, ".css")
	plain := ask(t, http.MethodGet, where, nil)
	require.Equal(t, "Accept-Encoding", plain.Header().Get("Vary"))

	for header, compressed := range map[string]bool{
		"":                          false,
		"identity":                  false,
		"br, x-gzip":                false,
		"gzip;q=0":                  false,
		"gzip; q=0.000, br":         false,
		"gzip":                      true,
		"GZIP;q=0.1":                true,
		"deflate, gzip;q=1.0, br":   true,
		"gzip, deflate, br, zstd":   true,
		"br;q=1.0, gzip;q=0.8, *;q": true,
	} {
		w := ask(t, http.MethodGet, where, http.Header{"Accept-Encoding": {header}})
		if !compressed {
			require.Empty(t, w.Header().Get("Content-Encoding"), header)
			require.Equal(t, plain.Header().Get("ETag"), w.Header().Get("ETag"), header)
			continue
		}
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"), header)
		require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), header)
		require.NotEqual(t, plain.Header().Get("ETag"), w.Header().Get("ETag"), header)
		require.Less(t, w.Body.Len(), plain.Body.Len()/2, header)
		r, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		body, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, plain.Body.String(), string(body), header)
	}
}
