package httpapi

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// slowAfter is how long a request may be going on before its connection may have
// to make room: a commit gives up sooner.
const slowAfter = 10 * time.Second

// connections bounds how many there are. Where there is no room for a new one it
// closes the one that has been waiting for longest, for its first request or for
// another; where none waits, the one whose request has been going on for longest,
// if that is slow; otherwise the new one. So connections that do nothing keep
// nobody out. Those that were handed over (WebSockets) are not counted any more.
type connections struct {
	max  int
	now  func() time.Time
	full func() // is told when one is closed for want of room

	mu            sync.Mutex
	open          map[net.Conn]*list.Element
	waiting, busy list.List // of *connection, the longest first
}

type connection struct {
	net.Conn
	since time.Time
	in    *list.List
}

func newConnections(most int, now func() time.Time, full func()) *connections {
	return &connections{max: most, now: now, full: full, open: map[net.Conn]*list.Element{}}
}

// changed is for http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if closing := c.note(conn, state); closing != nil {
		_ = closing.Close()
		c.full()
	}
}

// note notes a connection's state and gives one that has to be closed.
func (c *connections) note(conn net.Conn, state http.ConnState) (closing net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= c.max {
			if closing = c.leave(); closing == nil {
				return conn
			}
		}
		c.open[conn] = c.waiting.PushBack(&connection{Conn: conn, since: c.now(), in: &c.waiting})
	case http.StateIdle:
		c.move(conn, &c.waiting)
	case http.StateActive:
		c.move(conn, &c.busy)
	case http.StateClosed, http.StateHijacked:
		c.remove(conn)
	}
	return closing
}

// leave takes out the one that makes room; nil where all are at work.
func (c *connections) leave() net.Conn {
	first := c.waiting.Front()
	if first == nil {
		first = c.busy.Front()
		if first == nil || c.now().Sub(first.Value.(*connection).since) < slowAfter {
			return nil
		}
	}
	conn := first.Value.(*connection).Conn
	c.remove(conn)
	return conn
}

// move puts a connection behind the others of a list, unless it was closed for
// want of room.
func (c *connections) move(conn net.Conn, to *list.List) {
	at, ok := c.open[conn]
	if !ok {
		return
	}
	one := at.Value.(*connection)
	one.in.Remove(at)
	one.since, one.in = c.now(), to
	c.open[conn] = to.PushBack(one)
}

func (c *connections) remove(conn net.Conn) {
	if at, ok := c.open[conn]; ok {
		at.Value.(*connection).in.Remove(at)
		delete(c.open, conn)
	}
}
