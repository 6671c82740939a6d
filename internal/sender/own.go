package sender

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// peerTTL is how long it is believed what a peer's name resolves to.
	peerTTL = 30 * time.Second
	// peerPatience bounds how long finding that out may hold up a dial.
	peerPatience = time.Second
)

// Own is where the system itself is reached: what it listens on, and the servers
// that it works with. No delivery goes there, whatever is allowed: an account
// would read what the Temporal UI or the metrics answer. It may be filled at any
// time, so that ports are known which the system chooses; guards look at each
// dial. It is safe for concurrent use. A nil one knows nothing.
//
// It does not know by which other addresses this machine is reached from
// outside, such as that of a load balancer.
type Own struct {
	mu    sync.RWMutex
	ports map[uint16]bool    // listened on at this machine
	peers map[uint16][]*peer // by port

	// Interfaces gives this machine's addresses, Lookup those of a name. Both
	// are the system's where nil; set them before the first use.
	Interfaces func() ([]net.Addr, error)
	Lookup     func(ctx context.Context, name string) ([]netip.Addr, error)
}

// Listener adds host:port of a listener of this system. Its port is refused at
// every address of this machine: which of them it listens on does not matter.
// Port 0 adds nothing.
func (o *Own) Listener(address string) error {
	_, port, err := splitAddress(address)
	if err != nil || port == 0 {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ports == nil {
		o.ports = make(map[uint16]bool)
	}
	o.ports[port] = true
	return nil
}

// Peer adds host:port of a server that this system works with, such as its
// database. What its name resolves to is looked up when its port is dialled.
func (o *Own) Peer(address string) error {
	host, port, err := splitAddress(address)
	if err != nil {
		return err
	}
	if host == "" {
		host = "localhost"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.peers == nil {
		o.peers = make(map[uint16][]*peer)
	}
	o.peers[port] = append(o.peers[port], &peer{name: host})
	return nil
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", address)
	}
	n, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", text) // reads names such as https, too
	if err != nil {
		return "", 0, fmt.Errorf("%q has no port between 0 and 65535", address)
	}
	return host, uint16(n), nil //nolint:gosec // G115: a port
}

// has reports whether the system itself is there. It costs next to nothing for a
// port that is none of its own.
func (o *Own) has(ip netip.Addr, port uint16) bool {
	if o == nil {
		return false
	}
	o.mu.RLock()
	listened, peers := o.ports[port], o.peers[port]
	o.mu.RUnlock()
	if !listened && len(peers) == 0 {
		return false
	}
	here := o.isHere(ip)
	return listened && here || slices.ContainsFunc(peers, func(p *peer) bool { return o.isPeer(p, ip, here) })
}

// isHere reports whether an address is one of this machine. Where the system
// does not say which it has, every one may be.
func (o *Own) isHere(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	interfaces := o.Interfaces
	if interfaces == nil {
		interfaces = net.InterfaceAddrs
	}
	all, err := interfaces()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		one, ok := netip.AddrFromSlice(n.IP)
		return ok && one.Unmap() == ip
	})
}

// peer is a server that the system works with.
type peer struct {
	name string // or an address

	mu     sync.Mutex
	asked  time.Time
	answer []netip.Addr // of the last question that was answered
}

// isPeer reports whether a peer is at an address. Of one whose name has never
// been resolved nobody knows, so every address that is not public may be its own.
func (o *Own) isPeer(p *peer, ip netip.Addr, here bool) bool {
	answer := o.resolve(p)
	if answer == nil {
		return here || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	return slices.ContainsFunc(answer, func(a netip.Addr) bool {
		a = a.Unmap().WithZone("")
		return a == ip || here && o.isHere(a)
	})
}

func (o *Own) resolve(p *peer) []netip.Addr {
	if ip, err := netip.ParseAddr(p.name); err == nil {
		return []netip.Addr{ip}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked.IsZero() && time.Since(p.asked) < peerTTL {
		return p.answer
	}
	lookup := o.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), peerPatience)
	defer cancel()
	answer, err := lookup(ctx, p.name)
	p.asked = time.Now()
	if err == nil && len(answer) > 0 {
		p.answer = answer
	}
	return p.answer
}
