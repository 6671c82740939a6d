package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/secret"
)

const adminToken = "admin-0123456789abcdef0123456789abcdef"

// free is an address that can be listened on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// ask asks the API and gives what it says in data.
func ask(t *testing.T, api, token, query string, variables map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api, bytes.NewReader(text))
	require.NoError(t, err)
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer func() { _ = a.Body.Close() }()
	var answer struct {
		Data   map[string]any
		Errors []any
	}
	require.NoError(t, json.NewDecoder(a.Body).Decode(&answer))
	require.Empty(t, answer.Errors)
	return answer.Data
}

// Everything on this machine is allowed, as in the standalone program, and the
// ports are known only when they are listened on. Events go out although there
// is no engine: the process begins their first attempts.
func TestDeliveriesDoNotReachTheSystemItself(t *testing.T) {
	t.Parallel()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	var hits atomic.Int32
	ui := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(ui.Close)
	temporal, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = temporal.Close() })
	var received atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received.Add(1) }))
	t.Cleanup(receiver.Close)

	c := Config{
		Listen: "127.0.0.1:0", MetricsListen: free(t), ProfileListen: free(t), AdminToken: adminToken, EncryptionKeys: keys,
		DatabaseURL: "sqlite:" + t.TempDir() + "/test.db", Migrate: true, Engine: "temporal", FirstAttempt: "commit",
		DisableAfter: time.Hour, ShutdownTimeout: time.Second, AllowCIDRs: "127.0.0.0/8,::1/128", NAT64Prefixes: "none",
		TrustedProxies: "none", MaxConnections: 100, IdempotencyTTL: time.Hour,
	}
	server, err := Start(t.Context(), c, Options{
		TemporalAddress: temporal.Addr().String(), Own: []string{strings.TrimPrefix(ui.URL, "http://")}, Work: true,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	api := server.URL() + "/graphql"

	made := ask(t, api, adminToken, `mutation { createAccount(input: {name: "Jane", email: "jane@example.com"}) { account { id } secretToken } }`, nil)["createAccount"].(map[string]any)
	account, token := made["account"].(map[string]any)["id"], made["secretToken"].(string)
	port := func(raw string) string {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		return u.Port()
	}
	for _, to := range []string{
		server.URL() + "/healthz", "http://localhost:" + port(server.URL()) + "/metrics", "http://127.9.9.9:" + port(server.URL()) + "/",
		"http://[::ffff:127.0.0.1]:" + port(server.URL()) + "/", "http://" + c.MetricsListen + "/metrics", "http://" + c.ProfileListen + "/debug/pprof/",
		"http://" + temporal.Addr().String() + "/", ui.URL + "/api/v1/namespaces", "http://localhost:" + port(ui.URL) + "/", receiver.URL + "/fine",
	} {
		ask(t, api, token, `mutation($a: ID!, $u: String!) { createDestination(input: {accountID: $a, url: $u}) { destination { id } } }`,
			map[string]any{"a": account, "u": to})
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/server/incoming_data", strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.NoError(t, a.Body.Close())
	require.Equal(t, http.StatusAccepted, a.StatusCode)

	const stands = `{ deliveries(first: 50) { edges { node { status reason destination { url } attempts { edges { node { error status durationMs } } } } } } }`
	var edges []any
	require.Eventually(t, func() bool {
		edges = ask(t, api, token, stands, nil)["deliveries"].(map[string]any)["edges"].([]any)
		for _, e := range edges {
			if e.(map[string]any)["node"].(map[string]any)["status"] == "PENDING" {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond)
	require.Len(t, edges, 10)
	for _, e := range edges {
		node := e.(map[string]any)["node"].(map[string]any)
		to := node["destination"].(map[string]any)["url"].(string)
		attempt := node["attempts"].(map[string]any)["edges"].([]any)[0].(map[string]any)["node"]
		if strings.HasSuffix(to, "/fine") {
			require.Equal(t, "SUCCEEDED", node["status"])
			continue
		}
		require.Equal(t, "blocked by egress policy", node["reason"], to)
		require.Equal(t, map[string]any{"error": "blocked by egress policy", "status": nil, "durationMs": 0.0}, attempt, to)
	}
	require.Equal(t, int32(1), received.Load())
	require.Zero(t, hits.Load())
}

func TestWhatTheConfigurationSaysOfEgressIsChecked(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"--allow-cidrs":    {AllowCIDRs: "10.1.2.3"},
		"--nat64-prefixes": {NAT64Prefixes: "64:ff9b::/95"},
		"listen on":        {Listen: "nonsense"},
	} {
		b := &base{config: c}
		require.ErrorContains(t, b.openEgress(Options{TemporalAddress: "127.0.0.1:7233"}), want)
	}
	for _, temporal := range []string{"127.0.0.1:7233", "temporal", "dns:///temporal.internal:7233", "localhost"} {
		b := &base{config: Config{Listen: "127.0.0.1:8000", DatabaseURL: "postgres://u@db/x"}}
		require.NoError(t, b.openEgress(Options{TemporalAddress: temporal}), temporal)
		b.close()
	}
}
