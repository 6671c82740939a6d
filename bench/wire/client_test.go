package wire_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/bench/wire"
)

func dial(t testing.TB, address string) *wire.Client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	client := wire.NewClient(c)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClientSpeaksToNetHTTP(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("large", 100_000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		switch r.URL.Path {
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			return
		case "/large":
			_, _ = io.WriteString(w, large)
			return
		case "/close":
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	c := dial(t, s.Listener.Addr().String())
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 503, "abc"}, {"/early", 503, "abc"}, {"/none", 204, ""}, {"/large", 200, large}, {"/", 503, "abc"}, {"/close", 503, "abc"},
	} {
		a, err := c.Do([]byte("POST " + want.path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"))
		require.NoError(t, err, want.path)
		require.Equal(t, want.status, a.Status, want.path)
		require.Equal(t, want.body, string(a.Body), want.path)
		require.Equal(t, "7", string(a.Header("retry-after")), want.path)
		require.Equal(t, want.path == "/close", a.Close, want.path)
	}
}

// answer is what a client makes of an answer after which the server hangs up.
func answer(t *testing.T, text string) (*wire.Response, error) {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.ReadFull(c, make([]byte, len(ask)))
		_, _ = io.WriteString(c, text)
	}()
	return dial(t, l.Addr().String()).Do([]byte(ask))
}

const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestClientReadsToTheEnd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\n\r\nabc", "HTTP/1.1 200\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	} {
		a, err := answer(t, text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "abc", string(a.Body), "%q", text)
		require.True(t, a.Close, "%q", text)
	}
}

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":              io.EOF,
		"HTTP/1.1 200 ": io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc":                    io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n":  io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n": wire.ErrMalformed,
		"HTTP/1.1 abc\r\n\r\n":                 wire.ErrMalformed,
		"HTTP/1.1 101 Switching\r\n\r\n":       wire.ErrMalformed,
		"SSH-2.0\r\n\r\n":                      wire.ErrMalformed,
		"HTTP/1.1 200 OK\r\n: no name\r\n\r\n": wire.ErrMalformed,
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n": wire.ErrTooLarge,
	} {
		_, err := answer(t, text)
		require.ErrorIs(t, err, want, "%.60q", text)
	}
}
