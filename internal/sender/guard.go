package sender

import (
	"errors"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrBlocked says that an address may not be dialled. It carries no detail:
// whoever chose the address must learn nothing from the refusal.
var ErrBlocked = errors.New("the address is not public and not allowed")

// azureWireServer answers with a virtual machine's credentials, like
// 169.254.169.254 does, but lies among public addresses, where no registry of
// special ranges has it.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

// Guard decides which addresses may be dialled: public unicast ones, and what
// the operator allowed. It fails closed. It is safe for concurrent use.
//
// The base is the IANA special-purpose registries as code.dny.dev/ssrf has
// them: for IPv6 all outside 2000::/3 is refused, and with that the forms that
// carry an IPv4 address (compatible, translated, NAT64 and its local prefix);
// 6to4 and Teredo are refused inside it.
type Guard struct {
	allow []netip.Prefix
	base  *ssrf.Guardian
}

// NewGuard makes a guard that allows what lies in one of the prefixes, beside
// public addresses.
func NewGuard(allow []netip.Prefix) *Guard {
	return &Guard{
		allow: allow,
		base:  ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(azureWireServer)),
	}
}

// Check gives [ErrBlocked] for an address that may not be dialled. An
// IPv4-mapped IPv6 address counts as the IPv4 address, since that is what the
// system connects to. An address with a zone, which names an interface of this
// machine, lies in no prefix and with that is refused.
func (g *Guard) Check(ip netip.Addr) error {
	ip = ip.Unmap()
	for _, p := range g.allow {
		if p.Contains(ip) {
			return nil
		}
	}
	if !ip.IsValid() || isISATAP(ip) || g.base.SafeAddr(ip) != nil {
		return ErrBlocked
	}
	return nil
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
	return g.Check(to.Addr())
}

// isISATAP reports whether an IPv6 address carries an IPv4 address in its
// interface identifier (RFC 5214, section 6.1), under any prefix.
func isISATAP(ip netip.Addr) bool {
	if !ip.Is6() {
		return false
	}
	b := ip.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
