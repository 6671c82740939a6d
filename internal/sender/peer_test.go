package sender_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is a receiver below HTTP: it can close, reset and stall as it likes, and
// counts what it really got.
type peer struct {
	URL      string
	conns    atomic.Int32
	requests atomic.Int32 // whose header arrived in whole
	mu       sync.Mutex
	open     []net.Conn
	listener net.Listener
}

// peerConn is one connection that a peer accepted.
type peerConn struct {
	net.Conn
	in   *bufio.Reader
	peer *peer
	n    int // which connection it is, from 1
}

// newPeer serves each connection by f, side by side, and closes it when f is back.
func newPeer(t testing.TB, f func(*peerConn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &peer{URL: "http://" + l.Addr().String(), listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.open = append(p.open, c)
			p.mu.Unlock()
			pc := &peerConn{Conn: c, in: bufio.NewReader(c), peer: p, n: int(p.conns.Add(1))}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				f(pc)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		wg.Wait()
	})
	return p
}

// read takes one request with its body; nil when the sender has closed.
func (c *peerConn) read() *http.Request {
	r, err := http.ReadRequest(c.in)
	if err != nil {
		return nil
	}
	c.peer.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	return r
}

func (c *peerConn) say(s string) bool {
	_, err := io.WriteString(c, s)
	return err == nil
}

// untilGone waits until the sender closes the connection.
func (c *peerConn) untilGone() { _, _ = io.Copy(io.Discard, c.in) }

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
