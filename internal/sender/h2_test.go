package sender_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"datapusher/internal/sender"
)

// HTTP/2 lets a client repeat what the server says it has not processed, and
// net/http would. The server's word is no proof.
func TestHTTP2DoesNotSendAgain(t *testing.T) {
	t.Parallel()
	refusals := map[string]func(*http2.Framer, uint32) error{
		"refused stream": func(f *http2.Framer, id uint32) error { return f.WriteRSTStream(id, http2.ErrCodeRefusedStream) },
		"protocol error": func(f *http2.Framer, id uint32) error { return f.WriteRSTStream(id, http2.ErrCodeProtocol) },
		"going away":     func(f *http2.Framer, _ uint32) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) },
	}
	for shape, set := range shapes {
		for name, refuse := range refusals {
			t.Run(shape+" "+name, func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int32
				url, trusted := serveFrames(t, func(f *http2.Framer, id uint32) error {
					requests.Add(1)
					return refuse(f, id)
				})
				r := post(url)
				set(r)
				res := newSender(t, trusted).Send(t.Context(), r)
				require.Equal(t, sender.Closed, res.Class)
				require.Equal(t, int32(1), requests.Load())
			})
		}
	}
}

// serveFrames is an HTTP/2 server that calls f for the header of each request.
func serveFrames(t testing.TB, f func(*http2.Framer, uint32) error) (url string, trusted func(*sender.Options)) {
	t.Helper()
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS() // for its certificate
	t.Cleanup(cert.Close)
	config := &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}}
	peer := newPeer(t, func(c *peerConn) { talkFrames(tls.Server(c.Conn, config), f) })
	return "https" + peer.URL[len("http"):], trust(cert)
}

func talkFrames(c net.Conn, f func(*http2.Framer, uint32) error) {
	if _, err := io.CopyN(io.Discard, c, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	fr := http2.NewFramer(c, c)
	if fr.WriteSettings() != nil {
		return
	}
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return
		}
		if h, ok := frame.(*http2.HeadersFrame); ok && f(fr, h.StreamID) != nil {
			return
		}
	}
}
