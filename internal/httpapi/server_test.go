package httpapi_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
)

func TestTheServerIsBounded(t *testing.T) {
	t.Parallel()
	s := httpapi.NewServer(http.NotFoundHandler(), httpapi.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	require.Equal(t, 5*time.Second, s.ReadHeaderTimeout)
	require.Equal(t, 30*time.Second, s.ReadTimeout)
	require.Equal(t, time.Minute, s.WriteTimeout)
	require.Equal(t, 2*time.Minute, s.IdleTimeout)
	require.Equal(t, 64<<10, s.MaxHeaderBytes)
	require.NotNil(t, s.ErrorLog)
}

// door is a real server, and how many requests its handler has seen.
type door struct {
	address string
	seen    atomic.Int64
}

func newDoor(t testing.TB, handler http.Handler, o httpapi.ServerOptions) *door {
	t.Helper()
	d := &door{}
	o.Logger = slog.New(slog.DiscardHandler)
	s := httpapi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.seen.Add(1)
		handler.ServeHTTP(w, r)
	}), o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	served.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		served.Wait()
	})
	d.address = l.Addr().String()
	return d
}

// dial opens a connection that nothing waits for longer than a minute.
func (d *door) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", d.address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// exchange sends bytes and nothing behind them, and gives the statuses of all
// answers until the server closes.
func (d *door) exchange(t testing.TB, message string) (statuses []int) {
	t.Helper()
	conn := d.dial(t)
	// A server that has answered early may close before it has read everything.
	_, _ = io.WriteString(conn, message)
	_ = conn.CloseWrite()
	return answers(t, conn)
}

// answers reads answers until the server closes.
func answers(t testing.TB, conn net.Conn) (statuses []int) {
	t.Helper()
	from := bufio.NewReader(conn)
	for {
		if _, err := from.Peek(1); err != nil {
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server keeps the connection")
			return statuses
		}
		resp, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
}

const push = "POST /server/incoming_data HTTP/1.1\r\nHost: x\r\nCL-X-TOKEN: jane\r\n"

// What a request's line and headers have room for: a query string as long as the
// seed's clients may send fits.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	d := newDoor(t, httpapi.New(options()), httpapi.ServerOptions{})
	query := func(size int) string {
		return "GET /server/incoming_data?data=%22" + strings.Repeat("x", size) + "%22 HTTP/1.1\r\nHost: x\r\nCL-X-TOKEN: jane\r\n\r\n"
	}
	for _, tt := range []struct {
		name    string
		message string
		want    int
	}{
		{"a long query", query(60 << 10), http.StatusOK},
		{"a longer one", query(80 << 10), http.StatusRequestHeaderFieldsTooLarge},
		{"a method without an end", strings.Repeat("A", 80<<10), http.StatusRequestHeaderFieldsTooLarge},
		{"a long header", push + "X: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"a long name", push + strings.Repeat("x", 80<<10) + ": x\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"many headers", push + strings.Repeat("X: x\r\n", 1000) + "Content-Length: 1\r\n\r\n1", http.StatusAccepted},
		{"too many headers", push + strings.Repeat("X: x\r\n", 20_000) + "Content-Length: 1\r\n\r\n1", http.StatusRequestHeaderFieldsTooLarge},
		{"headers without an end", push + strings.Repeat("X: x\r\n ", 20_000), http.StatusRequestHeaderFieldsTooLarge},
	} {
		require.Equal(t, []int{tt.want}, d.exchange(t, tt.message), tt.name)
	}
}

const short = 150 * time.Millisecond

func TestSlowHeadersAreCutOff(t *testing.T) {
	t.Parallel()
	d := newDoor(t, httpapi.New(options()), httpapi.ServerOptions{Timeouts: httpapi.Timeouts{Headers: short}})
	for _, begun := range []string{"", "P", push, push + "X: "} {
		conn := d.dial(t)
		_, err := io.WriteString(conn, begun)
		require.NoError(t, err)
		require.Subset(t, []int{http.StatusBadRequest}, answers(t, conn), "%q", begun) // or no answer at all
	}
	dripping := d.dial(t)
	go drip(dripping, push, 'x')
	require.Subset(t, []int{http.StatusBadRequest}, answers(t, dripping), "byte by byte")
	require.Zero(t, d.seen.Load())
}

// drip sends a text and a byte from time to time, until the other side closes.
func drip(conn net.Conn, begun string, more byte) {
	_, err := io.WriteString(conn, begun)
	tick := time.NewTicker(short / 10)
	defer tick.Stop()
	for err == nil {
		<-tick.C
		_, err = conn.Write([]byte{more})
	}
}

func TestSlowBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	var taken atomic.Int64
	o := options()
	o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) {
		taken.Add(1)
		return ingest.Receipt{}, nil
	})
	d := newDoor(t, httpapi.New(o), httpapi.ServerOptions{Timeouts: httpapi.Timeouts{Request: short}})
	for _, begun := range []string{
		push + "Content-Length: 1000\r\n\r\n[", push + "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n",
		"POST /server/incoming_data HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", // the seed's form
		"POST /account/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	} {
		conn := d.dial(t)
		_, err := io.WriteString(conn, begun)
		require.NoError(t, err)
		require.Equal(t, []int{http.StatusBadRequest}, answers(t, conn), "%q", begun)
	}
	dripping := d.dial(t)
	go drip(dripping, push+"Content-Length: 100000\r\n\r\n", ' ')
	require.Equal(t, []int{http.StatusBadRequest}, answers(t, dripping), "byte by byte")
	require.Zero(t, taken.Load())
}

// A client that does not read its answer is given up.
func TestSlowReadersAreCutOff(t *testing.T) {
	t.Parallel()
	o := options()
	failed := make(chan error, 1)
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := w.Write(chunk); err != nil {
				failed <- err
				return
			}
		}
	})
	d := newDoor(t, httpapi.New(o), httpapi.ServerOptions{Timeouts: httpapi.Timeouts{Answer: short}})
	_, err := io.WriteString(d.dial(t), "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n")
	require.NoError(t, err)
	require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	d := newDoor(t, httpapi.New(options()), httpapi.ServerOptions{Timeouts: httpapi.Timeouts{Idle: short, Headers: short}})
	for _, behind := range []string{"", "\r\n", "P", push} {
		conn := d.dial(t)
		_, err := io.WriteString(conn, push+"Content-Length: 1\r\n\r\n1"+behind)
		require.NoError(t, err)
		require.Equal(t, []int{http.StatusAccepted}, answers(t, conn), "%q", behind)
	}
}
