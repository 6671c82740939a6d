package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"

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
func (s *streams) serve(w http.ResponseWriter, r *http.Request) error {
	switch {
	case s.auth == nil:
		return problem.New(problem.Unavailable, "there are no WebSockets here")
	case !slices.Contains(tokens(r.Header, "Sec-WebSocket-Protocol"), subprotocol):
		return problem.New(problem.Invalid, "open the WebSocket with the subprotocol %s", subprotocol)
	case !s.enter():
		return problem.New(problem.Unavailable, "there are too many connections: try again")
	}
	c := &socket{streams: s, holds: nobody, headers: r.Header, active: map[string]*operation{}}
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
