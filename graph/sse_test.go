package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/token"
	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

const received = `subscription { eventReceived { event { id payload } skipped } }`

// sse is one event of a stream.
type sse struct{ name, id, data string }

// eventSource reads server-sent events as a browser does.
type eventSource struct {
	answer *http.Response
	lines  *bufio.Scanner
	end    context.CancelFunc
}

// listen asks with GET, or with POST where the query says nothing.
func (w *socketWorld) listen(t *testing.T, secret, query string, headers ...string) *eventSource {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"?query="+url.QueryEscape(query), nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/event-stream")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	return &eventSource{answer, bufio.NewScanner(answer.Body), cancel}
}

// next is the next event, after any number of comments; false is the end.
func (s *eventSource) next(t *testing.T) (e sse, comments int, ok bool) {
	t.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case s.lines.Text() == "":
			if e.name != "" {
				return e, comments, true
			}
		case name == "":
			comments++
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		case name == "data":
			e.data = value
		}
	}
	return e, comments, false
}

func (s *eventSource) wants(t *testing.T, name string) sse {
	t.Helper()
	e, _, ok := s.next(t)
	require.True(t, ok, "the stream has ended")
	require.Equal(t, name, e.name, e.data)
	return e
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newSocketWorld(t, db, graph.StreamLimits{})
		jane, janes := w.secret(t, "jane@example.com")
		joe, _ := w.secret(t, "joe@example.com")
		s := w.listen(t, janes, received)
		require.Equal(t, http.StatusOK, s.answer.StatusCode)
		for name, value := range map[string]string{
			"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
		} {
			require.Equal(t, value, s.answer.Header.Get(name))
		}
		w.event(t, joe.ID, 0)
		first := w.event(t, jane.ID, 0)
		want := func(id string) string {
			return `{"data":{"eventReceived":{"event":{"id":"` + id + `","payload":"{\"n\": 1.00}"},"skipped":0}}}`
		}
		e := s.wants(t, "next")
		require.Equal(t, want(first.ID), e.data)
		require.NotEmpty(t, e.id, "though nobody has asked for a cursor")

		// The connection breaks; the browser comes back by itself and says where it was.
		s.end()
		second := w.event(t, jane.ID, 0)
		s = w.listen(t, janes, received, "Last-Event-ID: "+e.id)
		require.Equal(t, want(second.ID), s.wants(t, "next").data)
	})
}

// A stream that is over says so, whatever was asked for.
func TestServerSentEventsAnswerEverything(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	acc, janes := w.secret(t, "jane@example.com")
	s := w.listen(t, janes, `{ viewer { account { id } } }`)
	require.Equal(t, `{"data":{"viewer":{"account":{"id":"`+acc.ID+`"}}}}`, s.wants(t, "next").data)
	require.Equal(t, sse{name: "complete"}, s.wants(t, "complete"))
	_, _, more := s.next(t)
	require.False(t, more)

	_, pushes, err := w.pusher.CreateToken(w.system, pusher.CreateTokenInput{AccountID: acc.ID, Name: "x", Scopes: []auth.Scope{auth.Ingest}})
	require.NoError(t, err)
	s = w.listen(t, pushes, received)
	require.Contains(t, s.wants(t, "next").data, `"code":"forbidden"`)
	s.wants(t, "complete")

	for name, c := range map[string]struct {
		secret, query string
		headers       []string
		status        int
		code          string
	}{
		"nobody":             {"", received, nil, 401, "unauthenticated"},
		"a mutation by GET":  {janes, `mutation { deleteAccount(input: {id: "x"}) { deletedID } }`, nil, 405, "method_not_allowed"},
		"not in the schema":  {janes, `subscription { nosuch { id } }`, nil, 400, "invalid"},
		"no Last-Event-ID":   {janes, received, []string{"Last-Event-ID: x"}, 400, "invalid"},
		"no events accepted": {janes, received, []string{"Accept: application/json"}, 400, "invalid"},
	} {
		s := w.listen(t, c.secret, c.query, c.headers...)
		require.Equal(t, c.status, s.answer.StatusCode, name)
		require.Contains(t, s.answer.Header.Get("Content-Type"), "application/json", name)
		body, err := io.ReadAll(s.answer.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), `"code":"`+c.code+`"`, name)
	}

	// Clients that can read events mean JSON where they name it, but for subscriptions.
	const anything = "Accept: application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
	s = w.listen(t, janes, `{ __typename }`, anything)
	require.Contains(t, s.answer.Header.Get("Content-Type"), "json")
	s = w.listen(t, janes, received, anything)
	require.Contains(t, s.answer.Header.Get("Content-Type"), "text/event-stream")

	bad := w.listen(t, janes, `subscription { eventReceived(after: "x") { skipped } }`)
	body, err := io.ReadAll(bad.answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"code":"invalid"`)
}

// A subscription with POST, as graphql-sse and urql send it.
func TestServerSentEventsByPost(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	jane, janes := w.secret(t, "jane@example.com")
	body, err := json.Marshal(map[string]any{"query": `subscription($a: ID) { eventReceived(accountID: $a) { cursor } }`, "variables": map[string]any{"a": jane.ID}})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader(string(body)))
	require.NoError(t, err)
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + janes}}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	s := &eventSource{answer, bufio.NewScanner(answer.Body), cancel}
	w.event(t, jane.ID, 0)
	e := s.wants(t, "next")
	require.Equal(t, `{"data":{"eventReceived":{"cursor":"`+e.id+`"}}}`, e.data)
}

// A stream ends with its credential, and tells why.
func TestRevocationEndsServerSentEvents(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	acc, janes := w.secret(t, "jane@example.com")
	s := w.listen(t, janes, received)
	tok := w.db.Ent.Token.Query().Where(token.AccountID(acc.ID)).OnlyX(w.system)
	_, err := w.pusher.RevokeToken(w.admin, pusher.RevokeTokenInput{ID: tok.ID})
	require.NoError(t, err)
	began := time.Now()
	require.Contains(t, s.wants(t, "next").data, `"code":"unauthenticated"`)
	require.Less(t, time.Since(began), 2*time.Second) // half a second, and a busy machine
	s.wants(t, "complete")
}

func TestServerSentEventsAreBounded(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Connections: 2})
	_, janes := w.secret(t, "jane@example.com")
	_, joes := w.secret(t, "joe@example.com")
	first := w.listen(t, janes, received)
	w.open(t, janes) // WebSockets count, too
	refused := w.listen(t, janes, received)
	require.Equal(t, http.StatusTooManyRequests, refused.answer.StatusCode)
	require.Equal(t, http.StatusOK, w.listen(t, joes, received).answer.StatusCode)
	first.end()
	require.Eventually(t, func() bool {
		again := w.listen(t, janes, received)
		defer again.end()
		return again.answer.StatusCode == http.StatusOK
	}, patience, time.Millisecond)
}

// What bounds a request bounds no stream; a sign of life comes meanwhile; and the end
// of the server ends it.
func TestServerSentEventsOutliveRequests(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Ping: 20 * time.Millisecond})
	jane, janes := w.secret(t, "jane@example.com")
	unbounded := w.url
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r = r.WithContext(auth.With(r.Context(), &auth.Viewer{Kind: auth.Account, AccountID: jane.ID, Scopes: auth.Scopes}))
		w.handler.ServeHTTP(rw, r)
	}))
	// Long enough that a busy machine does not hang up on a request before it is read.
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = time.Second, time.Second
	srv.Start()
	t.Cleanup(srv.Close)
	w.url = srv.URL
	s := w.listen(t, janes, received)
	for comments := 0; comments < 75; { // of 20 ms: one and a half times what bounds a request
		require.True(t, s.lines.Scan(), "the stream has ended")
		if s.lines.Text() == ":" {
			comments++
		}
	}
	w.event(t, jane.ID, 0)
	s.wants(t, "next")
	w.api.Close()
	_, _, more := s.next(t)
	require.False(t, more, "without an end of the subscription, so that the client comes back")
	w.url = unbounded
	require.Equal(t, http.StatusServiceUnavailable, w.listen(t, janes, received).answer.StatusCode)
}
