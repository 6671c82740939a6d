package sender_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// special are the rows of the IANA special-purpose registries for IPv4 and IPv6,
// and those for multicast and for uses that have ended.
// They are written down here so that a change of the library that has them
// cannot go unnoticed. Rows that are globally reachable are refused as well:
// nobody's receiver is an anycast address of a protocol.
//
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special = []struct{ prefix, name, rfc string }{
	{"0.0.0.0/8", "this network", "RFC 791, section 3.2"},
	{"0.0.0.0/32", "this host on this network", "RFC 1122, section 3.2.1.3"},
	{"10.0.0.0/8", "private use", "RFC 1918"},
	{"100.64.0.0/10", "shared address space", "RFC 6598"},
	{"127.0.0.0/8", "loopback", "RFC 1122, section 3.2.1.3"},
	{"169.254.0.0/16", "link local", "RFC 3927"},
	{"172.16.0.0/12", "private use", "RFC 1918"},
	{"192.0.0.0/24", "IETF protocol assignments", "RFC 6890, section 2.1"},
	{"192.0.0.0/29", "IPv4 service continuity prefix", "RFC 7335"},
	{"192.0.0.8/32", "IPv4 dummy address", "RFC 7600"},
	{"192.0.0.9/32", "port control protocol anycast", "RFC 7723"},
	{"192.0.0.10/32", "traversal using relays around NAT anycast", "RFC 8155"},
	{"192.0.0.170/31", "NAT64/DNS64 discovery", "RFC 8880, RFC 7050 section 2.2"},
	{"192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"},
	{"192.31.196.0/24", "AS112-v4", "RFC 7535"},
	{"192.52.193.0/24", "AMT", "RFC 7450"},
	{"192.88.99.0/24", "deprecated (6to4 relay anycast)", "RFC 7526"},
	{"192.88.99.2/32", "6a44 relay anycast", "RFC 6751"},
	{"192.168.0.0/16", "private use", "RFC 1918"},
	{"192.175.48.0/24", "direct delegation AS112 service", "RFC 7534"},
	{"198.18.0.0/15", "benchmarking", "RFC 2544"},
	{"198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"},
	{"203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"},
	{"240.0.0.0/4", "reserved", "RFC 1112, section 4"},
	{"255.255.255.255/32", "limited broadcast", "RFC 8190, RFC 919 section 7"},
	{"224.0.0.0/4", "multicast", "RFC 5771"},

	{"::1/128", "loopback address", "RFC 4291"},
	{"::/128", "unspecified address", "RFC 4291"},
	{"::ffff:0:0/96", "IPv4-mapped address", "RFC 4291"},
	{"64:ff9b::/96", "IPv4-IPv6 translation", "RFC 6052"},
	{"64:ff9b:1::/48", "IPv4-IPv6 translation", "RFC 8215"},
	{"100::/64", "discard only", "RFC 6666"},
	{"100:0:0:1::/64", "dummy IPv6 prefix", "RFC 9780"},
	{"2001::/23", "IETF protocol assignments", "RFC 2928"},
	{"2001::/32", "Teredo", "RFC 4380, RFC 8190"},
	{"2001:1::1/128", "port control protocol anycast", "RFC 7723"},
	{"2001:1::2/128", "traversal using relays around NAT anycast", "RFC 8155"},
	{"2001:1::3/128", "DNS-SD service registration protocol anycast", "RFC 9665"},
	{"2001:2::/48", "benchmarking", "RFC 5180, RFC erratum 1752"},
	{"2001:3::/32", "AMT", "RFC 7450"},
	{"2001:4:112::/48", "AS112-v6", "RFC 7535"},
	{"2001:10::/28", "deprecated (ORCHID)", "RFC 4843"},
	{"2001:20::/28", "ORCHIDv2", "RFC 7343"},
	{"2001:30::/28", "drone remote ID protocol entity tags", "RFC 9374"},
	{"2001:db8::/32", "documentation", "RFC 3849"},
	{"2002::/16", "6to4", "RFC 3056"},
	{"2620:4f:8000::/48", "direct delegation AS112 service", "RFC 7534"},
	{"3fff::/20", "documentation", "RFC 9637"},
	{"5f00::/16", "segment routing (SRv6) SIDs", "RFC 9602"},
	{"fc00::/7", "unique local", "RFC 4193, RFC 8190"},
	{"fe80::/10", "link-local unicast", "RFC 4291"},
	{"::/96", "IPv4-compatible, deprecated", "RFC 4291, section 2.5.5.1"},
	{"::ffff:0:0:0/96", "IPv4-translated", "RFC 2765"},
	{"200::/7", "NSAP, deprecated", "RFC 4048"},
	{"fec0::/10", "site-local, deprecated", "RFC 3879"},
	{"ff00::/8", "multicast", "RFC 4291"},
}

// last is the highest address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip
}

func TestEverySpecialPurposeRangeIsRefusedFromEndToEnd(t *testing.T) {
	t.Parallel()
	g := sender.NewGuard(sender.GuardOptions{})
	isSpecial := func(ip netip.Addr) bool {
		return slices.ContainsFunc(special, func(row struct{ prefix, name, rfc string }) bool {
			return netip.MustParsePrefix(row.prefix).Contains(ip)
		})
	}
	unicast := netip.MustParsePrefix("2000::/3")
	neighbours := 0
	for _, row := range special {
		p := netip.MustParsePrefix(row.prefix)
		require.Equal(t, p.Masked(), p, row.prefix)
		for _, ip := range []netip.Addr{p.Addr(), last(p)} {
			require.ErrorIs(t, g.Check(ip), sender.ErrBlocked, "%s of %s: %s (%s)", ip, row.prefix, row.name, row.rfc)
		}
		// What lies beside is public, unless another row has it: the ranges are no wider.
		for _, ip := range []netip.Addr{p.Addr().Prev(), last(p).Next()} {
			if ip.IsValid() && !isSpecial(ip) && (ip.Is4() || unicast.Contains(ip)) {
				require.NoError(t, g.Check(ip), "%s beside %s", ip, row.prefix)
				neighbours++
			}
		}
	}
	require.Greater(t, neighbours, 25)
}
