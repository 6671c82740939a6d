package sender

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Bounds of the shared connections.
const (
	dialTimeout = 10 * time.Second // of connecting, and again of the handshake
	dialBeyond  = time.Second      // how long both may go on when their attempt has given up
	maxIdleHost = 512              // connections kept for one host, which may have many destinations
	maxIdle     = 2048             // connections kept

	// idleTimeout is shorter than the 5 s after which common servers (Node,
	// Apache, uvicorn) drop a kept connection: a request that meets the drop on
	// its way is a failed attempt, and nobody can tell whether it was received.
	idleTimeout = 4 * time.Second

	// pingAfter and pingTimeout find an HTTP/2 connection that died without a
	// word, on which every attempt would run into its deadline.
	pingAfter   = 5 * time.Second
	pingTimeout = 5 * time.Second

	// maxTries bounds how many kept connections may turn out to be closed before
	// an attempt gives up.
	maxTries = 4
)

// Options configure a [Sender]. The zero value is right for the public internet.
type Options struct {
	AllowCIDRs []netip.Prefix   // addresses that may be dialled though they are not public
	NAT64      []netip.Prefix   // see [GuardOptions]
	Own        *Own             // where the system itself is reached
	UserAgent  string           // default "datapusher"
	Now        func() time.Time // clock of webhook-timestamp and Result.Started; default time.Now
	Resolver   *net.Resolver    // default: the system's
	RootCAs    *x509.CertPool   // whom TLS trusts; default: the system's
}

// Sender sends. It is safe for concurrent use and keeps connections: make one
// and close it at the end. It does not bound how many attempts are under way,
// the caller does.
type Sender struct {
	userAgent string
	now       func() time.Time
	ways      *ways
}

// New makes a sender.
func New(o Options) *Sender {
	s := &Sender{userAgent: cmp.Or(o.UserAgent, "datapusher"), now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	guard := NewGuard(GuardOptions{Allow: o.AllowCIDRs, NAT64: o.NAT64, Own: o.Own})
	s.ways = newWays(guard, func(g *Guard) *way { return newWay(g, o.Resolver, o.RootCAs) })
	return s
}

// Close closes the connections that are kept. Attempts under way go on.
func (s *Sender) Close() { s.ways.close() }

// Send makes one attempt. It returns when the answer was read or the deadline
// has passed, and it has written the request to the network at most once.
func (s *Sender) Send(ctx context.Context, r *Request) Result {
	res := Result{Started: s.now()}
	t := &trace{start: time.Now()}
	m, class := s.Build(r)
	if class != "" {
		res.Class = class
		return res
	}
	res.Sent = m.Header
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	own, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	resp, err := s.ways.of(r.AllowCIDRs).roundTrip(t.context(withEnd(own)), t, &m)
	switch {
	case err != nil:
		res.Class = classify(ctx, own, t.snapshot(), err)
	case resp.StatusCode < 100: // net/http lets 000 pass, which is no status
		_ = resp.Body.Close()
		res.Class = Protocol
	default:
		res.Status, res.Header, res.RetryAfter = resp.StatusCode, resp.Header, resp.Header.Get("Retry-After")
		res.Body, res.BodyTruncated = keep(resp)
	}
	if res.Class == Blocked {
		return res // no timings: they would tell what the name resolved to
	}
	res.Total = time.Since(t.start)
	t.snapshot().split(&res)
	return res
}

// roundTrip sends a message once. It asks the transport directly: http.Client
// would add redirects, cookies and credentials.
func (w *way) roundTrip(ctx context.Context, t *trace, m *Message) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := w.transport.RoundTrip(m.request(ctx))
		if err == nil || ctx.Err() != nil || try == maxTries {
			return resp, err
		}
		if kept := t.snapshot().use; kept == nil || !kept.unsent() {
			return nil, err
		}
		t.again()
	}
}

// unstarted has what all requests have in common.
var unstarted = http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// request gives a message to net/http in the form that it does not send twice.
// It repeats a request, after it was written, where the body is nil (or NoBody)
// or GetBody can rewind it; a GET and whatever has an Idempotency-Key then goes
// out again when a connection breaks, and in HTTP/2 also on REFUSED_STREAM and
// GOAWAY. So the body is never nil and GetBody always is. net/http finds a GET's
// body to be empty and sends neither body nor Transfer-Encoding.
func (m *Message) request(ctx context.Context) *http.Request {
	q := unstarted.WithContext(ctx)
	q.Method, q.URL, q.Host, q.Header = m.Method, m.URL, m.URL.Host, m.Header
	q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(m.Body)), int64(len(m.Body))
	return q
}
