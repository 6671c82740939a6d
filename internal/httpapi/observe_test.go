package httpapi_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/requestid"
)

// observed is an API whose log lines are read.
func observed(o httpapi.Options) (http.Handler, func(t *testing.T) []map[string]any) {
	var log logged
	o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return httpapi.New(o), func(t *testing.T) (lines []map[string]any) {
		t.Helper()
		for line := range strings.Lines(log.String()) {
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &v))
			delete(v, "time")
			delete(v, "took")
			lines = append(lines, v)
		}
		return lines
	}
}

func TestOneLineForEachRequest(t *testing.T) {
	t.Parallel()
	h, lines := observed(options())
	got := serve(h, "POST /server/incoming_data?planted=1", `{"planted":1}`, bearer("jane"), "X-Request-Id: r1", "X-Planted: planted", "Event-Type: planted")
	require.Equal(t, http.StatusAccepted, got.status)
	serve(h, "BREW /planted", "", bearer("wrong-planted"), "X-Request-Id: r2")
	serve(h, "POST /server/incoming_data", `{}`, bearer("wrong-planted"), "X-Request-Id: r3")
	serve(h, "GET /healthz", ``, "X-Request-Id: r4")
	all := lines(t)
	require.Equal(t, []map[string]any{
		{"level": "DEBUG", "msg": "request", "method": "POST", "route": "/server/incoming_data", "status": 202.0, "bytes": float64(len(got.body)),
			"request_id": "r1", "account": "acc_jane"},
		{"level": "INFO", "msg": "request", "method": "other", "route": "/", "status": 404.0, "bytes": all[1]["bytes"], "request_id": "r2", "code": "not_found"},
		{"level": "INFO", "msg": "request", "method": "POST", "route": "/server/incoming_data", "status": 401.0, "bytes": all[2]["bytes"],
			"request_id": "r3", "code": "unauthenticated"},
		{"level": "DEBUG", "msg": "request", "method": "GET", "route": "/healthz", "status": 200.0, "bytes": all[3]["bytes"], "request_id": "r4"},
	}, all)
}

// The log has the cause that the caller is not told.
func TestOurFailuresAreLoggedWithTheirCause(t *testing.T) {
	t.Parallel()
	for code, level := range map[problem.Code]string{problem.Internal: "ERROR", problem.Unavailable: "ERROR", problem.Conflict: "INFO"} {
		o := options()
		o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) {
			return ingest.Receipt{}, problem.Wrap(io.ErrClosedPipe, code, "not now")
		})
		h, lines := observed(o)
		serve(h, "POST /server/incoming_data", `{}`, bearer("jane"))
		line := lines(t)[0]
		require.Equal(t, level, line["level"])
		require.Equal(t, string(code), line["code"])
		require.Equal(t, level == "ERROR", line["error"] == "not now: io: read/write on closed pipe")
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	o := options()
	o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) { panic("planted") })
	h, lines := observed(o)
	got := serve(h, "POST /server/incoming_data", `{}`, bearer("jane"))
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.Equal(t, problem.Internal, got.code(t))
	require.NotContains(t, got.body, "planted")
	seed := serve(h, "POST /server/incoming_data", `{"account_id":"acc_jane","secret_token":"jane","data":1}`)
	require.Equal(t, false, seed.json(t)["status"], "in the form of the door")
	require.Contains(t, lines(t)[0]["stack"], "observe_test.go")
}

// Half an answer must not look like a whole one.
func TestAPanicBehindTheFirstByteBreaksTheAnswer(t *testing.T) {
	t.Parallel()
	for _, cause := range []any{"planted", http.ErrAbortHandler} {
		o := options()
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(cause)
		})
		h, lines := observed(o)
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { serve(h, "GET /metrics", "", bearer("admin")) })
		all := lines(t)
		require.Equal(t, "request", all[len(all)-1]["msg"], "the line is written all the same")
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, requestid.From(r.Context()))
	})
	h := httpapi.New(o)
	for _, given := range []string{"a", "0af7651916cd43dd8448eb211c80319c", "A-b_c.d:1", strings.Repeat("x", 128)} {
		got := serve(h, "POST /graphql", "", "X-Request-Id: "+given)
		require.Equal(t, given, got.header.Get("X-Request-Id"))
		require.Equal(t, given, got.body)
	}
	seen := map[string]bool{}
	for _, given := range []string{"", " ", "a b", "a\"b", "<x>", "ä", "a/b", strings.Repeat("x", 129)} {
		got := serve(h, "POST /graphql", "", "X-Request-Id: "+given)
		require.NotEqual(t, given, got.body)
		require.Equal(t, got.body, got.header.Get("X-Request-Id"))
		require.False(t, seen[got.body])
		seen[got.body] = true
	}
	require.NotEqual(t, "a", serve(h, "POST /graphql", "", "X-Request-Id: a", "X-Request-Id: a").body)
}

// Handlers behind the API can send an answer as it comes, and take the connection over.
func TestAnswersCanBeStreamedAndConnectionsTakenOver(t *testing.T) {
	t.Parallel()
	o := options()
	release := make(chan struct{})
	o.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
				_ = conn.Close()
			}
			return
		}
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
	})
	srv := httptest.NewServer(httpapi.New(o))
	t.Cleanup(srv.Close)
	w := &world{url: srv.URL, client: srv.Client()}
	require.Equal(t, "taken", w.call(t, "GET /graphql", "").body)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/graphql", nil)
	require.NoError(t, err)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err, "before the handler has ended")
	close(release)
}
