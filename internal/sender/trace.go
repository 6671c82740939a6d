package sender

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

// progress is how far an attempt has come, and when, counted from its start.
// Zero means that it has not come that far.
type progress struct {
	dnsStart, dnsDone         time.Duration
	connectStart, connectDone time.Duration
	tlsStart, tlsDone         time.Duration
	connAt, firstByteAt       time.Duration

	gotConn, reused, firstByte, tlsFailed bool

	use *use // of a reused connection, where it can be watched
}

// trace notes an attempt's progress. Addresses are dialled side by side, and
// net/http goes on dialling after an attempt has ended: hence the lock, and
// hence no reuse of a trace.
type trace struct {
	mu    sync.Mutex
	start time.Time
	progress
}

func (t *trace) note(f func(at time.Duration)) {
	at := max(time.Since(t.start), 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	f(at)
}

func (t *trace) snapshot() progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.progress
}

// again forgets a connection on which nothing was sent.
func (t *trace) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress = progress{}
}

// context gives a context through which net/http tells the trace. Of several
// connections that are tried, the time runs from the first start to the last end.
func (t *trace) context(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) {
			t.note(func(at time.Duration) { t.dnsStart = at })
		},
		DNSDone: func(httptrace.DNSDoneInfo) {
			t.note(func(at time.Duration) { t.dnsDone = at })
		},
		ConnectStart: func(string, string) {
			t.note(func(at time.Duration) {
				if t.connectStart == 0 {
					t.connectStart = at
				}
			})
		},
		ConnectDone: func(string, string, error) {
			t.note(func(at time.Duration) { t.connectDone = at })
		},
		TLSHandshakeStart: func() {
			t.note(func(at time.Duration) { t.tlsStart = at })
		},
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			t.note(func(at time.Duration) { t.tlsDone, t.tlsFailed = at, err != nil })
		},
		GotConn: func(info httptrace.GotConnInfo) {
			taken(info.Conn)
			var watched *use
			if info.Reused {
				watched = useOf(info.Conn)
			}
			t.note(func(at time.Duration) {
				t.connAt, t.gotConn, t.reused, t.use = at, true, info.Reused, watched
			})
		},
		GotFirstResponseByte: func() {
			t.note(func(at time.Duration) { t.firstByteAt, t.firstByte = at, true })
		},
	})
}

// split says where the time went, as [Result] describes it. A phase that was
// begun and not ended took the rest of the attempt.
func (p progress) split(r *Result) {
	if !p.reused {
		r.DNS = p.between(p.dnsStart, p.dnsDone, r.Total)
		r.Connect = p.between(p.connectStart, p.connectDone, r.Total)
		r.TLS = p.between(p.tlsStart, p.tlsDone, r.Total)
	}
	r.FirstByte = p.between(p.connAt, p.firstByteAt, r.Total)
}

func (progress) between(start, end, total time.Duration) time.Duration {
	switch {
	case start == 0:
		return 0
	case end == 0:
		return max(total-start, 0)
	}
	return max(end-start, 0)
}
