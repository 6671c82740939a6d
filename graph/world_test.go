package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/pusher"
	"datapusher/internal/requestid"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/workflows"
)

// world is the API on a database of its own.
type world struct {
	db      *database.DB
	pusher  *pusher.Pusher
	handler http.Handler
	engine  *engine
	sender  *sender.Sender
	log     *buffer
	now     time.Time
	minter  id.Minter

	admin, system context.Context
}

func newWorld(t *testing.T, db *database.DB, change ...func(*graph.Options)) *world {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	w := &world{
		db: db, engine: &engine{}, log: &buffer{},
		now:    time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC),
		admin:  auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin, Scopes: []auth.Scope{auth.Read, auth.Manage}}),
		system: auth.AsSystem(t.Context()),
	}
	w.sender = sender.New(sender.Options{Now: func() time.Time { return w.now }})
	t.Cleanup(w.sender.Close)
	w.pusher = pusher.New(pusher.Options{DB: db, Box: box, Sender: w.sender, Now: func() time.Time { return w.now }})
	o := graph.Options{Pusher: w.pusher, DB: db, Box: box, Engine: w.engine, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		Now: func() time.Time { return w.now }}
	for _, f := range change {
		f(&o)
	}
	api := graph.NewHandler(o)
	t.Cleanup(api.Close)
	w.handler = api
	return w
}

// account makes an account and the context of a viewer that may do everything in it.
func (w *world) account(t *testing.T, email string) (*ent.Account, context.Context) {
	t.Helper()
	a, _, err := w.pusher.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "Jane", Email: email})
	require.NoError(t, err)
	return a, scoped(t, a, auth.Scopes...)
}

func scoped(t *testing.T, a *ent.Account, scopes ...auth.Scope) context.Context {
	return auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: a.ID, TokenID: "tok_test", Scopes: scopes})
}

func (w *world) destination(t *testing.T, accountID string) *ent.Destination {
	t.Helper()
	d, _, err := w.pusher.CreateDestination(w.admin, pusher.CreateDestinationInput{
		AccountID: accountID, URL: "https://example.com/" + accountID,
	})
	require.NoError(t, err)
	return d
}

// event makes an event with one delivery to each destination and n attempts of each.
func (w *world) event(t *testing.T, accountID string, n int, to ...*ent.Destination) *ent.Event {
	t.Helper()
	e := w.db.Ent.Event.Create().SetID(w.minter.Events(w.now, 1)[0]).SetAccountID(accountID).
		SetPayload([]byte(`{"n": 1.00}`)).SetCreatedAt(w.now).SaveX(w.system)
	for i, d := range to {
		dlv := w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(e.ID, i)).SetAccountID(accountID).
			SetEventID(e.ID).SetDestinationID(d.ID).SetRun("event/" + e.ID).
			SetStatus(delivery.StatusRetrying).SetReason("503").SetAttemptCount(n).
			SetNextAttemptAt(w.now.Add(time.Minute)).SetCreatedAt(w.now).SaveX(w.system)
		for number := 1; number <= n; number++ {
			w.db.Ent.Attempt.Create().SetID(id.AttemptOf(dlv.ID, number)).SetAccountID(accountID).SetDeliveryID(dlv.ID).
				SetNumber(number).SetStatus(503).SetStartedAt(w.now).SetDurationUs(1500).
				SetResponseBody([]byte("no\xff")).SaveX(w.system)
		}
	}
	return e
}

// answer is what the API says.
type answer struct {
	Status int
	Header http.Header
	Text   string
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct {
			Code      string
			RequestID string
			Fields    []struct{ Name, Message string }
		}
	}
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// at walks into the data: names of members and numbers of items.
func (a answer) at(t *testing.T, path ...any) any {
	t.Helper()
	require.Empty(t, a.Errors, a.Text)
	var v any = a.Data
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// do runs an operation as the viewer of a context.
func (w *world) do(ctx context.Context, t *testing.T, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	return w.post(ctx, t, body)
}

func (w *world) post(ctx context.Context, t *testing.T, body []byte) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return w.serve(t, r)
}

func (w *world) serve(t *testing.T, r *http.Request) answer {
	t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(requestid.With(r.Context(), "the-request")))
	text, err := io.ReadAll(rec.Body)
	require.NoError(t, err)
	a := answer{Status: rec.Code, Header: rec.Header(), Text: string(text)}
	require.NoError(t, json.Unmarshal(text, &a), a.Text)
	return a
}

// engine is one with a UI.
type engine struct {
	workflows.Engine
	broken bool
	away   string // why it is not ready
}

func (e *engine) Check(context.Context) error {
	if e.away != "" {
		return errors.New(e.away)
	}
	return nil
}

func (e *engine) RunURL(_ context.Context, run string) string {
	if e.broken {
		panic("planted-marker")
	}
	return fmt.Sprintf("https://ui.example.com/%s", run)
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
