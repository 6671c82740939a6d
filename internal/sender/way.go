package sender

import (
	"container/list"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// way is a way out: a guard, and the connections that it let through. Whoever
// has other networks of their own has another way, because net/http gives a
// kept connection, or one that is being dialled, to any request for the same
// host, and asks no guard about it.
type way struct {
	guard     *Guard
	dialer    net.Dialer
	transport http.Transport
}

func newWay(g *Guard, resolver *net.Resolver, roots *x509.CertPool) *way {
	w := &way{guard: g}
	w.dialer = net.Dialer{Timeout: dialTimeout, Resolver: resolver, Control: g.Control}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true) // over TLS alone
	w.transport = http.Transport{
		Proxy:       nil, // a proxy would dial in our place, past the guard
		DialContext: w.dial,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            roots,
			ClientSessionCache: tls.NewLRUClientSessionCache(maxIdle),
		},
		TLSHandshakeTimeout:    dialTimeout,
		DisableCompression:     true, // bodies are kept as they come: no bomb goes off
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdleHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	return w
}

// dial makes a connection. The guard sees every address in Control; a literal
// one is judged here already, so that the answer does not depend on whether
// this machine has that family of addresses.
//
// net/http goes on dialling when the attempt that it dials for has ended, for
// somebody else may take the connection. Against receivers that stall that would
// be many times as many sockets as attempts, so the attempt's end bounds the
// dial, and a handshake by the connection's own deadline.
func (w *way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if to, err := netip.ParseAddrPort(address); err == nil {
		if err := w.guard.CheckAddrPort(to); err != nil {
			return nil, err
		}
	}
	end := endOf(ctx)
	if !end.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		ctx = bounded
	}
	c, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	counted := &countedConn{Conn: c}
	counted.bound(end)
	return counted, nil
}

type endKey struct{}

// withEnd notes in a context when what is dialled for it has to be connected:
// net/http detaches dials from the deadline, and keeps the values.
func withEnd(ctx context.Context) context.Context {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, endKey{}, end.Add(dialBeyond))
}

func endOf(ctx context.Context) time.Time {
	end, _ := ctx.Value(endKey{}).(time.Time)
	return end
}

// maxWays bounds the ways of accounts with networks of their own. One that is
// dropped loses the connections that it has kept, and no more.
const maxWays = 64

// ways has a way for each set of networks. Nearly all attempts take the common one.
type ways struct {
	guard  *Guard
	make   func(*Guard) *way
	common *way

	mu     sync.Mutex
	by     map[string]*list.Element // of ownWay
	recent *list.List               // the one that was taken last is first
}

type ownWay struct {
	key string
	way *way
}

func newWays(g *Guard, f func(*Guard) *way) *ways {
	return &ways{guard: g, make: f, common: f(g), by: make(map[string]*list.Element), recent: list.New()}
}

// of is the way of an account with those networks of its own.
func (w *ways) of(allow []netip.Prefix) *way {
	if len(allow) == 0 {
		return w.common
	}
	key := keyOf(allow)
	w.mu.Lock()
	defer w.mu.Unlock()
	if e, ok := w.by[key]; ok {
		w.recent.MoveToFront(e)
		return e.Value.(*ownWay).way
	}
	made := &ownWay{key: key, way: w.make(w.guard.With(allow))}
	w.by[key] = w.recent.PushFront(made)
	if w.recent.Len() > maxWays {
		oldest := w.recent.Remove(w.recent.Back()).(*ownWay)
		delete(w.by, oldest.key)
		oldest.way.transport.CloseIdleConnections()
	}
	return made.way
}

// keyOf names a set; the same networks in another order only cost another way.
func keyOf(allow []netip.Prefix) string {
	var key strings.Builder
	for _, p := range allow {
		key.WriteString(p.String())
		key.WriteByte(',')
	}
	return key.String()
}

func (w *ways) close() {
	w.common.transport.CloseIdleConnections()
	w.mu.Lock()
	defer w.mu.Unlock()
	for e := w.recent.Front(); e != nil; e = e.Next() {
		e.Value.(*ownWay).way.transport.CloseIdleConnections()
	}
}
