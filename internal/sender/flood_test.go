package sender_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

const (
	// crowd is how many attempts are under way at the same time, and perAttempt
	// what each of them may hold, the receiver in the same process included.
	crowd      = 64
	perAttempt = 512 << 10
)

// bomb is 256 MiB of zeros in 256 KiB.
var bomb = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	zeros := make([]byte, 1<<20)
	for range 256 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return out.Bytes()
})

// live is what is in use after everything that is not has been collected.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Not parallel: it is the memory of the whole process that is looked at.
func TestHostileReceiversDoNotFillTheMemory(t *testing.T) {
	flood := "X-Flood: " + strings.Repeat("x", 1000) + "\r\n"
	until := func(c *peerConn, piece string) {
		for c.say(piece) {
		}
	}
	slowly := func(c *peerConn, piece string) {
		tick := time.NewTicker(short / 20)
		defer tick.Stop()
		for range tick.C {
			if !c.say(piece) {
				return
			}
		}
	}
	const head = "HTTP/1.1 200 OK\r\n"
	_ = bomb()
	for name, f := range map[string]func(*peerConn){
		"an endless body": func(c *peerConn) { c.read(); c.say(head + "\r\n"); until(c, strings.Repeat("x", 1<<16)) },
		"endless chunks": func(c *peerConn) {
			c.read()
			c.say(head + "Transfer-Encoding: chunked\r\n\r\n")
			until(c, "1\r\nx\r\n")
		},
		"an endless chunk": func(c *peerConn) {
			c.read()
			c.say(head + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n")
			until(c, strings.Repeat("x", 1<<16))
		},
		"endless extensions": func(c *peerConn) {
			c.read()
			c.say(head + "Transfer-Encoding: chunked\r\n\r\n1;")
			until(c, strings.Repeat("x", 1<<12))
		},
		"endless trailers":     func(c *peerConn) { c.read(); c.say(head + "Transfer-Encoding: chunked\r\n\r\n0\r\n"); until(c, flood) },
		"an endless header":    func(c *peerConn) { c.read(); c.say(head); until(c, flood) },
		"one endless line":     func(c *peerConn) { c.read(); until(c, strings.Repeat("H", 1<<12)) },
		"interim answers":      func(c *peerConn) { c.read(); until(c, "HTTP/1.1 103 Early Hints\r\n"+flood+"\r\n") },
		"a byte at a time":     func(c *peerConn) { c.read(); c.say(head + "\r\n"); slowly(c, "x") },
		"a header at its pace": func(c *peerConn) { c.read(); c.say(head); slowly(c, "X: y\r\n") },
		"nothing":              func(c *peerConn) { c.untilGone() },
		"a bomb": func(c *peerConn) {
			c.read()
			c.say(fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", head, len(bomb()), bomb()))
		},
	} {
		t.Run(name, func(t *testing.T) { staysFlat(t, newPeer(t, f).URL) })
	}
	t.Run("a handshake that stalls", func(t *testing.T) {
		staysFlat(t, strings.Replace(newPeer(t, func(c *peerConn) { c.untilGone() }).URL, "http:", "https:", 1))
	})
	t.Run("an endless handshake", func(t *testing.T) {
		peer := newPeer(t, func(c *peerConn) { until(c, "\x16\x03\x03\x40\x00"+strings.Repeat("\x02\x00\xff\xff", 4096)) })
		staysFlat(t, strings.Replace(peer.URL, "http:", "https:", 1))
	})
	t.Run("an endless body over HTTP/2", func(t *testing.T) {
		srv := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 1<<16)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, func(s *httptest.Server) { s.EnableHTTP2 = true })
		staysFlat(t, srv.URL, trust(srv))
	})
}

// staysFlat sends a crowd of attempts, twice, and looks at the memory meanwhile.
func staysFlat(t *testing.T, url string, options ...func(*sender.Options)) {
	t.Helper()
	s := newSender(t, options...)
	defer s.Close()
	before, most := live(), uint64(0)
	began := time.Now()
	for range 2 {
		var wg sync.WaitGroup
		ended := make(chan struct{})
		for range crowd {
			wg.Go(func() {
				r := post(url)
				r.Timeout = short
				res := s.Send(t.Context(), r)
				if len(res.Body) > sender.MaxBody {
					t.Errorf("%d bytes were kept", len(res.Body))
				}
			})
		}
		go func() { wg.Wait(); close(ended) }()
		for going := true; going; {
			select {
			case <-ended:
				going = false
			case <-time.After(short / 5):
			}
			most = max(most, live())
		}
	}
	require.Less(t, time.Since(began), much, "it ends at the deadline")
	require.Less(t, int64(most)-int64(before), int64(crowd*perAttempt), "bytes beside %d before", before)
}

func TestABombIsKeptCompressed(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		for _, asked := range []string{"", "gzip"} {
			srv := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(bomb())
			}, func(s *httptest.Server) { s.EnableHTTP2 = h2 })
			r := post(srv.URL)
			if asked != "" {
				r.Headers = headers("Accept-Encoding", asked)
			}
			res := newSender(t, trust(srv)).Send(t.Context(), r)
			require.Equal(t, 200, res.Status, res.Class)
			require.Equal(t, bomb()[:sender.MaxBody], res.Body)
			require.True(t, res.BodyTruncated)
			require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
		}
	}
}

func TestAHeaderOverTheLimitIsNoAnswerOverHTTP2Either(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size int
		want sender.Class
	}{{60 << 10, ""}, {128 << 10, sender.Closed}, {2 << 20, sender.Closed}} {
		for name, value := range map[string]int{"one": test.size, "many": 1000} {
			srv := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
				for i := range test.size / value {
					w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", value-64))
				}
			}, func(s *httptest.Server) { s.EnableHTTP2 = true })
			res := newSender(t, trust(srv)).Send(t.Context(), post(srv.URL))
			require.Equal(t, test.want, res.Class, "%d bytes in %s", test.size, name)
			require.Equal(t, test.want == "", res.Status == 200)
		}
	}
}

// net/http goes on with a handshake when its attempt has given up; a receiver
// that stalls must not get many times as many sockets as there are attempts.
func TestHandshakesThatStallEndSoonAfterTheirAttempts(t *testing.T) {
	t.Parallel()
	const waves, attempts = 4, 50
	var open, most atomic.Int32
	peer := newPeer(t, func(c *peerConn) {
		n := open.Add(1)
		defer open.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		c.untilGone()
	})
	s := newSender(t)
	r := post(strings.Replace(peer.URL, "http:", "https:", 1))
	r.Timeout = short
	began := time.Now()
	for range waves {
		var wg sync.WaitGroup
		for range attempts {
			wg.Go(func() {
				if class := s.Send(t.Context(), r).Class; class != sender.Timeout {
					t.Errorf("class %q", class)
				}
			})
		}
		wg.Wait()
	}
	require.Eventually(t, func() bool { return open.Load() == 0 }, much, 10*time.Millisecond,
		"%d sockets are open %s after the first attempt", open.Load(), time.Since(began))
	require.LessOrEqual(t, most.Load(), int32(waves*attempts))
	require.Equal(t, int32(waves*attempts), peer.conns.Load())
}

// What is bounded is the time until somebody takes the connection: afterwards it
// may be kept and used for longer than the attempt that it was dialled for.
func TestAConnectionThatIsTakenHasNoEndAnyMore(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour)
	plain, secure := &deadlines{}, &deadlines{}
	c := sender.Bounded(plain, end)
	require.Equal(t, []time.Time{end}, plain.set)
	for range 2 {
		sender.Taken(c)
		require.Equal(t, []time.Time{end, {}}, plain.set, "once is enough")
	}
	sender.Taken(tls.Client(sender.Bounded(secure, end), &tls.Config{}))
	require.Equal(t, []time.Time{end, {}}, secure.set)
	never := &deadlines{}
	sender.Taken(sender.Bounded(never, time.Time{}))
	require.Empty(t, never.set)
}

// An answer on a kept connection comes after the end of the attempt for which it
// was dialled.
func TestAConnectionOutlivesTheAttemptThatItWasDialledFor(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprint("h2 ", h2), func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			srv := serveTLS(t, func(_ http.ResponseWriter, r *http.Request) {
				if n.Add(1) > 1 {
					select {
					case <-time.After(short + sender.DialBeyond + short):
					case <-r.Context().Done():
					}
				}
			}, func(s *httptest.Server) { s.EnableHTTP2 = h2 })
			s := newSender(t, trust(srv))
			r := post(srv.URL)
			r.Timeout = short
			for n.Load() == 0 { // a busy machine may need longer for the handshake
				s.Send(t.Context(), r)
			}
			r.Timeout = much
			res := s.Send(t.Context(), r)
			require.Equal(t, 200, res.Status, res.Class)
		})
	}
}

// deadlines is a connection that notes its deadlines.
type deadlines struct {
	net.Conn
	set []time.Time
}

func (d *deadlines) SetDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}
