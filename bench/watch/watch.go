package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"datapusher/bench/load/ledger"
)

// Options are what to look at.
type Options struct {
	URL           string         `json:"url"` // of GraphQL, http or ws
	Subscriptions []Subscription `json:"subscriptions"`
}

// Subscription is one, on a connection of its own.
type Subscription struct {
	Token   string `json:"token"`
	Field   string `json:"field"` // a key of Fields
	Account string `json:"account"`
}

// Fields are the subscriptions that are known, with what they ask for.
var Fields = map[string]string{
	"eventReceived":   "at skipped event { id }",
	"deliveryUpdated": "at skipped delivery { id status }",
}

// Heard is what the subscriptions of one field have heard, together.
type Heard struct {
	Subscriptions int            `json:"subscriptions"`
	Messages      int64          `json:"messages"`
	Skipped       int64          `json:"skipped"` // that the server left out, since somebody read too slowly
	Ended         int64          `json:"ended"`   // subscriptions, before they were closed
	FirstEnd      string         `json:"first_end,omitempty"`
	Lag           ledger.Summary `json:"lag"` // from the time in the database to the client
}

// Watch is a group of clients.
type Watch struct {
	clients []*client
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

// Start opens all subscriptions, one after the other, and returns when each has
// begun.
func Start(ctx context.Context, o Options) (*Watch, error) {
	ctx, stop := context.WithCancel(ctx)
	w := &Watch{stop: stop}
	for i, s := range o.Subscriptions {
		c, err := open(ctx, o.URL, s)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("subscription %d: %w", i, err)
		}
		w.clients = append(w.clients, c)
		w.ended.Go(func() { c.read(ctx) })
	}
	return w, nil
}

// Close ends all subscriptions.
func (w *Watch) Close() {
	w.stop()
	for _, c := range w.clients {
		_ = c.conn.CloseNow()
	}
	w.ended.Wait()
}

// Heard sums up.
func (w *Watch) Heard() map[string]*Heard {
	lags := make(map[string]*ledger.Latencies)
	all := make(map[string]*Heard)
	for _, c := range w.clients {
		h := all[c.field]
		if h == nil {
			h = &Heard{}
			all[c.field], lags[c.field] = h, &ledger.Latencies{}
		}
		c.mu.Lock()
		h.Subscriptions++
		h.Messages += c.messages
		h.Skipped += c.skipped
		if c.end != "" {
			h.Ended++
			h.FirstEnd = c.end
		}
		lags[c.field].Merge(&c.lag)
		c.mu.Unlock()
	}
	for field, h := range all {
		h.Lag = lags[field].Summary()
	}
	return all
}

// Reset forgets what was heard up to now.
func (w *Watch) Reset() {
	for _, c := range w.clients {
		c.mu.Lock()
		c.messages, c.skipped = 0, 0
		c.lag.Reset()
		c.mu.Unlock()
	}
}

// subprotocol is https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
const subprotocol = "graphql-transport-ws"

// message is one in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// open begins a subscription, and returns when the server has begun it, too: it
// answers a ping that comes later.
func open(ctx context.Context, url string, s Subscription) (_ *client, err error) {
	fields, ok := Fields[s.Field]
	if !ok {
		return nil, fmt.Errorf("there is no subscription %q", s.Field)
	}
	conn, answer, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		Subprotocols: []string{subprotocol},
		HTTPHeader:   http.Header{"Authorization": {"Bearer " + s.Token}},
	})
	if err != nil {
		return nil, err
	}
	if answer.Body != nil {
		_ = answer.Body.Close()
	}
	defer func() {
		if err != nil {
			_ = conn.CloseNow()
		}
	}()
	c := &client{conn: conn, field: s.Field}
	query, err := json.Marshal(map[string]string{
		"query": fmt.Sprintf("subscription { %s(accountID: %q) { %s } }", s.Field, s.Account, fields),
	})
	if err != nil {
		return nil, err
	}
	for _, step := range []struct {
		say  message
		hear string
	}{
		{message{Type: "connection_init"}, "connection_ack"},
		{message{Type: "subscribe", ID: "1", Payload: query}, ""},
		{message{Type: "ping"}, "pong"},
	} {
		text, err := json.Marshal(step.say)
		if err != nil {
			return nil, err
		}
		if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
			return nil, err
		}
		if err := c.await(ctx, step.hear); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// await reads until a message of that type has come, what is heard before it
// included. "" is none.
func (c *client) await(ctx context.Context, kind string) error {
	for kind != "" {
		_, text, err := c.conn.Read(ctx)
		if err != nil {
			return err
		}
		var m message
		switch err := json.Unmarshal(text, &m); {
		case err != nil:
			return err
		case m.Type == kind:
			return nil
		case m.Type != "next":
			return errors.New(strings.TrimSpace(string(text)))
		}
	}
	return nil
}
