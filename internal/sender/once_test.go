package sender_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// shapes are the requests that net/http would send again of its own accord: a
// GET, and whatever carries an Idempotency-Key.
var shapes = map[string]func(*sender.Request){
	"POST":                    func(*sender.Request) {},
	"POST with Idempotency":   func(r *sender.Request) { r.Headers = headers("Idempotency-Key", "k") },
	"POST with X-Idempotency": func(r *sender.Request) { r.Headers = headers("x-idempotency-key", "k") },
	"GET":                     func(r *sender.Request) { r.Method = http.MethodGet },
	"GET with Idempotency":    func(r *sender.Request) { r.Method, r.Headers = http.MethodGet, headers("Idempotency-Key", "k") },
	"DELETE":                  func(r *sender.Request) { r.Method = http.MethodDelete },
	"PUT with Idempotency":    func(r *sender.Request) { r.Method, r.Headers = http.MethodPut, headers("Idempotency-Key", "k") },
}

// The receiver answers the first request of a connection, reads the second and
// dies: the kept connection is what tempts net/http to repeat.
func TestARequestThatMayHaveArrivedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	deaths := map[string]func(*peerConn){
		"closed": func(*peerConn) {},
		"reset":  func(c *peerConn) { _ = c.Conn.(*net.TCPConn).SetLinger(0) },
	}
	for shape, set := range shapes {
		for death, die := range deaths {
			t.Run(shape+" "+death, func(t *testing.T) {
				t.Parallel()
				peer := newPeer(t, func(c *peerConn) {
					c.read()
					c.say(ok)
					if c.read() != nil {
						die(c)
					}
				})
				s := newSender(t)
				r := post(peer.URL)
				set(r)
				require.Equal(t, 200, s.Send(t.Context(), r).Status)
				var reused bool
				res := s.Send(onConn(t.Context(), func(i httptrace.GotConnInfo) { reused = i.Reused }), r)
				require.True(t, reused, "the case needs a kept connection")
				require.Equal(t, sender.Closed, res.Class)
				require.Equal(t, int32(2), peer.requests.Load())
				require.Equal(t, int32(1), peer.conns.Load())
			})
		}
	}
}

// The receiver takes the first byte of the second request and dies, so that the
// header is not there in whole and net/http cannot have read an answer.
func TestARequestOfWhichAByteWasSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for shape, set := range shapes {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, func(c *peerConn) {
				c.read()
				c.say(ok)
				if _, err := c.in.ReadByte(); err == nil {
					_ = c.Conn.(*net.TCPConn).SetLinger(0)
				}
			})
			s := newSender(t)
			r := post(peer.URL)
			set(r)
			require.Equal(t, 200, s.Send(t.Context(), r).Status)
			require.Equal(t, sender.Closed, s.Send(t.Context(), r).Class)
			require.Equal(t, int32(1), peer.conns.Load())
		})
	}
}

// A kept connection is gone before the request is written: that nothing left is
// certain, so the attempt goes on with a fresh connection.
func TestARequestOfWhichNothingWasSentGoesOutOnAFreshConnection(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		for shape, set := range shapes {
			t.Run(fmt.Sprint(shape, " tls ", tls), func(t *testing.T) {
				t.Parallel()
				var requests, conns atomic.Int32
				srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
				srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
					if s == http.StateNew {
						conns.Add(1)
					}
				}
				if tls {
					srv.StartTLS()
				} else {
					srv.Start()
				}
				t.Cleanup(srv.Close)
				s := newSender(t, trust(srv))
				r := post(srv.URL)
				set(r)
				require.Equal(t, 200, s.Send(t.Context(), r).Status)
				res := s.Send(onConn(t.Context(), func(i httptrace.GotConnInfo) {
					if i.Reused {
						_ = i.Conn.Close()
					}
				}), r)
				require.Equal(t, 200, res.Status, res.Class)
				require.Positive(t, res.Connect, "the timings are those of the fresh connection")
				require.Equal(t, int32(2), requests.Load())
				require.Equal(t, int32(2), conns.Load())
			})
		}
	}
}

func TestAReceiverThatIsGoneAltogether(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) { c.read(); c.say(ok); c.untilGone() })
	s := newSender(t)
	require.Equal(t, 200, s.Send(t.Context(), post(peer.URL)).Status)
	res := s.Send(onConn(t.Context(), func(i httptrace.GotConnInfo) {
		_ = peer.listener.Close()
		_ = i.Conn.Close()
	}), post(peer.URL))
	require.Equal(t, sender.Connect, res.Class, "the fresh connection is what failed")
}

func TestAFreshConnectionThatFailsIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(*peerConn) {})
	s := newSender(t)
	for shape, set := range shapes {
		r := post(peer.URL)
		set(r)
		before := peer.conns.Load()
		require.Equal(t, sender.Closed, s.Send(t.Context(), r).Class, shape)
		require.Equal(t, before+1, peer.conns.Load(), shape)
	}
}

// A receiver that answers and closes without saying so races with every next
// request. Whoever wins, no event may arrive twice, and what is reported as
// delivered has arrived.
func TestAReceiverThatClosesKeptConnectionsNeverGetsAnEventTwice(t *testing.T) {
	t.Parallel()
	const events, senders = 400, 8
	var mu sync.Mutex
	got := map[string]int{}
	peer := newPeer(t, func(c *peerConn) {
		for range 3 {
			r := c.read()
			if r == nil {
				return
			}
			mu.Lock()
			got[r.Header.Get("Webhook-Id")]++
			mu.Unlock()
			c.say(ok)
		}
	})
	s := newSender(t)
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			for i := range events / senders {
				r := post(peer.URL)
				r.EventID = fmt.Sprintf("evt_%d_%d", n, i)
				r.Headers = headers("Idempotency-Key", "k")
				if i%2 == 0 {
					r.Method = http.MethodGet
				}
				res := s.Send(t.Context(), r)
				mu.Lock()
				arrived := got[r.EventID]
				mu.Unlock()
				if arrived > 1 || (res.Status == 200 && arrived != 1) {
					t.Errorf("%s: status %d, class %q, arrived %d times", r.EventID, res.Status, res.Class, arrived)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	for id, n := range got {
		require.Equal(t, 1, n, id)
	}
}
