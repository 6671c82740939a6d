package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// maxID is the longest id of an operation in bytes.
const maxID = 128

// socket is one WebSocket. Its messages are looked at one after the other: a
// subscription has begun before the next message is read.
type socket struct {
	*streams
	conn    *websocket.Conn
	headers http.Header
	holds   string // whose place it takes

	ctx     context.Context // of the connection
	viewer  context.Context // of what the viewer asks for: ends with the credential, too
	ready   atomic.Bool     // somebody is known
	running sync.WaitGroup

	mu     sync.Mutex
	active map[string]*operation
}

// operation is one that has not ended.
type operation struct {
	id     string
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// message is one in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// end is why a socket is closed; nil: it is not.
type end struct {
	code   websocket.StatusCode
	reason string
}

func (c *socket) serve(ctx context.Context, upgraded *auth.Viewer) {
	ctx, cancel := context.WithCancel(ctx)
	c.ctx = ctx
	goOn := context.AfterFunc(c.streams.ctx, func() { c.close(&end{websocket.StatusGoingAway, "the server is stopping"}) })
	late := time.AfterFunc(c.limits.Init, func() {
		if !c.ready.Load() {
			c.close(&end{tooLate, "Connection initialisation timeout"})
		}
	})
	c.running.Go(c.keepAlive)
	defer func() {
		goOn()
		late.Stop()
		cancel()
		_ = c.conn.CloseNow()
		c.running.Wait()
	}()
	for {
		kind, data, err := c.conn.Read(ctx)
		if err != nil {
			return
		}
		if e := c.handle(upgraded, kind, data); e != nil {
			c.close(e)
			return
		}
	}
}

func (c *socket) close(e *end) {
	if e.code == 0 {
		_ = c.conn.CloseNow()
		return
	}
	_ = c.conn.Close(e.code, e.reason)
}

// keepAlive finds out whether the other side is still there.
func (c *socket) keepAlive() {
	ticker := time.NewTicker(c.limits.Ping)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(c.ctx, c.limits.Pong)
		err := c.conn.Ping(ctx)
		cancel()
		if err != nil {
			_ = c.conn.CloseNow()
			return
		}
	}
}

func (c *socket) handle(upgraded *auth.Viewer, kind websocket.MessageType, data []byte) *end {
	var m message
	if kind != websocket.MessageText || json.Unmarshal(data, &m) != nil {
		return &end{badMessage, "Invalid message"}
	}
	switch m.Type {
	case "connection_init":
		return c.init(upgraded, m.Payload)
	case "ping":
		return c.write(message{Type: "pong"})
	case "pong":
		return nil
	case "subscribe":
		return c.subscribe(m)
	case "complete":
		c.complete(m.ID)
		return nil
	}
	return &end{badMessage, "Invalid message type"}
}

// init makes the socket somebody's: by the credential in the payload, or by that
// of the upgrade. Two of them must stand for the same.
func (c *socket) init(upgraded *auth.Viewer, payload json.RawMessage) *end {
	if c.ready.Load() {
		return &end{initTwice, "Too many initialisation requests"}
	}
	v, e := c.authenticate(upgraded, payload)
	if e != nil {
		return e
	}
	if !c.become(holderOf(v)) {
		return &end{websocket.StatusTryAgainLater, "Too many connections"}
	}
	c.holds = holderOf(v)
	watched, stop := c.auth.Watch(c.ctx, v)
	c.running.Go(func() { // ends with the connection at the latest
		defer stop()
		<-watched.Done()
		switch {
		case c.ctx.Err() != nil: // it is over anyway
		case errors.Is(context.Cause(watched), auth.ErrRevoked):
			c.close(&end{notAllowed, "Forbidden"})
		default:
			c.close(&end{websocket.StatusTryAgainLater, "The credential cannot be checked now"})
		}
	})
	c.viewer = auth.With(watched, v)
	c.ready.Store(true)
	return c.write(message{Type: "connection_ack"})
}

func (c *socket) authenticate(upgraded *auth.Viewer, payload json.RawMessage) (*auth.Viewer, *end) {
	secret, given, ok := credentialIn(payload)
	forbidden := &end{notAllowed, "Forbidden"}
	switch {
	case !ok:
		return nil, &end{badMessage, "Invalid payload"}
	case !given && upgraded == nil:
		return nil, forbidden
	case !given:
		return upgraded, nil
	}
	v, err := auth.GuardOf(c.ctx, c.auth.Authenticate)(c.ctx, secret)
	switch {
	case problem.CodeOf(err) == problem.Unauthenticated:
		return nil, forbidden
	case err != nil:
		return nil, &end{websocket.StatusTryAgainLater, "The credential cannot be checked now"}
	case upgraded != nil && (v.Kind != upgraded.Kind || v.TokenID != upgraded.TokenID || v.SessionID != upgraded.SessionID):
		return nil, forbidden
	}
	return v, nil
}

// credentialIn reads {"Authorization": "Bearer …"} or {"token": "…"}. Other members
// are somebody else's.
func credentialIn(payload json.RawMessage) (secret string, given, ok bool) {
	var in struct {
		Authorization *string `json:"Authorization"`
		Token         *string `json:"token"`
	}
	if len(payload) > 0 && json.Unmarshal(payload, &in) != nil {
		return "", false, false
	}
	switch {
	case in.Authorization != nil && in.Token != nil:
		return "", false, false
	case in.Authorization != nil:
		scheme, secret, _ := strings.Cut(*in.Authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			secret = ""
		}
		return strings.TrimSpace(secret), true, true
	case in.Token != nil:
		return *in.Token, true, true
	}
	return "", false, true
}

func (c *socket) subscribe(m message) *end {
	if !c.ready.Load() {
		return &end{tooEarly, "Unauthorized"}
	}
	params, err := decode(m.Payload)
	if err != nil || m.ID == "" || len(m.ID) > maxID || strings.TrimSpace(params.Query) == "" {
		return &end{badMessage, "Invalid message"}
	}
	params.Headers = c.headers
	op := &operation{id: m.ID, done: make(chan struct{})}
	op.ctx, op.cancel = context.WithCancel(graphql.StartOperationTrace(c.viewer))
	taken, full := c.add(op)
	switch {
	case taken:
		op.cancel()
		return &end{sameID, "Subscriber for this id already exists"}
	case full:
		op.cancel()
		return c.fail(op, c.exec.DispatchError(c.viewer, gqlerror.List{gqlerror.Wrap(problem.New(problem.RateLimited,
			"a connection has at most %d operations at a time", c.limits.Operations))}).Errors)
	}
	return c.begin(op, params)
}

// add notes an operation, unless its id is taken or there are too many.
func (c *socket) add(op *operation) (taken, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken = c.active[op.id]; taken {
		return true, false
	}
	if len(c.active) >= c.limits.Operations {
		return false, true
	}
	c.active[op.id] = op
	return false, false
}

// complete ends an operation that the client no longer wants. Nothing more comes
// under its id.
func (c *socket) complete(id string) {
	c.mu.Lock()
	op := c.active[id]
	c.mu.Unlock()
	if op != nil {
		op.cancel()
		<-op.done
	}
}

// begin starts an operation: what validation, or a subscription's resolver, has to
// say is said before the next message is read.
func (c *socket) begin(op *operation, params *graphql.RawParams) (e *end) {
	started := false
	defer func() {
		if v := recover(); v != nil {
			e = c.fail(op, gqlerror.List{c.panicked(op.ctx, v)})
		}
		if !started {
			c.ended(op)
		}
	}()
	oc, errs := c.exec.CreateOperationContext(op.ctx, params)
	if len(errs) > 0 {
		return c.fail(op, c.exec.DispatchError(graphql.WithOperationContext(op.ctx, oc), few(errs)).Errors)
	}
	endless := oc.Operation.Operation == ast.Subscription
	ctx, cancel := op.ctx, context.CancelFunc(func() {})
	if endless {
		ctx = withBounds(ctx, c.maxTime)
	} else {
		ctx, cancel = context.WithTimeout(ctx, c.maxTime)
	}
	responses, ctx := c.exec.DispatchOperation(ctx, oc)
	started = true
	c.running.Go(func() {
		defer cancel()
		c.stream(ctx, op, responses, endless)
	})
	return nil
}

// stream sends what an operation answers, until there is no more. A failure to
// write ends the connection, which the reading side notices.
func (c *socket) stream(ctx context.Context, op *operation, responses graphql.ResponseHandler, endless bool) {
	defer c.ended(op)
	defer func() {
		if v := recover(); v != nil {
			_ = c.fail(op, gqlerror.List{c.panicked(ctx, v)})
		}
	}()
	for {
		response := responses(ctx)
		if response == nil {
			break
		}
		if endless && len(response.Data) == 0 { // it has not begun
			_ = c.fail(op, response.Errors)
			return
		}
		payload, err := json.Marshal(response)
		if err != nil {
			panic(err) // a marshaler of ours wrote no JSON
		}
		if c.write(message{ID: op.id, Type: "next", Payload: payload}) != nil || !endless {
			break
		}
	}
	if op.ctx.Err() == nil {
		c.forget(op)
		_ = c.write(message{ID: op.id, Type: "complete"})
	}
}

// forget makes an operation's id free again: who hears that it has ended may use
// it at once.
func (c *socket) forget(op *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active[op.id] == op {
		delete(c.active, op.id)
	}
}

func (c *socket) ended(op *operation) {
	c.forget(op)
	op.cancel()
	close(op.done)
}

func (c *socket) panicked(ctx context.Context, v any) *gqlerror.Error {
	err := c.exec.PresentRecoveredError(ctx, v)
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		return e
	}
	return gqlerror.Wrap(err)
}

// fail ends an operation with errors.
func (c *socket) fail(op *operation, errs gqlerror.List) *end {
	c.forget(op)
	payload, err := json.Marshal(errs)
	if err != nil {
		panic(err) // texts and numbers
	}
	return c.write(message{ID: op.id, Type: "error", Payload: payload})
}

// write sends a message. Who does not read in time is cut off.
func (c *socket) write(m message) *end {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // the payload is JSON
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.limits.Write)
	defer cancel()
	if c.conn.Write(ctx, websocket.MessageText, text) != nil {
		return &end{} // there is nobody to tell
	}
	return nil
}
