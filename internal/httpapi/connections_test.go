package httpapi_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

// line is a connection that notes whether it was closed.
type line struct {
	net.Conn
	closed bool
}

func (l *line) Close() error {
	l.closed = true
	return nil
}

func TestConnectionsThatDoNothingMakeRoom(t *testing.T) {
	t.Parallel()
	clock := &hands{}
	changed, closed := httpapi.NewConnections(3, clock.Now)
	open := func(states ...http.ConnState) *line {
		l := &line{}
		for _, s := range append([]http.ConnState{http.StateNew}, states...) {
			changed(l, s)
		}
		return l
	}
	idle := open(http.StateActive, http.StateIdle)
	busy := open(http.StateActive)
	fresh := open()
	require.Zero(t, *closed)

	fourth := open(http.StateActive)
	require.True(t, idle.closed, "the one that waits for longest")
	fifth := open(http.StateActive)
	require.True(t, fresh.closed)
	require.False(t, busy.closed || fourth.closed || fifth.closed)

	clock.Add(httpapi.SlowAfter - 1)
	require.True(t, open().closed, "all are at work")
	clock.Add(1)
	sixth := open()
	require.False(t, sixth.closed)
	require.True(t, busy.closed, "its request has been going on for long")
	require.Equal(t, 4, *closed)

	// What was closed comes to its end, and is not counted again.
	for _, l := range []*line{idle, fresh, busy} {
		changed(l, http.StateIdle)
		changed(l, http.StateClosed)
	}
	changed(fourth, http.StateHijacked) // a WebSocket
	seventh := open()
	require.False(t, fourth.closed || fifth.closed || sixth.closed || seventh.closed, "there are three")
	changed(seventh, http.StateClosed)
	require.False(t, open().closed || sixth.closed)
}

// A client comes through however many connections others hold open.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const limit = 20
	d := newDoor(t, httpapi.New(options()), httpapi.ServerOptions{MaxConnections: limit})
	var held []*net.TCPConn
	for i := range 5 * limit {
		conn := d.dial(t)
		if i%2 == 0 {
			_, err := io.WriteString(conn, push)
			require.NoError(t, err)
		}
		held = append(held, conn)
		if i%10 == 0 {
			require.Equal(t, []int{http.StatusOK}, d.exchange(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
		}
	}
	require.Equal(t, []int{http.StatusOK}, d.exchange(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
	for _, conn := range held[:4*limit] {
		_, err := conn.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is open still")
	}
	last := held[len(held)-2]
	_, err := io.WriteString(last, "Content-Length: 1\r\nConnection: close\r\n\r\n1")
	require.NoError(t, err)
	require.Equal(t, []int{http.StatusAccepted}, answers(t, last), "the last ones are kept")
}
