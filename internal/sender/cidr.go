package sender

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseCIDRs reads a list of CIDRs, separated by commas. "none" and the empty
// string mean that there is none. What would not do what it seems to is refused.
func ParseCIDRs(list string) ([]netip.Prefix, error) {
	list = strings.TrimSpace(list)
	if list == "" || list == "none" {
		return nil, nil
	}
	var out []netip.Prefix
	for item := range strings.SplitSeq(list, ",") {
		p, err := ParseCIDR(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// ParseCIDR reads one CIDR. Its error says how to write it.
func ParseCIDR(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return netip.Prefix{}, fmt.Errorf("%q is an address: for it alone write %s/%d", s, ip, ip.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a CIDR: write a list such as 127.0.0.0/8,::1/128, or none", s)
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q would never match: write the IPv4 CIDR, such as 10.0.0.0/8", s)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its length: write %s", s, p.Masked())
	}
	return p, nil
}
