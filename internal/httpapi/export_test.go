package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Listed is how many rows a list has at most.
const Listed = listed

// Served is every path with its methods, as openapi.json should name them.
func Served(o Options) map[string][]string {
	served := map[string][]string{}
	for _, r := range (&api{Options: o}).routes() {
		path := strings.TrimSuffix(r.pattern, "{$}")
		for method := range r.methods {
			served[path] = append(served[path], method)
		}
	}
	return served
}

// Limits are what tests set of Options; zero leaves the default.
type Limits struct {
	WrongAtOnce int
	MaxBodies   int64
	Now         func() time.Time
}

// Limited is options with other limits.
func (o Options) Limited(l Limits) Options {
	o.wrongAtOnce, o.maxBodies, o.now = l.WrongAtOnce, l.MaxBodies, l.Now
	return o
}

// WrongAtOnce, FirstRead and WrongAddresses are the limits of the same names.
const (
	WrongAtOnce    = wrongAtOnce
	WrongAddresses = wrongAddresses
	FirstRead      = firstRead
	BodyStep       = bodyStep
	SlowAfter      = slowAfter
)

// ClientOf is the address that a request comes from.
func ClientOf(trusted []netip.Prefix, r *http.Request) string {
	rec := &record{client: proxies(trusted).client(r)}
	return clientAddress(r.WithContext(withRecord(r.Context(), rec)))
}

// Neighbours are what an address is counted by.
func Neighbours(address string) string { return neighbours(netip.MustParseAddr(address)).String() }

// NewThrottle counts wrong credentials.
func NewThrottle(now func() time.Time) *throttle { return newThrottle(wrongAtOnce, now) }

func (t *throttle) Wrong(from netip.Addr) error { return t.wrong(from) }
func (t *throttle) Hot(from netip.Addr) bool    { return t.hot(from) }

// Counted is how many addresses are counted one by one.
func (t *throttle) Counted() int { return len(t.by.of) }

// NewConnections bounds connections.
func NewConnections(most int, now func() time.Time) (changed func(net.Conn, http.ConnState), closed *int) {
	closed = new(int)
	return newConnections(most, now, func() { *closed++ }).changed, closed
}
