package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/wire"
)

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// serve starts a server, and gives its address.
func serve(t testing.TB, h wire.Handler) string {
	t.Helper()
	l := listen(t)
	s := wire.Serve(l, func(<-chan struct{}) wire.Handler { return h })
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return l.Addr().String()
}

// echo answers with what a request was.
func echo(r *wire.Request) *wire.Answer {
	b := append([]byte{}, r.Method...)
	b = append(append(b, ' '), r.Target...)
	b = append(append(b, ' '), r.Header("X-NAME")...)
	return wire.NewAnswer(http.StatusAccepted, append(append(b, ' '), r.Body...), "X-Own: yes")
}

func TestServerSpeaksToNetHTTP(t *testing.T) {
	t.Parallel()
	address := serve(t, echo)
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	t.Cleanup(client.CloseIdleConnections)
	large := strings.Repeat("large", 100_000)
	for name, c := range map[string]struct {
		method string
		body   io.Reader
		set    func(*http.Request)
		want   string
	}{
		"length":   {"POST", strings.NewReader("abc"), nil, "POST /a?b=c n abc"},
		"chunked":  {"PUT", io.MultiReader(strings.NewReader("ab"), strings.NewReader(large)), nil, "PUT /a?b=c n ab" + large},
		"large":    {"POST", strings.NewReader(large), nil, "POST /a?b=c n " + large},
		"no body":  {"GET", nil, nil, "GET /a?b=c n "},
		"head":     {"HEAD", nil, nil, ""},
		"close":    {"POST", strings.NewReader("abc"), func(r *http.Request) { r.Close = true }, "POST /a?b=c n abc"},
		"continue": {"POST", strings.NewReader("abc"), func(r *http.Request) { r.Header.Set("Expect", "100-continue") }, "POST /a?b=c n abc"},
	} {
		for range 3 { // the second and third time on a connection that was used
			r, err := http.NewRequest(c.method, "http://"+address+"/a?b=c", c.body)
			require.NoError(t, err)
			r.Header.Set("X-Name", "n")
			if c.set != nil {
				c.set(r)
			}
			a, err := client.Do(r)
			require.NoError(t, err, name)
			body, err := io.ReadAll(a.Body)
			require.NoError(t, err, name)
			require.NoError(t, a.Body.Close())
			require.Equal(t, http.StatusAccepted, a.StatusCode, name)
			require.Equal(t, "yes", a.Header.Get("X-Own"), name)
			require.Equal(t, name == "close", a.Close, name)
			require.Equal(t, c.want, string(body), name)
			if s, ok := c.body.(io.Seeker); ok {
				_, _ = s.Seek(0, io.SeekStart)
			} else if c.body != nil {
				break // it has been read
			}
		}
	}
}

// talk writes to a server and reads until it hangs up.
func talk(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	for _, b := range []byte(text) { // in pieces, as a network may
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(got)
}

func TestServerReadsWhatComesInPieces(t *testing.T) {
	t.Parallel()
	got := talk(t, serve(t, echo), "\r\nPOST /1 HTTP/1.1\r\nx-NAME:\t n \r\ncontent-length: 2\r\n\r\nab"+
		"POST /2 HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nConnection: x, Close\r\n\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
	r := bufio.NewReader(strings.NewReader(got))
	for _, want := range []string{"POST /1 n ab", "POST /2  0123456789"} {
		a, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(a.Body)
		require.NoError(t, err)
		require.Equal(t, want, string(body))
	}
}

func TestHeadGetsNoBody(t *testing.T) {
	t.Parallel()
	got := talk(t, serve(t, echo), "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")
	first, rest, _ := strings.Cut(got, "\r\n\r\n")
	require.Contains(t, first, "Content-Length: 9")
	require.True(t, strings.HasPrefix(rest, "HTTP/1.1 202 "), "%q", got)
}

func TestServerHangsUp(t *testing.T) {
	t.Parallel()
	address := serve(t, echo)
	for text, status := range map[string]string{
		"GET /\r\n\r\n":                                                     "400 Bad Request",
		"GET / HTTP/2.0\r\n\r\n":                                            "400 Bad Request",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n":                                "400 Bad Request",
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n":                      "400 Bad Request",
		"GET / HTTP/1.1\r\nContent-Length: 1a\r\n\r\n":                      "400 Bad Request",
		"GET / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n":                    "400 Bad Request",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n":        "400 Bad Request",
		"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n":            "413 Request Entity Too Large",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n": "413 Request Entity Too Large",
		"GET / HTTP/1.0\r\n\r\n":                                            "202 Accepted",
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n":                       "202 Accepted",
	} {
		got := talk(t, address, text)
		require.True(t, strings.HasPrefix(got, "HTTP/1.1 "+status+"\r\n"), "%q: %q", text, got)
		require.Contains(t, got, "\r\nConnection: close\r\n", "%q", text)
	}
}

func TestCloseEndsThoseThatWait(t *testing.T) {
	t.Parallel()
	l := listen(t)
	called := make(chan struct{})
	s := wire.Serve(l, func(done <-chan struct{}) wire.Handler {
		return func(r *wire.Request) *wire.Answer {
			called <- struct{}{}
			if bytes.Equal(r.Target, []byte("/wait")) {
				<-done
			}
			return nil
		}
	})
	for _, path := range []string{"/wait", "/never"} {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\n\r\n")
		require.NoError(t, err)
		<-called
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded) // neither an answer nor the end
	}
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
}
