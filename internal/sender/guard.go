package sender

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrBlocked says that an address may not be dialled. It carries no detail:
// whoever chose the address must learn nothing from the refusal.
var ErrBlocked = errors.New(blockedText)

// Guard decides which addresses may be dialled: public unicast ones, and what
// was allowed. It fails closed. It is safe for concurrent use.
//
// The base is the IANA special-purpose registries as code.dny.dev/ssrf has
// them: for IPv6 all outside 2000::/3 is refused. What an allow-list opens, it
// does not open blindly:
//
//   - An IPv4 address inside an IPv6 one must itself pass ([Guard.inside]).
//   - A metadata service of a cloud is refused, unless the operator allowed just
//     that address (/32 or /128).
//   - Where the system itself listens is refused ([Own]).
//   - An address with a zone, which names an interface of this machine, is refused.
type Guard struct {
	allow []netip.Prefix      // the operator's and the account's
	exact map[netip.Addr]bool // single addresses that the operator allowed
	nat64 []netip.Prefix      // the longest first
	own   *Own
	base  *ssrf.Guardian
}

// GuardOptions configure a [Guard]. The zero value lets public addresses pass.
type GuardOptions struct {
	Allow []netip.Prefix // the operator's allow-list
	// NAT64 are the prefixes of translators beside 64:ff9b::/96, as
	// [ParseNAT64] reads them. An address in one of them passes if the IPv4
	// address inside does.
	NAT64 []netip.Prefix
	Own   *Own // where the system itself is reached; nil knows nothing
}

// NewGuard makes a guard.
func NewGuard(o GuardOptions) *Guard {
	g := &Guard{
		allow: o.Allow, exact: make(map[netip.Addr]bool), nat64: slices.Clone(o.NAT64), own: o.Own,
		base: ssrf.New(ssrf.WithAnyPort()),
	}
	for _, p := range o.Allow {
		if p.IsSingleIP() {
			g.exact[p.Addr()] = true
		}
	}
	slices.SortFunc(g.nat64, func(a, b netip.Prefix) int { return b.Bits() - a.Bits() })
	return g
}

// With is a guard that also allows what lies in an account's own networks. Of
// metadata services an account's list opens none.
func (g *Guard) With(allow []netip.Prefix) *Guard {
	wider := *g
	wider.allow = slices.Concat(g.allow, allow)
	return &wider
}

// Check gives [ErrBlocked] for an address at which no port may be dialled.
func (g *Guard) Check(ip netip.Addr) error {
	const noPort = 0 // nobody listens there
	return g.CheckAddrPort(netip.AddrPortFrom(ip, noPort))
}

// CheckAddrPort gives [ErrBlocked] for what may not be dialled. An IPv4-mapped
// IPv6 address counts as the IPv4 address, since that is what the system
// connects to.
func (g *Guard) CheckAddrPort(to netip.AddrPort) error {
	ip := to.Addr()
	if !ip.IsValid() || ip.Zone() != "" || !g.permits(ip.Unmap(), to.Port()) { // Unmap drops the zone
		return ErrBlocked
	}
	return nil
}

// permits judges an address without zone.
func (g *Guard) permits(ip netip.Addr, port uint16) bool {
	carried, in := g.inside(ip)
	if carried == unclear {
		return false
	}
	for _, v4 := range in {
		if !g.permits(v4, port) {
			return false
		}
	}
	switch {
	case g.own.has(ip, port):
		return false
	case metadata[ip]:
		return g.exact[ip]
	case carried == stands, g.allows(ip):
		return true
	}
	return carried == nothing && g.base.SafeAddr(ip) == nil
}

func (g *Guard) allows(ip netip.Addr) bool {
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Control has the shape of [net.Dialer].Control, which sees the address of each
// connection after the name was resolved and before the first packet.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return ErrBlocked
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrBlocked
	}
	return g.CheckAddrPort(to)
}

// metadata are the addresses at which clouds hand credentials to whoever asks
// from inside a virtual machine or a container. Some lie in networks that an
// allow-list opens for other reasons, one among public addresses.
var metadata = addresses(
	"169.254.169.254",    // AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack and others
	"169.254.170.2",      // AWS: containers of ECS
	"169.254.170.23",     // AWS: pods of EKS
	"169.254.42.42",      // Scaleway
	"169.254.0.23",       // Tencent
	"168.63.129.16",      // Azure's wire server
	"100.100.100.200",    // Alibaba
	"192.0.0.192",        // Oracle, classic
	"fd00:ec2::254",      // AWS
	"fd00:ec2::23",       // AWS: pods of EKS
	"fd20:ce::254",       // Google
	"fd00:42::42",        // Scaleway
	"fd00:c1::a9fe:a9fe", // Oracle
	"fe80::a9fe:a9fe",    // OpenStack, which needs a zone and is refused for that as well
)

func addresses(list ...string) map[netip.Addr]bool {
	set := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		set[netip.MustParseAddr(a)] = true
	}
	return set
}
