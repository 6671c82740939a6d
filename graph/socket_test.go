package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/token"
	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

const (
	socketAdmin = "the-admin-token-of-the-tests-0123456789"
	patience    = time.Minute // of a busy machine; nothing waits that long
)

// socketWorld is the API behind a server, with the real authenticator.
type socketWorld struct {
	*world
	url string
	api *graph.Handler
}

func newSocketWorld(t *testing.T, db *database.DB, limits graph.StreamLimits) *socketWorld {
	t.Helper()
	authenticator := auth.NewAuthenticator(db.Ent, auth.Options{AdminToken: socketAdmin, Flush: time.Hour})
	t.Cleanup(authenticator.Close)
	if limits.Poll == 0 {
		limits.Poll = 5 * time.Millisecond
	}
	w := &socketWorld{world: newWorld(t, db, func(o *graph.Options) { o.Auth, o.Streams = authenticator, limits })}
	w.api = w.handler.(*graph.Handler)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if secret, given := auth.FromHeader(r.Header); given { // as the door in front does
			v, err := authenticator.Authenticate(r.Context(), secret)
			if err != nil {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			r = r.WithContext(auth.With(r.Context(), v))
		}
		w.handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(w.api.Close) // before the server, which does not know of sockets
	w.url = srv.URL
	return w
}

// secret makes an account with a token of its own.
func (w *socketWorld) secret(t *testing.T, email string) (*ent.Account, string) {
	t.Helper()
	a, secret, err := w.pusher.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "Jane", Email: email})
	require.NoError(t, err)
	return a, secret
}

// peer is the other side of a socket.
type peer struct {
	conn *websocket.Conn
	ctx  context.Context
}

type socketMessage struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// dial opens a socket; headers are "Name: value".
func (w *socketWorld) dial(t *testing.T, headers ...string) *peer {
	t.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, w.url, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: h,
	})
	require.NoError(t, err)
	require.Equal(t, "graphql-transport-ws", conn.Subprotocol())
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &peer{conn, ctx}
}

// open is dial, and connection_init with that secret.
func (w *socketWorld) open(t *testing.T, secret string) *peer {
	t.Helper()
	p := w.dial(t)
	p.send(t, `{"type":"connection_init","payload":{"token":"`+secret+`"}}`)
	require.Equal(t, "connection_ack", p.receive(t).Type)
	return p
}

func (p *peer) send(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, p.conn.Write(p.ctx, websocket.MessageText, []byte(text)))
}

func (p *peer) subscribe(t *testing.T, id, query string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	require.NoError(t, err)
	p.send(t, string(text))
}

// begun waits until what was sent has been looked at: messages go in order.
func (p *peer) begun(t *testing.T) {
	t.Helper()
	p.send(t, `{"type":"ping"}`)
	require.Equal(t, "pong", p.receive(t).Type)
}

func (p *peer) receive(t *testing.T) socketMessage {
	t.Helper()
	_, text, err := p.conn.Read(p.ctx)
	require.NoError(t, err)
	var m socketMessage
	require.NoError(t, json.Unmarshal(text, &m), string(text))
	return m
}

// closed reads until the socket is closed, and says why.
func (p *peer) closed(t *testing.T) (code websocket.StatusCode, reason string, messages []string) {
	t.Helper()
	for {
		_, text, err := p.conn.Read(p.ctx)
		if err == nil {
			messages = append(messages, string(text))
			continue
		}
		var e websocket.CloseError
		require.ErrorAs(t, err, &e)
		return e.Code, e.Reason, messages
	}
}

const updated = `subscription { deliveryUpdated { delivery { id status attemptCount } } }`

// Each way to break the protocol has the protocol's own code.
func TestSocketsCloseWithTheProtocolsCodes(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	_, secret := w.secret(t, "jane@example.com")
	_, joes := w.secret(t, "joe@example.com")
	init := `{"type":"connection_init","payload":{"Authorization":"Bearer ` + secret + `"}}`
	sub := `{"id":"1","type":"subscribe","payload":{"query":"` + updated + `"}}`
	for name, c := range map[string]struct {
		headers []string
		send    []string
		code    websocket.StatusCode
	}{
		"no JSON":                     {nil, []string{`{`}, 4400},
		"a list":                      {nil, []string{`[` + init + `]`}, 4400},
		"no type":                     {nil, []string{`{"id":"1"}`}, 4400},
		"an unknown type":             {nil, []string{init, `{"type":"start","id":"1"}`}, 4400},
		"a payload that is no object": {nil, []string{`{"type":"connection_init","payload":"` + secret + `"}`}, 4400},
		"a token that is no text":     {nil, []string{`{"type":"connection_init","payload":{"token":7}}`}, 4400},
		"two credentials":             {nil, []string{`{"type":"connection_init","payload":{"token":"a","Authorization":"Bearer a"}}`}, 4400},
		"subscribe before init":       {nil, []string{sub}, 4401},
		"subscribe with a header but before init": {[]string{"Authorization: Bearer " + secret}, []string{sub}, 4401},
		"no credential":                  {nil, []string{`{"type":"connection_init"}`}, 4403},
		"no credential in the payload":   {nil, []string{`{"type":"connection_init","payload":{"other":1}}`}, 4403},
		"a wrong token":                  {nil, []string{`{"type":"connection_init","payload":{"token":"` + auth.NewSecretToken() + `"}}`}, 4403},
		"an empty token":                 {nil, []string{`{"type":"connection_init","payload":{"token":""}}`}, 4403},
		"another scheme":                 {nil, []string{`{"type":"connection_init","payload":{"Authorization":"Basic ` + secret + `"}}`}, 4403},
		"another than that of a header":  {[]string{"Authorization: Bearer " + secret}, []string{`{"type":"connection_init","payload":{"token":"` + joes + `"}}`}, 4403},
		"the admin's on top of a header": {[]string{"Authorization: Bearer " + secret}, []string{`{"type":"connection_init","payload":{"token":"` + socketAdmin + `"}}`}, 4403},
		"init twice":                     {nil, []string{init, init}, 4429},
		"an id twice":                    {nil, []string{init, sub, sub}, 4409},
		"no id":                          {nil, []string{init, strings.Replace(sub, `"1"`, `""`, 1)}, 4400},
		"an id that is a number":         {nil, []string{init, strings.Replace(sub, `"1"`, `1`, 1)}, 4400},
		"a long id":                      {nil, []string{init, strings.Replace(sub, `"1"`, `"`+strings.Repeat("1", 129)+`"`, 1)}, 4400},
		"no payload":                     {nil, []string{init, `{"id":"1","type":"subscribe"}`}, 4400},
		"no query":                       {nil, []string{init, `{"id":"1","type":"subscribe","payload":{"query":" "}}`}, 4400},
		"variables that are a list":      {nil, []string{init, `{"id":"1","type":"subscribe","payload":{"query":"{ __typename }","variables":[]}}`}, 4400},
		"a message that is too large":    {nil, []string{init, `{"type":"ping","payload":"` + strings.Repeat("x", 65<<10) + `"}`}, websocket.StatusMessageTooBig},
	} {
		p := w.dial(t, c.headers...)
		for _, text := range c.send {
			p.send(t, text)
		}
		code, reason, messages := p.closed(t)
		require.Equal(t, c.code, code, "%s: %s, %s", name, reason, messages)
		require.NotContains(t, reason, secret)
		for _, m := range messages {
			require.Contains(t, m, "connection_ack", name)
		}
	}
	p := w.dial(t)
	require.NoError(t, p.conn.Write(p.ctx, websocket.MessageBinary, []byte(init)))
	code, _, _ := p.closed(t)
	require.EqualValues(t, 4400, code)
}

// Every way to name somebody in time.
func TestSocketsKnowWhoAsks(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	acc, secret := w.secret(t, "jane@example.com")
	for name, c := range map[string]struct {
		headers []string
		payload string
		account any
	}{
		"Authorization":             {nil, `,"payload":{"Authorization":"Bearer ` + secret + `"}`, acc.ID},
		"a scheme in small letters": {nil, `,"payload":{"Authorization":"bearer  ` + secret + ` ","x":1}`, acc.ID},
		"token":                     {nil, `,"payload":{"token":"` + secret + `"}`, acc.ID},
		"a header":                  {[]string{"Authorization: Bearer " + secret}, ``, acc.ID},
		"a header, null":            {[]string{"Authorization: Bearer " + secret}, `,"payload":null`, acc.ID},
		"both":                      {[]string{"Authorization: Bearer " + secret}, `,"payload":{"token":"` + secret + `"}`, acc.ID},
		"the operator":              {nil, `,"payload":{"token":"` + socketAdmin + `"}`, nil},
	} {
		p := w.dial(t, c.headers...)
		p.send(t, `{"type":"connection_init"`+c.payload+`}`)
		require.Equal(t, "connection_ack", p.receive(t).Type, name)
		p.subscribe(t, "q", `{ viewer { account { id } } }`)
		m := p.receive(t)
		require.Equal(t, "next", m.Type)
		var got struct {
			Data struct {
				Viewer struct{ Account map[string]any }
			}
		}
		require.NoError(t, json.Unmarshal(m.Payload, &got))
		require.Equal(t, c.account, got.Data.Viewer.Account["id"], name)
		require.Equal(t, socketMessage{ID: "q", Type: "complete"}, p.receive(t))
		p.subscribe(t, "q", `mutation { deleteAccount(input: {id: "x"}) { deletedID } }`) // the id is free again
		require.Equal(t, "next", p.receive(t).Type)
		require.Equal(t, "complete", p.receive(t).Type)
	}
}

func TestWhatIsNoSocketIsRefused(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Unknown: 1})
	upgrade := func(url string, headers ...string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	const ours = "Sec-WebSocket-Protocol: graphql-transport-ws"
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"no subprotocol":       {nil, 400},
		"the old subprotocol":  {[]string{"Sec-WebSocket-Protocol: graphql-ws"}, 400},
		"another subprotocol":  {[]string{"Sec-WebSocket-Protocol: mqtt, GraphQL-Transport-WS"}, 400},
		"another version":      {[]string{ours, "Sec-WebSocket-Version: 8"}, 400},
		"a key that is none":   {[]string{ours, "Sec-WebSocket-Key: x"}, 400},
		"a wrong token":        {[]string{ours, "Authorization: Bearer wrong"}, 401},
		"HTTP/2, as curl asks": {[]string{"Upgrade: h2c"}, 400}, // a query that is missing
		"a right one":          {[]string{"Sec-WebSocket-Protocol: mqtt, graphql-transport-ws"}, 101},
	} {
		resp := upgrade(w.url, c.headers...)
		require.Equal(t, c.status, resp.StatusCode, name)
		_ = resp.Body.Close()
	}
	none := httptest.NewServer(newWorld(t, dbtest.SQLite(t)).handler)
	t.Cleanup(none.Close)
	require.Equal(t, http.StatusServiceUnavailable, upgrade(none.URL, ours).StatusCode)
	w.api.Close()
	require.Equal(t, http.StatusServiceUnavailable, upgrade(w.url, ours).StatusCode)
}

// A connection has to name somebody in time, whatever else it sends.
func TestSocketsMustNameSomebodyInTime(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Init: time.Second})
	_, secret := w.secret(t, "jane@example.com")
	early := w.open(t, secret)
	p := w.dial(t)
	p.send(t, `{"type":"ping"}`)
	code, reason, messages := p.closed(t)
	require.EqualValues(t, 4408, code)
	require.Equal(t, "Connection initialisation timeout", reason)
	require.Equal(t, []string{`{"type":"pong"}`}, messages)
	early.begun(t) // and who did stays
	require.Equal(t, 3*time.Second, graph.DefaultStreamLimits().Init)
}

func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Connections: 2, Operations: 3, Unknown: 2})
	_, secret := w.secret(t, "jane@example.com")
	_, joes := w.secret(t, "joe@example.com")

	// Of one connection.
	p := w.open(t, secret)
	for _, name := range []string{"a", "b", "c"} {
		p.subscribe(t, name, updated)
	}
	p.subscribe(t, "d", updated)
	m := p.receive(t)
	require.Equal(t, "error", m.Type)
	require.Equal(t, "d", m.ID)
	require.Contains(t, string(m.Payload), `"code":"rate_limited"`)
	p.send(t, `{"id":"a","type":"complete"}`)
	p.subscribe(t, "d", updated)
	p.begun(t) // no error came before

	// Of one account, whatever others have.
	second := w.open(t, secret)
	third := w.dial(t)
	third.send(t, `{"type":"connection_init","payload":{"token":"`+secret+`"}}`)
	code, _, _ := third.closed(t)
	require.Equal(t, websocket.StatusTryAgainLater, code)
	w.open(t, joes)
	require.NoError(t, second.conn.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool { // the server may still be closing
		again := w.dial(t)
		again.send(t, `{"type":"connection_init","payload":{"token":"`+secret+`"}}`)
		_, _, err := again.conn.Read(again.ctx)
		return err == nil
	}, patience, time.Millisecond)

	// Of nobody.
	w.dial(t)
	w.dial(t)
	_, resp, err := websocket.Dial(t.Context(), w.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)

	limits := graph.DefaultStreamLimits()
	require.Equal(t, 20, limits.Operations)
	require.Equal(t, 100, limits.Connections)
	require.EqualValues(t, 64<<10, limits.Message)
}

// The limits of operations hold for what comes over a socket, too.
func TestSocketsRefuseWhatDoorsDo(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{})
	acc, secret := w.secret(t, "jane@example.com")
	_, ingestOnly, err := w.pusher.CreateToken(w.system, pusher.CreateTokenInput{AccountID: acc.ID, Name: "x", Scopes: []auth.Scope{auth.Ingest}})
	require.NoError(t, err)
	p, pushes := w.open(t, secret), w.open(t, ingestOnly)
	for name, c := range map[string]struct {
		peer        *peer
		query, code string
	}{
		"syntax":         {p, `subscription {`, "invalid"},
		"unknown":        {p, `subscription { nosuch { id } }`, "invalid"},
		"two fields":     {p, `subscription { a: deliveryUpdated { skipped } b: eventReceived { skipped } }`, "invalid"},
		"introspection":  {p, `subscription { __typename }`, "invalid"},
		"left out":       {p, `subscription { deliveryUpdated @skip(if: true) { skipped } }`, "invalid"},
		"depth":          {p, `subscription { deliveryUpdated { delivery { ` + strings.Repeat("event { deliveries(first: 1) { edges { node { ", 5) + "id" + strings.Repeat(" } } } }", 5) + ` } } }`, "invalid"},
		"values":         {p, `subscription { deliveryUpdated { delivery { timeline { at kind text } } } }`, "invalid"},
		"values of list": {p, `subscription { deliveryUpdated { delivery { attempts(first: 100) { edges { node { id number status responseBody } } } } } }`, "invalid"},
		"fields":         {p, `subscription { deliveryUpdated { delivery { ` + aliases(701, "id") + ` } } }`, "invalid"},
		"scope":          {pushes, updated, "forbidden"},
	} {
		c.peer.subscribe(t, name, c.query)
		m := c.peer.receive(t)
		require.Equal(t, "error", m.Type, "%s %s", name, m.Payload)
		require.Equal(t, name, m.ID)
		var errs []struct{ Extensions struct{ Code string } }
		require.NoError(t, json.Unmarshal(m.Payload, &errs))
		require.Equal(t, c.code, errs[0].Extensions.Code, "%s %s", name, m.Payload)
	}
	p.subscribe(t, "ok", `subscription { deliveryUpdated { cursor skipped at delivery { id attempts { edges { node { id number status } } } event { id } destination { url } } } }`)
	p.begun(t)
}

// What changes is told to those who may see it, on whichever process it happens.
func TestDeliveryUpdated(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newSocketWorld(t, db, graph.StreamLimits{})
		jane, janes := w.secret(t, "jane@example.com")
		joe, joes := w.secret(t, "joe@example.com")
		d, other, his := w.destination(t, jane.ID), w.destination(t, jane.ID), w.destination(t, joe.ID)
		e, second, joesEvent := w.event(t, jane.ID, 1, d, other), w.event(t, jane.ID, 1, d), w.event(t, joe.ID, 1, his)

		p, q, op := w.open(t, janes), w.open(t, joes), w.open(t, socketAdmin)
		filtered := func(filter string) string {
			return strings.Replace(updated, "deliveryUpdated", "deliveryUpdated("+filter+")", 1)
		}
		p.subscribe(t, "all", updated)
		p.subscribe(t, "event", filtered(`eventID: "`+e.ID+`"`))
		p.subscribe(t, "destination", filtered(`destinationID: "`+other.ID+`"`))
		p.subscribe(t, "both", filtered(`destinationID: "`+other.ID+`", eventID: "`+second.ID+`"`))
		for name, filter := range map[string]string{ // another account's, and none: nothing comes
			"foreign account": `accountID: "` + joe.ID + `"`, "foreign event": `eventID: "` + joesEvent.ID + `"`,
			"foreign destination": `destinationID: "` + his.ID + `"`, "none": `eventID: "x"`,
		} {
			p.subscribe(t, name, filtered(filter))
		}
		q.subscribe(t, "all", updated)
		op.subscribe(t, "jane", filtered(`accountID: "`+jane.ID+`"`))
		for _, one := range []*peer{p, q, op} {
			one.begun(t)
		}
		settle := func(e *ent.Event, i int) {
			w.db.Ent.Delivery.UpdateOneID(id.DeliveryOf(e.ID, i)).SetStatus(delivery.StatusSucceeded).AddAttemptCount(1).ExecX(w.system)
		}
		told := func(p *peer, n int) map[string]string {
			all := map[string]string{}
			for range n {
				m := p.receive(t)
				require.Equal(t, "next", m.Type)
				require.NotContains(t, all, m.ID)
				all[m.ID] = string(m.Payload)
			}
			return all
		}
		want := func(e *ent.Event, i int) string {
			return `{"data":{"deliveryUpdated":{"delivery":{"id":"` + id.DeliveryOf(e.ID, i) + `","status":"SUCCEEDED","attemptCount":2}}}}`
		}
		settle(joesEvent, 0)
		require.Equal(t, map[string]string{"all": want(joesEvent, 0)}, told(q, 1))
		settle(e, 1)
		require.Equal(t, map[string]string{"all": want(e, 1), "event": want(e, 1), "destination": want(e, 1)}, told(p, 3))
		require.Equal(t, map[string]string{"jane": want(e, 1)}, told(op, 1))
		settle(second, 0)
		require.Equal(t, map[string]string{"all": want(second, 0)}, told(p, 1))
		fresh := w.event(t, jane.ID, 0, other)
		for _, text := range told(p, 2) {
			require.Contains(t, text, id.DeliveryOf(fresh.ID, 0))
		}
		// What was no longer wanted says nothing; the id may be used again.
		p.send(t, `{"id":"all","type":"complete"}`)
		p.subscribe(t, "all", filtered(`eventID: "`+fresh.ID+`"`))
		p.begun(t)
		settle(e, 0)
		require.Equal(t, map[string]string{"event": want(e, 0)}, told(p, 1))
		p.begun(t) // and nothing else has come
	})
}

// A connection ends with its credential, within a second, whoever revokes it.
func TestRevocationClosesSockets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newSocketWorld(t, db, graph.StreamLimits{})
		acc, secret := w.secret(t, "jane@example.com")
		_, joes := w.secret(t, "joe@example.com")
		joe := w.open(t, joes)
		p := w.open(t, secret)
		p.subscribe(t, "1", updated)
		p.begun(t)
		tok := w.db.Ent.Token.Query().Where(token.AccountID(acc.ID)).OnlyX(w.system)
		_, err := w.pusher.RevokeToken(w.admin, pusher.RevokeTokenInput{ID: tok.ID}) // its own process tells nobody
		require.NoError(t, err)
		began := time.Now()
		code, reason, messages := p.closed(t)
		took := time.Since(began)
		require.EqualValues(t, 4403, code)
		require.Equal(t, "Forbidden", reason)
		require.Empty(t, messages)
		require.Less(t, took, time.Second)
		t.Logf("closed after %v", took)
		joe.begun(t)
	})
}

func TestClosingEndsSockets(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Ping: 2 * time.Millisecond})
	_, secret := w.secret(t, "jane@example.com")
	p, nobody := w.open(t, secret), w.dial(t)
	p.subscribe(t, "1", updated)
	for range 20 { // pings are answered while this waits
		p.begun(t)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.api.Close()
	}()
	for _, one := range []*peer{p, nobody} {
		code, _, _ := one.closed(t)
		require.Equal(t, websocket.StatusGoingAway, code)
	}
	<-done
}

// Who does not answer, or does not read, holds nothing for long.
func TestSocketsOfTheDeadAreClosed(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{
		Connections: 1, Ping: time.Millisecond, Pong: time.Second, Write: time.Second,
	})
	_, secret := w.secret(t, "jane@example.com")
	free := func() bool {
		p := w.dial(t)
		p.send(t, `{"type":"connection_init","payload":{"token":"`+secret+`"}}`)
		_, _, err := p.conn.Read(p.ctx)
		_ = p.conn.CloseNow()
		return err == nil
	}
	w.open(t, secret) // a peer answers pings while it reads, and this one no longer does
	require.Eventually(t, free, patience, time.Millisecond)
}

func TestSocketsOfSlowReadersAreClosed(t *testing.T) {
	t.Parallel()
	w := newSocketWorld(t, dbtest.SQLite(t), graph.StreamLimits{Write: 50 * time.Millisecond})
	_, secret := w.secret(t, "jane@example.com")
	p := w.open(t, secret)
	var err error
	query := strings.Join(strings.Fields(introspection), " ") // its answer is large
	for i := 0; err == nil; i++ {                             // nobody reads the answers
		err = p.conn.Write(p.ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":"%d","type":"subscribe","payload":{"query":%q}}`, i, query))
	}
	require.NoError(t, p.ctx.Err(), "it was not closed")
	for err = nil; err == nil; {
		_, _, err = p.conn.Read(p.ctx)
	}
	require.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "it was cut off, and not for what it has sent")
}
