package sender_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// short is a deadline that a test waits for; much is more than a busy machine
// may be late by.
const (
	short = 150 * time.Millisecond
	much  = 8 * time.Second
)

func sendShort(t testing.TB, url string) sender.Result {
	t.Helper()
	r := post(url)
	r.Timeout = short
	return newSender(t).Send(t.Context(), r)
}

func TestAReceiverThatNeverAnswers(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*peerConn){
		"silent":               func(c *peerConn) { c.untilGone() },
		"half a status line":   func(c *peerConn) { c.read(); c.say("HTTP/1.1 20"); c.untilGone() },
		"half a header":        func(c *peerConn) { c.read(); c.say("HTTP/1.1 200 OK\r\nX-A: b\r\n"); c.untilGone() },
		"only interim answers": func(c *peerConn) { c.read(); c.say("HTTP/1.1 103 Early Hints\r\n\r\n"); c.untilGone() },
		"a byte at a time": func(c *peerConn) {
			tick := time.NewTicker(short / 20)
			defer tick.Stop()
			c.read()
			c.say("HTTP/1.1 200 OK\r\nX-A: ")
			for range tick.C {
				if !c.say("a") {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := sendShort(t, newPeer(t, f).URL)
			require.Equal(t, sender.Timeout, res.Class)
			require.Zero(t, res.Status)
			require.GreaterOrEqual(t, res.Total, short)
			require.Less(t, res.Total, much)
		})
	}
}

func TestAReceiverThatStallsBeforeHTTP(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) { c.untilGone() })
	res := sendShort(t, strings.Replace(peer.URL, "http:", "https:", 1))
	require.Equal(t, sender.Timeout, res.Class)
	require.Positive(t, res.TLS, "the time went into the handshake")
}

func TestAReceiverThatDoesNotRead(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	peer := newPeer(t, func(*peerConn) { <-hold })
	t.Cleanup(func() { close(hold) }) // runs before the peer's own cleanup
	r := post(peer.URL)
	r.Timeout, r.Payload = short, []byte(`"`+strings.Repeat("x", 32<<20)+`"`)
	require.Equal(t, sender.Timeout, newSender(t).Send(t.Context(), r).Class)
}

// The status has come; what happens to the body no longer matters.
func TestABodyThatDoesNotEndWell(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	endless := func(c *peerConn) {
		chunk := strings.Repeat("x", 1<<16)
		for c.say(chunk) {
		}
	}
	tests := map[string]struct {
		serve func(*peerConn)
		want  string
	}{
		"endless":        {func(c *peerConn) { c.read(); c.say(head + "\r\n"); endless(c) }, strings.Repeat("x", sender.MaxBody)},
		"endless length": {func(c *peerConn) { c.read(); c.say(head + "Content-Length: 99999999999\r\n\r\n"); endless(c) }, strings.Repeat("x", sender.MaxBody)},
		"stalled":        {func(c *peerConn) { c.read(); c.say(head + "Content-Length: 9\r\n\r\nabc"); c.untilGone() }, "abc"},
		"cut off":        {func(c *peerConn) { c.read(); c.say(head + "Content-Length: 9\r\n\r\nabc") }, "abc"},
		"broken chunk":   {func(c *peerConn) { c.read(); c.say(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n") }, "abc"},
		"half a chunk":   {func(c *peerConn) { c.read(); c.say(head + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc") }, "abc"},
		"reset": {func(c *peerConn) {
			c.read()
			c.say(head + "Content-Length: 9\r\n\r\n")
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
		}, ""},
		"no length at all": {func(c *peerConn) { c.read(); c.say(head + "\r\nabc"); c.untilGone() }, "abc"},
		"another protocol": {func(c *peerConn) {
			c.read()
			c.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nabc")
			c.untilGone()
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := sendShort(t, newPeer(t, test.serve).URL)
			require.Equal(t, sender.Class(""), res.Class)
			require.Contains(t, []int{200, 101}, res.Status)
			require.Equal(t, test.want, string(res.Body))
			require.True(t, res.BodyTruncated)
			require.Less(t, res.Total, much)
		})
	}
}

func TestABodyAByteAtATimeEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) {
		tick := time.NewTicker(short / 20)
		defer tick.Stop()
		c.read()
		c.say("HTTP/1.1 200 OK\r\n\r\n")
		for range tick.C {
			if !c.say("a") {
				return
			}
		}
	})
	res := sendShort(t, peer.URL)
	require.Equal(t, 200, res.Status)
	require.True(t, res.BodyTruncated)
	require.NotEmpty(t, res.Body)
	require.GreaterOrEqual(t, res.Total, short)
	require.Less(t, res.Total, much)
}

func TestABodyIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not UTF-8": "\xff\xfe\x00\x80", "gzip": "\x1f\x8b\x08\x00\x00\x00", "HTML": "<script>alert(1)</script>",
		"as much as is kept": strings.Repeat("y", sender.MaxBody),
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, body)
		})
		res := newSender(t).Send(t.Context(), post(srv.URL))
		require.Equal(t, body, string(res.Body), name)
		require.False(t, res.BodyTruncated, name)
	}
}

func TestAConnectionIsKeptWhereTheRestOfTheBodyIsSmall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size  int
		conns int32
	}{{0, 1}, {100, 1}, {sender.MaxBody, 1}, {sender.MaxBody + 1, 1}, {200 << 10, 1}, {2 << 20, 3}} {
		for _, length := range []string{"known", "unknown"} {
			body := strings.Repeat("x", test.size)
			peer := newPeer(t, func(c *peerConn) {
				for c.read() != nil {
					if length == "known" {
						c.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(test.size) + "\r\n\r\n" + body)
					} else {
						c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
						if body != "" {
							c.say(strconv.FormatInt(int64(test.size), 16) + "\r\n" + body + "\r\n")
						}
						c.say("0\r\n\r\n")
					}
				}
			})
			s := newSender(t)
			for range 3 {
				res := s.Send(t.Context(), post(peer.URL))
				require.Equal(t, 200, res.Status)
				require.Len(t, res.Body, min(test.size, sender.MaxBody))
				require.Equal(t, test.size > sender.MaxBody, res.BodyTruncated)
			}
			require.Equal(t, test.conns, peer.conns.Load(), "%d bytes, length %s", test.size, length)
		}
	}
}

// Where the length already says that the connection will not be kept, nobody
// waits for the rest.
func TestALongBodyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) {
		c.read()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", sender.MaxBody+1))
		c.untilGone()
	})
	r := post(peer.URL)
	res := newSender(t).Send(t.Context(), r)
	require.Equal(t, 200, res.Status)
	require.True(t, res.BodyTruncated)
	require.Less(t, res.Total, r.Timeout)
}

func TestWhatIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	flood := "X-Flood: " + strings.Repeat("x", 1000) + "\r\n"
	tests := map[string]struct {
		answer string
		want   sender.Class
	}{
		"nothing":            {"", sender.Closed},
		"half a status line": {"HTTP/1.1 2", sender.Protocol},
		"half a header":      {"HTTP/1.1 200 OK\r\nX-A: b\r\n", sender.Closed},
		"not HTTP":           {"SSH-2.0-OpenSSH_9.2\r\n\r\n", sender.Protocol},
		"no number":          {"HTTP/1.1 abc OK\r\n\r\n", sender.Protocol},
		"status 000":         {"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", sender.Protocol},
		"status 099":         {"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", sender.Protocol},
		"negative":           {"HTTP/1.1 -20 OK\r\n\r\n", sender.Protocol},
		"no colon":           {"HTTP/1.1 200 OK\r\nbroken\r\n\r\n", sender.Protocol},
		"two lengths":        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", sender.Protocol},
		"header flood":       {"HTTP/1.1 200 OK\r\n" + strings.Repeat(flood, 100) + "\r\n", sender.Protocol},
		"one long header":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", sender.Protocol},
		"interim flood":      {strings.Repeat("HTTP/1.1 103 Early Hints\r\n"+flood+"\r\n", 200), sender.Protocol},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, func(c *peerConn) { c.read(); c.say(test.answer) })
			res := newSender(t).Send(t.Context(), post(peer.URL))
			require.Equal(t, test.want, res.Class)
			require.Zero(t, res.Status)
			require.Empty(t, res.Header)
			require.False(t, res.Class.Permanent())
			require.Equal(t, int32(1), peer.requests.Load())
		})
	}
}

func TestAHeaderWithinTheLimitIsKept(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) {
		c.read()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + strings.Repeat("x", 60<<10) + "\r\n\r\n")
	})
	res := newSender(t).Send(t.Context(), post(peer.URL))
	require.Equal(t, 200, res.Status)
	require.Len(t, res.Header.Get("X"), 60<<10)
}

func TestAConnectionThatIsReset(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) { c.read(); _ = c.Conn.(*net.TCPConn).SetLinger(0) })
	res := newSender(t).Send(t.Context(), post(peer.URL))
	require.Equal(t, sender.Closed, res.Class)
	require.False(t, res.Class.OurSide())
	require.Equal(t, int32(1), peer.requests.Load())
}

func TestAPortWhereNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	res := newSender(t).Send(t.Context(), post("http://"+l.Addr().String()))
	require.Equal(t, sender.Connect, res.Class)
	require.Positive(t, res.Connect)
	require.Positive(t, res.Total)
}

func TestACallerThatGivesUpIsNotTheReceiversFault(t *testing.T) {
	t.Parallel()
	got := make(chan struct{})
	peer := newPeer(t, func(c *peerConn) { c.read(); close(got); c.untilGone() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	res := newSender(t).Send(ctx, post(peer.URL))
	require.Equal(t, sender.Canceled, res.Class)
	require.True(t, res.Class.OurSide())
	require.Equal(t, sender.Canceled, newSender(t).Send(ctx, post(peer.URL)).Class, "before anything was sent")

	ctx, cancel = context.WithTimeout(t.Context(), short)
	defer cancel()
	peer = newPeer(t, func(c *peerConn) { c.untilGone() })
	require.Equal(t, sender.Canceled, newSender(t).Send(ctx, post(peer.URL)).Class, "the caller's deadline is not the attempt's")
}
