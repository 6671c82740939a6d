package ingest_test

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a client and its Postgres.
type proxy struct {
	url string // of the database, through the proxy
	// swallow has the next bytes from the server lost, and their connection cut.
	swallow atomic.Bool
}

func newProxy(t testing.TB, database string) *proxy {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u.Host = l.Addr().String()
	p := &proxy{url: u.String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			wg.Go(func() { p.copy(upstream, client, false) })
			wg.Go(func() { p.copy(client, upstream, true) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait() // the client's connections are closed by then
	})
	return p
}

func (p *proxy) copy(to, from net.Conn, fromServer bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && fromServer && p.swallow.CompareAndSwap(true, false) {
			return
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}
