package httpapi

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of the proxies in front of us, whose word counts.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// client is the address that a request comes from: that of the connection,
// unless a trusted proxy has made it. Then it is the rightmost entry of
// X-Forwarded-For that is no trusted proxy, since each proxy appends whom it
// heard the request from, and what stands further left may be made up. An entry
// that is no address ends the walk at the last one that was.
//
// The header Forwarded (RFC 7239) is not read: a proxy appends to one of the two
// and lets through what a caller has written into the other.
//
// It is the zero address where the connection has none, such as a Unix socket.
func (p proxies) client(r *http.Request) netip.Addr {
	at, _ := parseHop(r.RemoteAddr)
	at = at.WithZone("") // it names an interface of ours
	if len(p) == 0 {
		return at
	}
	for hop := range hops(r.Header) {
		if !p.trust(at) {
			return at
		}
		next, ok := parseHop(hop)
		if !ok || next.Zone() != "" {
			return at
		}
		at = next
	}
	return at
}

// hops are the entries of X-Forwarded-For, the last one first.
func hops(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range slices.Backward(h.Values("X-Forwarded-For")) {
			for more := true; more; {
				comma := strings.LastIndexByte(line, ',')
				if !yield(strings.Trim(line[comma+1:], " \t")) {
					return
				}
				if more = comma >= 0; more {
					line = line[:comma]
				}
			}
		}
	}
}

// parseHop reads an address, with or without a port: some proxies add one.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap(), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap(), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			a, err := netip.ParseAddr(inner)
			return a.Unmap(), err == nil && a.Is6()
		}
	}
	return netip.Addr{}, false
}

// clientAddress is the address that a request comes from, as text; "" where it
// has none. See proxies.client.
func clientAddress(r *http.Request) string { return recordOf(r).address() }

// address is the client's, as text; "" where it has none.
func (rec *record) address() string {
	if rec.client.IsValid() {
		return rec.client.String()
	}
	return ""
}

// neighbours are those who share a fate with an address: itself alone, or in IPv6
// its /64, which is what one customer gets at least.
func neighbours(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero prefix for the zero address
	return p
}
