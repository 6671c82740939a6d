package sender

import (
	"fmt"
	"net/netip"
	"slices"
)

// carriage says what an IPv4 address inside an IPv6 one means.
type carriage int

const (
	nothing carriage = iota // there is none
	beside                  // it must pass, and the IPv6 address must be allowed
	stands                  // the IPv6 address is another name of it
	unclear                 // there is one, and nobody can tell which
)

// The prefixes of addresses that carry an IPv4 address.
var (
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, section 2.5.5.1
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, section 2.1
	wellKnown  = netip.MustParsePrefix("64:ff9b::/96")    // NAT64, RFC 6052, section 2.1
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056, section 2
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380, section 4
	zeroPlan   = netip.MustParsePrefix("::/127")          // :: and ::1, which look compatible and are not
	nat64Bits  = []int{32, 40, 48, 56, 64, 96}            // RFC 6052, section 2.2
)

// inside gives the IPv4 addresses that an IPv6 address carries, in every form
// that there is; the mapped one is an IPv4 address already.
func (g *Guard) inside(ip netip.Addr) (carriage, []netip.Addr) {
	if !ip.Is6() {
		return nothing, nil
	}
	for _, p := range g.nat64 {
		if p.Contains(ip) {
			return stands, []netip.Addr{translatedBy(p, ip)}
		}
	}
	b := ip.As16()
	switch {
	case zeroPlan.Contains(ip):
		return nothing, nil
	case compatible.Contains(ip), translated.Contains(ip), wellKnown.Contains(ip):
		return beside, []netip.Addr{v4(b[12:])}
	case localNAT64.Contains(ip):
		return insideLocalNAT64(ip)
	case sixToFour.Contains(ip):
		return beside, []netip.Addr{v4(b[2:])}
	case teredo.Contains(ip): // the server, and the client with every bit turned
		return beside, []netip.Addr{v4(b[4:]), v4([]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP: RFC 5214, section 6.1, under any prefix
		return beside, []netip.Addr{v4(b[12:])}
	}
	return nothing, nil
}

// insideLocalNAT64 reads an address of the local prefix as RFC 6052 does, with
// all of its 48 bits for the prefix. Where the rest is not zero a translator of
// a longer prefix may be meant, and the operator has to name it.
func insideLocalNAT64(ip netip.Addr) (carriage, []netip.Addr) {
	b := ip.As16()
	if b[8] != 0 || slices.ContainsFunc(b[11:], func(c byte) bool { return c != 0 }) {
		return unclear, nil
	}
	return beside, []netip.Addr{translatedBy(localNAT64, ip)}
}

// translatedBy reads the IPv4 address behind a prefix; the byte at bit 64 is
// never part of it (RFC 6052, section 2.2).
func translatedBy(p netip.Prefix, ip netip.Addr) netip.Addr {
	b := ip.As16()
	four := make([]byte, 0, 4)
	for i := p.Bits() / 8; len(four) < 4; i++ {
		if i != 8 {
			four = append(four, b[i])
		}
	}
	return v4(four)
}

// v4 makes an address of the first four bytes.
func v4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b[:4])) }

// ParseNAT64 reads a list of NAT64 prefixes, as [ParseCIDRs] reads others. Only
// IPv6 prefixes of the lengths of RFC 6052 can be one.
func ParseNAT64(list string) ([]netip.Prefix, error) {
	prefixes, err := ParseCIDRs(list)
	if err != nil {
		return nil, err
	}
	for _, p := range prefixes {
		if !p.Addr().Is6() || !slices.Contains(nat64Bits, p.Bits()) {
			return nil, fmt.Errorf("%q is no NAT64 prefix: those are IPv6 prefixes of /32, /40, /48, /56, /64 or /96", p)
		}
	}
	return prefixes, nil
}
