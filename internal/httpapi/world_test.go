package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/dispatch"
	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/workflows"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The scratch Postgres's own connection lives as long as the process.
		goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
		// A server that closes a connection lets its client read for half a second.
		goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"),
	)
}

const adminToken = "admin-token-of-the-tests-0123456789"

// world is the API with the real pusher and the real ingest on a database. Its
// engine only notes what it gets: the engines have a suite of their own.
type world struct {
	url    string
	client *http.Client
	api    http.Handler
	db     *database.DB
	pusher *pusher.Pusher
	engine *engine
	log    *logged
}

func newWorld(t testing.TB, db *database.DB, change ...func(*ingest.Options)) *world {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	w := &world{db: db, engine: &engine{runs: make(chan workflows.Run, 100)}, log: &logged{}}
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	authenticator := auth.NewAuthenticator(db.Ent, auth.Options{AdminToken: adminToken, Flush: time.Hour})
	t.Cleanup(authenticator.Close)
	runs := dispatch.New(dispatch.Options{Engine: w.engine, Pace: time.Millisecond, Logger: logger, Now: time.Now})
	t.Cleanup(runs.Close)
	taking := ingest.Options{DB: db, Runs: runs, Logger: logger, Now: time.Now}
	for _, f := range change {
		f(&taking)
	}
	in := ingest.New(taking)
	t.Cleanup(in.Close)
	w.pusher = pusher.New(pusher.Options{DB: db, Box: box, Auth: authenticator, Engine: w.engine})
	o := options()
	o.Auth, o.Ingest, o.Pusher, o.DB, o.Box, o.Logger = authenticator, in, w.pusher, db, box, logger
	w.api = httpapi.New(o)
	srv := httptest.NewServer(w.api)
	t.Cleanup(srv.Close)
	w.url, w.client = srv.URL, srv.Client()
	return w
}

// options are those of an API without a database, for what needs none.
func options() httpapi.Options {
	page := func(body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	}
	return httpapi.Options{
		Auth: viewers{}, Ingest: accepts(func(ingest.Event) (ingest.Receipt, error) { return ingest.Receipt{EventID: "evt_1"}, nil }),
		GraphQL: page("graphql"), SDL: "type Query", Playground: page("playground"), Metrics: page("metrics"), Dashboard: pages{},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// pages are a dashboard that has everything that a browser asks for.
type pages struct{}

func (pages) Serves(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (pages) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "Data Pusher")
}

// viewers knows the tokens "admin", "jane" and "reader".
type viewers struct{}

func (viewers) Authenticate(_ context.Context, secret string) (*auth.Viewer, error) {
	switch secret {
	case "admin":
		return &auth.Viewer{Kind: auth.Admin}, nil
	case "jane":
		return &auth.Viewer{Kind: auth.Account, AccountID: "acc_jane", Scopes: auth.Scopes}, nil
	case "reader":
		return &auth.Viewer{Kind: auth.Account, AccountID: "acc_jane", Scopes: []auth.Scope{auth.Read}}, nil
	}
	return nil, auth.Denied()
}

// AuthenticateSession knows the session "browser".
func (viewers) AuthenticateSession(_ context.Context, secret string) (*auth.Viewer, error) {
	if secret == "browser" {
		return &auth.Viewer{Kind: auth.Admin, SessionID: "ses_1", ExpiresAt: time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)}, nil
	}
	return nil, auth.Denied()
}

// AuthenticatePortalLink knows none.
func (viewers) AuthenticatePortalLink(context.Context, string) (*auth.Viewer, error) {
	return nil, auth.Denied()
}

type accepts func(ingest.Event) (ingest.Receipt, error)

func (f accepts) Accept(_ context.Context, e ingest.Event) (ingest.Receipt, error) { return f(e) }

func (f accepts) AcceptAll(_ context.Context, events []ingest.Event) []ingest.Result {
	results := make([]ingest.Result, len(events))
	for i, e := range events {
		results[i].Receipt, results[i].Err = f(e)
	}
	return results
}

// engine notes the runs that it gets.
type engine struct {
	workflows.Engine
	runs chan workflows.Run
}

func (e *engine) Dispatch(_ context.Context, run workflows.Run) error {
	e.runs <- run
	return nil
}

func (*engine) Wake(context.Context, string) error { return nil }

// logged is a log that tests read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// json is the answer's body as an object.
func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v
}

// data is the object under "data" in a seed's answer.
func (r reply) data(t testing.TB) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	return r.json(t)["data"].(map[string]any)
}

// code is the answer's error code.
func (r reply) code(t *testing.T) problem.Code {
	t.Helper()
	code, _ := r.json(t)["code"].(string)
	return problem.Code(code)
}

// fields are the names of the fields that the answer finds wrong.
func (r reply) fields(t *testing.T) []string {
	t.Helper()
	var names []string
	all, _ := r.json(t)["errors"].([]any)
	for _, f := range all {
		names = append(names, f.(map[string]any)["name"].(string))
	}
	return names
}

// call is a request: "POST /path", a body, and headers as "Name: value".
func (w *world) call(t testing.TB, line, body string, headers ...string) reply {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return w.do(t, with(req, headers))
}

// with adds headers. "Name:" alone is a header that is not sent.
func with(req *http.Request, headers []string) *http.Request {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		if value = strings.TrimPrefix(value, " "); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Add(name, value)
		}
	}
	return req
}

func (w *world) do(t testing.TB, req *http.Request) reply {
	t.Helper()
	resp, err := w.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp.StatusCode, resp.Header, string(body)}
}

const asAdmin = "Authorization: Bearer " + adminToken

func bearer(secret string) string { return "Authorization: Bearer " + secret }

// account makes an account through the seed's door and gives its id and secret.
func (w *world) account(t testing.TB, email string) (id, secret string) {
	t.Helper()
	data := w.call(t, "POST /account/", `{"account_name":"Jane","email":"`+email+`"}`, asAdmin).data(t)
	return data["account_id"].(string), data["secret_token"].(string)
}

// token makes a further token of an account.
func (w *world) token(t *testing.T, accountID string, scopes ...auth.Scope) string {
	t.Helper()
	_, secret, err := w.pusher.CreateToken(auth.AsSystem(t.Context()),
		pusher.CreateTokenInput{AccountID: accountID, Name: "further", Scopes: scopes})
	require.NoError(t, err)
	return secret
}

// destination makes a destination through the seed's door and gives its id.
func (w *world) destination(t testing.TB, accountID, secret string) string {
	t.Helper()
	return w.call(t, "POST /destination/", `{"account_id":"`+accountID+`","url":"https://example.com/hook"}`, bearer(secret)).
		data(t)["id"].(string)
}

// payload is what is stored of an event.
func (w *world) payload(t *testing.T, eventID string) string {
	t.Helper()
	var payload []byte
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), "SELECT payload FROM events WHERE id = $1", eventID).Scan(&payload))
	return string(payload)
}

// rows counts everything that a request could have stored.
func (w *world) rows(t *testing.T) map[string]int {
	t.Helper()
	tables := []string{"accounts", "tokens", "destinations", "events", "deliveries", "idempotency_keys"}
	query := "SELECT (SELECT count(*) FROM " + strings.Join(tables, "), (SELECT count(*) FROM ") + ")"
	counts := make([]int, len(tables))
	into := make([]any, len(tables))
	for i := range counts {
		into[i] = &counts[i]
	}
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), query).Scan(into...))
	byTable := map[string]int{}
	for i, table := range tables {
		byTable[table] = counts[i]
	}
	return byTable
}

// newRequest is a request for an API without a server.
func newRequest(line, body string, headers ...string) *http.Request {
	method, path, _ := strings.Cut(line, " ")
	return with(httptest.NewRequest(method, path, strings.NewReader(body)), headers)
}

// serve calls an API without a server.
func serve(h http.Handler, line, body string, headers ...string) reply {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, newRequest(line, body, headers...))
	return reply{rec.Code, rec.Header(), rec.Body.String()}
}
