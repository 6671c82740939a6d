package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// subprotocol is the one that sockets speak:
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
const subprotocol = "graphql-transport-ws"

// Why a socket is closed, in the protocol's own codes.
const (
	badMessage websocket.StatusCode = 4400
	tooEarly   websocket.StatusCode = 4401 // subscribe before connection_init
	notAllowed websocket.StatusCode = 4403 // a credential that is missing, wrong or no longer valid
	tooLate    websocket.StatusCode = 4408 // no connection_init in time
	sameID     websocket.StatusCode = 4409 // two operations with one id
	initTwice  websocket.StatusCode = 4429
)

// SocketLimits bound what WebSockets may hold. What is 0 has the default.
type SocketLimits struct {
	Init        time.Duration // from the upgrade to a valid credential; 3 s
	Unknown     int           // connections of the process whose credential is still to come; 500
	Connections int           // of one account, or of the operator, in this process; 100
	Operations  int           // of one connection at a time; 20
	Message     int64         // bytes of a message from the client; 64 KiB
	Write       time.Duration // for one message to a slow reader; 10 s
	Ping        time.Duration // between two pings; 20 s
	Pong        time.Duration // until the answer to a ping; 20 s
	Poll        time.Duration // between two looks of a subscription at the database; 500 ms
}

func (l *SocketLimits) fill() {
	or := func(at *time.Duration, d time.Duration) {
		if *at <= 0 {
			*at = d
		}
	}
	orInt := func(at *int, n int) {
		if *at <= 0 {
			*at = n
		}
	}
	or(&l.Init, 3*time.Second)
	orInt(&l.Unknown, 500)
	orInt(&l.Connections, 100)
	orInt(&l.Operations, 20)
	if l.Message <= 0 {
		l.Message = 64 << 10
	}
	or(&l.Write, 10*time.Second)
	or(&l.Ping, 20*time.Second)
	or(&l.Pong, 20*time.Second)
	or(&l.Poll, 500*time.Millisecond)
}

// sockets are the WebSockets of a process.
type sockets struct {
	exec    *executor.Executor
	auth    Authenticator
	limits  SocketLimits
	maxTime time.Duration

	ctx  context.Context // ends with close
	stop context.CancelFunc

	mu   sync.Mutex
	open map[string]int // connections by account; "" for those of whom nobody is known
	all  sync.WaitGroup
}

func newSockets(exec *executor.Executor, o Options) *sockets {
	o.Sockets.fill()
	s := &sockets{exec: exec, auth: o.Auth, limits: o.Sockets, maxTime: o.MaxTime, open: map[string]int{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

func (s *sockets) close() {
	s.mu.Lock()
	s.stop() // under the lock: none is added to those that are waited for
	s.mu.Unlock()
	s.all.Wait()
}

// wantsSocket reports whether a request asks for a WebSocket.
func wantsSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && slices.ContainsFunc(tokens(r.Header, "Upgrade"), func(t string) bool {
		return strings.EqualFold(t, "websocket")
	})
}

// tokens are the parts of a header that is a list.
func tokens(h http.Header, name string) []string {
	var all []string
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			all = append(all, strings.TrimSpace(t))
		}
	}
	return all
}

// serve upgrades a request and serves it until it is closed. An error means that
// nothing has been answered.
func (s *sockets) serve(w http.ResponseWriter, r *http.Request) error {
	switch {
	case s.auth == nil:
		return problem.New(problem.Unavailable, "there are no WebSockets here")
	case !slices.Contains(tokens(r.Header, "Sec-WebSocket-Protocol"), subprotocol):
		return problem.New(problem.Invalid, "open the WebSocket with the subprotocol %s", subprotocol)
	case !s.enter():
		return problem.New(problem.Unavailable, "there are too many connections: try again")
	}
	c := &socket{sockets: s, holds: nobody, headers: r.Header, active: map[string]*operation{}}
	defer func() { s.leave(c.holds) }()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // the door in front has looked at Origin
	})
	if err != nil {
		return nil // it has been answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(s.limits.Message)
	c.conn = conn
	// A deadline of the request is none of the socket's.
	c.serve(context.WithoutCancel(r.Context()), auth.From(r.Context()))
	return nil
}

// nobody holds the places of connections whose credential is still to come.
const nobody = ""

// enter takes a place for a connection of nobody's.
func (s *sockets) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || s.open[nobody] >= s.limits.Unknown {
		return false
	}
	s.open[nobody]++
	s.all.Add(1)
	return true
}

// become gives a connection's place to the one who is known now.
func (s *sockets) become(holder string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[holder] >= s.limits.Connections {
		return false
	}
	s.open[holder]++
	s.drop(nobody)
	return true
}

func (s *sockets) leave(holder string) {
	s.mu.Lock()
	s.drop(holder)
	s.mu.Unlock()
	s.all.Done()
}

func (s *sockets) drop(holder string) {
	if s.open[holder]--; s.open[holder] <= 0 {
		delete(s.open, holder)
	}
}

// holderOf is who a viewer's connections count for.
func holderOf(v *auth.Viewer) string {
	if v.Kind == auth.Account {
		return v.AccountID
	}
	return string(v.Kind)
}
