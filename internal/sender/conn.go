package sender

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// countedConn is a TCP connection that can prove that nothing more was written
// to it since a certain moment.
type countedConn struct {
	net.Conn
	writing atomic.Int32 // writes under way
	written atomic.Int64 // bytes given to the system
	bounded atomic.Bool  // has a deadline until somebody takes it
}

// bound gives a connection until end to be taken by an attempt, the handshake
// included.
func (c *countedConn) bound(end time.Time) {
	if !end.IsZero() && c.SetDeadline(end) == nil {
		c.bounded.Store(true)
	}
}

// taken ends that: from here on the attempt's own deadline counts. Where the
// connection has just run into its end, the attempt finds it closed.
func taken(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if counted, ok := c.(*countedConn); ok && counted.bounded.CompareAndSwap(true, false) {
		_ = counted.SetDeadline(time.Time{})
	}
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writing.Add(1)
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	c.writing.Add(-1) // last, so that 0 means that all is counted
	return n, err
}

// maxAlert is more than the record has that TLS writes when it is closed, and
// less than any request of ours takes: its signature alone is longer.
const maxAlert = 64

// use is one use of a connection for one HTTP/1 request.
type use struct {
	conn   *countedConn
	before int64 // what had been written when the request got the connection
	spare  int64 // what may be written without being part of the request
}

// useOf starts a use of a connection that net/http took from its pool. It gives
// nil where nothing can be proved: requests share an HTTP/2 connection.
func useOf(c net.Conn) *use {
	u := &use{}
	if t, ok := c.(*tls.Conn); ok {
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		c, u.spare = t.NetConn(), maxAlert
	}
	u.conn, _ = c.(*countedConn)
	if u.conn == nil {
		return nil
	}
	u.before = u.conn.written.Load()
	return u
}

// unsent closes the connection and reports whether it is certain that the
// request was not sent and never will be. Once Close is back every later write
// fails, so after it the count can only lag behind a write that is still under
// way, and then the answer is no.
func (u *use) unsent() bool {
	_ = u.conn.Close()
	return u.conn.writing.Load() == 0 && u.conn.written.Load()-u.before <= u.spare
}
