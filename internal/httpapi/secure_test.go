package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for _, line := range []string{"GET /", "GET /nothing", "PUT /account/", "POST /server/incoming_data", "GET /readyz", "POST /graphql"} {
		got := serve(h, line, "").header
		require.Equal(t, "nosniff", got.Get("X-Content-Type-Options"), line)
		require.Equal(t, "no-referrer", got.Get("Referrer-Policy"), line)
		require.Equal(t, "same-origin", got.Get("Cross-Origin-Resource-Policy"), line)
		require.Contains(t, got.Get("Content-Security-Policy"), "default-src 'none'", line)
		require.Contains(t, got.Get("Content-Security-Policy"), "frame-ancestors 'none'", line)
		require.NotEmpty(t, got.Get("Cache-Control"), line)
	}
	require.Equal(t, "no-store", serve(h, "GET /account/", "").header.Get("Cache-Control"))
}

func TestOnlyNamedOriginsMayCall(t *testing.T) {
	t.Parallel()
	o := options()
	o.CORSOrigins = []string{"https://app.example.com", "http://localhost:5173"}
	h := httpapi.New(o)
	preflight := func(origin, method, headers string) http.Header {
		return serve(h, "OPTIONS /graphql", "", "Origin: "+origin, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: "+headers).header
	}
	for _, origin := range o.CORSOrigins {
		got := serve(h, "POST /graphql", "", "Origin: "+origin)
		require.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, got.header.Get("Access-Control-Expose-Headers"), "X-Request-Id")
		require.Empty(t, got.header.Get("Access-Control-Allow-Credentials"))
		require.Equal(t, origin, preflight(origin, "POST", "authorization,content-type").Get("Access-Control-Allow-Origin"))
		require.Equal(t, origin, preflight(origin, "DELETE", "cl-x-token,event-type,event-type-member,idempotency-key,idempotency-key-member").Get("Access-Control-Allow-Origin"))
		require.Empty(t, preflight(origin, "PUT", "").Get("Access-Control-Allow-Origin"))
		require.Empty(t, preflight(origin, "POST", "cookie").Get("Access-Control-Allow-Origin"))
	}
	for _, origin := range []string{"https://app.example.com.evil.example", "http://app.example.com", "https://APP.example.com", "https://app.example.com:443", "null"} {
		require.Empty(t, serve(h, "POST /graphql", "", "Origin: "+origin).header.Get("Access-Control-Allow-Origin"), origin)
		require.Empty(t, preflight(origin, "POST", "").Get("Access-Control-Allow-Origin"), origin)
	}
	require.Contains(t, serve(h, "POST /graphql", "").header.Values("Vary"), "Origin")
	o.CORSOrigins = nil
	require.Empty(t, serve(httpapi.New(o), "POST /graphql", "", "Origin: https://app.example.com").header.Get("Access-Control-Allow-Origin"))
}

func TestCheckOrigin(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"https://app.example.com", "http://localhost:5173", "http://[::1]:80", "http://127.0.0.1"} {
		require.NoError(t, httpapi.CheckOrigin(origin), origin)
	}
	for _, origin := range []string{
		"", "*", "https://*.example.com", "https://app.example.com/", "https://app.example.com/x", "https://app.example.com?x", "app.example.com",
		"https://", "HTTPS://app.example.com", "https://App.example.com", "https://u@app.example.com", "ftp://app.example.com", "null", " https://app.example.com",
	} {
		require.Error(t, httpapi.CheckOrigin(origin), origin)
	}
}
