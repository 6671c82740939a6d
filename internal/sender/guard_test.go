package sender_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// forbidden has an address out of every special-purpose range, and every form in
// which an IPv6 address can carry an IPv4 one.
var forbidden = []string{
	// IPv4: this network, private use, shared, loopback, link-local
	"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
	"169.254.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
	// protocol assignments, documentation, AS112, AMT, 6to4 relays, benchmarking
	"192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.51.100.7", "203.0.113.7", "192.31.196.1", "192.52.193.1",
	"192.88.99.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
	// multicast, reserved, broadcast
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	// metadata services of clouds
	"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254",
	// IPv6: unspecified, loopback, discard, unique local, link-local, site-local, multicast, segment routing, unassigned
	"::", "::1", "100::1", "100:0:0:1::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1",
	"5f00::1", "4000::1", "e000::1",
	// protocol assignments, documentation, AS112, ORCHID, benchmarking
	"2001::1", "2001:1::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:20::1", "2001:30::1", "2001:db8::1", "3fff::1",
	"2620:4f:8000::1",
	// IPv4 inside IPv6: mapped, translated, compatible, NAT64 and its local prefix, 6to4, Teredo, ISATAP
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1", "::127.0.0.1",
	"::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:808:808::1",
	"2001:0:4136:e378:8000:63bf:3fff:fdd2", "2600:1f00::5efe:7f00:1", "2600:1f00::200:5efe:a00:1",
	// zones, also on an address that would do
	"fe80::1%eth0", "::1%lo", "2606:4700::1111%eth0",
}

// everything is an allow-list that opens all there is.
var everything = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

var public = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
	"168.63.129.15", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1", "223.255.255.255",
	"::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::64", "2600:1f00::5eff:7f00:1", "2620:4f:8001::1", "2001:200::1",
}

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(forbidden), 60)
	g := sender.NewGuard(sender.GuardOptions{})
	s := newSender(t, func(o *sender.Options) { o.AllowCIDRs = nil })
	for _, address := range forbidden {
		ip := netip.MustParseAddr(address)
		require.ErrorIs(t, g.Check(ip), sender.ErrBlocked, address)
		if ip.Zone() != "" {
			continue // no URL may have one
		}
		for _, network := range []string{"tcp4", "tcp6"} {
			require.ErrorIs(t, g.Control(network, netip.AddrPortFrom(ip, 443).String(), nil), sender.ErrBlocked, address)
		}
		res := s.Send(t.Context(), post("http://"+netip.AddrPortFrom(ip, 80).String()+"/"))
		require.Equal(t, sender.Result{Class: sender.Blocked, Sent: res.Sent, Started: res.Started}, res, address)
	}
	for _, address := range public {
		require.NoError(t, g.Check(netip.MustParseAddr(address)), address)
	}
}

func TestTheGuardFailsClosed(t *testing.T) {
	t.Parallel()
	g := sender.NewGuard(sender.GuardOptions{Allow: everything})
	require.NoError(t, g.Control("tcp4", "127.0.0.1:80", nil))
	require.ErrorIs(t, g.Check(netip.Addr{}), sender.ErrBlocked)
	require.ErrorIs(t, g.Check(netip.MustParseAddr("::1%lo")), sender.ErrBlocked)
	for _, bad := range [][2]string{
		{"udp4", "127.0.0.1:80"}, {"unix", "/run/x.sock"}, {"tcp", "127.0.0.1:80"}, {"", "127.0.0.1:80"},
		{"tcp4", ""}, {"tcp4", "127.0.0.1"}, {"tcp4", "localhost:80"}, {"tcp4", "127.0.0.1:http"}, {"tcp6", "[::1]"},
	} {
		require.ErrorIs(t, g.Control(bad[0], bad[1], nil), sender.ErrBlocked, bad)
	}
}

func TestTheAllowListOpensWhatItNamesAndNoMore(t *testing.T) {
	t.Parallel()
	allow, err := sender.ParseCIDRs("127.0.0.0/8,10.1.0.0/16,fd00:1::/32,64:ff9b::/96")
	require.NoError(t, err)
	g := sender.NewGuard(sender.GuardOptions{Allow: allow})
	for _, address := range []string{
		"127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "10.1.2.3", "fd00:1::5", "64:ff9b::808:808", "8.8.8.8",
	} {
		require.NoError(t, g.Check(netip.MustParseAddr(address)), address)
	}
	for _, address := range []string{
		"0.0.0.0", "::1", "::127.0.0.1", "2002:7f00:1::", "10.2.0.1", "fd00:2::1", "169.254.169.254", "64:ff9b:1::1", "fd00:1::5%eth0", "64:ff9b::a02:1",
	} {
		require.ErrorIs(t, g.Check(netip.MustParseAddr(address)), sender.ErrBlocked, address)
	}

	srv := serve(t, respond(204))
	none := newSender(t, func(o *sender.Options) { o.AllowCIDRs = nil })
	require.Equal(t, sender.Blocked, none.Send(t.Context(), post(srv.URL)).Class)
	require.Equal(t, 204, newSender(t).Send(t.Context(), post(srv.URL)).Status)
}

func TestMetadataServicesAreRefusedUnlessTheyAreAllowedOneByOne(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23", "168.63.129.16", "100.100.100.200",
		"192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe",
	} {
		ip := netip.MustParseAddr(address)
		one := netip.PrefixFrom(ip, ip.BitLen())
		near := netip.PrefixFrom(ip, ip.BitLen()-1).Masked()
		for name, allow := range map[string][]netip.Prefix{"nothing": nil, "everything": everything, "two addresses": {near}} {
			require.ErrorIs(t, sender.NewGuard(sender.GuardOptions{Allow: allow}).Check(ip), sender.ErrBlocked, "%s, %s", address, name)
		}
		require.NoError(t, sender.NewGuard(sender.GuardOptions{Allow: []netip.Prefix{one}}).Check(ip), address)
		require.ErrorIs(t, sender.NewGuard(sender.GuardOptions{}).With([]netip.Prefix{one}).Check(ip), sender.ErrBlocked,
			"%s, which an account's list does not open", address)
	}
}

// In each row the allow-list opens the IPv6 address, and what is inside decides.
func TestAnIPv4AddressInsideAnIPv6OneMustItselfPass(t *testing.T) {
	t.Parallel()
	const inside = "8.8.8.8 public, 127.0.0.1, 169.254.169.254 and 10.0.0.1 are not"
	tests := []struct{ form, public, loopback, metadata, private string }{
		{"mapped", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1"},
		{"compatible", "::8.8.8.8", "::127.0.0.1", "::169.254.169.254", "::10.0.0.1"},
		{"translated", "::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1", "::ffff:0:169.254.169.254", "::ffff:0:10.0.0.1"},
		{"NAT64", "64:ff9b::8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1"},
		{"NAT64, local", "64:ff9b:1:808:8:800::", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a00:0:100::"},
		{"6to4", "2002:808:808::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:a00:1::1"},
		{"Teredo, client", "2001:0:808:808::f7f7:f7f7", "2001:0:808:808::80ff:fffe", "2001:0:808:808::5601:5601", "2001:0:808:808::f5ff:fffe"},
		{"Teredo, server", "2001:0:808:808::f7f7:f7f7", "2001:0:7f00:1::f7f7:f7f7", "2001:0:a9fe:a9fe::f7f7:f7f7", "2001:0:a00:1::f7f7:f7f7"},
		{"ISATAP", "2600:1f00::5efe:808:808", "2600:1f00::5efe:7f00:1", "2600:1f00::5efe:a9fe:a9fe", "2600:1f00::5efe:a00:1"},
		{"ISATAP, global", "fd00::200:5efe:808:808", "fd00::200:5efe:7f00:1", "fd00::200:5efe:a9fe:a9fe", "fd00::200:5efe:a00:1"},
	}
	open := sender.NewGuard(sender.GuardOptions{Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}})
	inner := sender.NewGuard(sender.GuardOptions{Allow: []netip.Prefix{
		netip.MustParsePrefix("::/0"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	}})
	for _, test := range tests {
		require.NoError(t, open.Check(netip.MustParseAddr(test.public)), "%s: %s", test.form, inside)
		for _, address := range []string{test.loopback, test.metadata, test.private} {
			require.ErrorIs(t, open.Check(netip.MustParseAddr(address)), sender.ErrBlocked, "%s %s: %s", test.form, address, inside)
		}
		require.NoError(t, inner.Check(netip.MustParseAddr(test.loopback)), test.form)
		require.ErrorIs(t, inner.Check(netip.MustParseAddr(test.metadata)), sender.ErrBlocked, test.form)
	}
	for _, address := range []string{"::", "::1"} {
		require.NoError(t, open.Check(netip.MustParseAddr(address)), "%s is not compatible, it only looks so", address)
	}
	require.ErrorIs(t, open.Check(netip.MustParseAddr("64:ff9b:1:808::7f00:1")), sender.ErrBlocked, "nobody knows which is inside")
}

func TestPrefixesOfTranslatorsStandForWhatIsInside(t *testing.T) {
	t.Parallel()
	// The addresses are those of RFC 6052, section 2.4, with another IPv4 address.
	for prefix, address := range map[string][2]string{
		"2001:db8::/32":          {"2001:db8:808:808::", "2001:db8:7f00:1::"},
		"2001:db8:100::/40":      {"2001:db8:108:808:8::", "2001:db8:17f:0:1::"},
		"2001:db8:122::/48":      {"2001:db8:122:808:8:800::", "2001:db8:122:7f00:0:100::"},
		"2001:db8:122:300::/56":  {"2001:db8:122:308:8:808::", "2001:db8:122:37f:0:1::"},
		"2001:db8:122:344::/64":  {"2001:db8:122:344:8:808:800::", "2001:db8:122:344:7f:0:100::"},
		"2001:db8:122:344::/96":  {"2001:db8:122:344::8.8.8.8", "2001:db8:122:344::127.0.0.1"},
		"2a00:64::/96":           {"2a00:64::8.8.8.8", "2a00:64::127.0.0.1"},
		"64:ff9b::/96":           {"64:ff9b::8.8.8.8", "64:ff9b::127.0.0.1"},
		"64:ff9b:1:7::/64,::/32": {"64:ff9b:1:7:8:808:800::", "64:ff9b:1:7:7f:0:100::"}, // the longest counts
	} {
		nat64, err := sender.ParseNAT64(prefix)
		require.NoError(t, err)
		g := sender.NewGuard(sender.GuardOptions{NAT64: nat64})
		require.NoError(t, g.Check(netip.MustParseAddr(address[0])), prefix)
		require.ErrorIs(t, g.Check(netip.MustParseAddr(address[1])), sender.ErrBlocked, prefix)
	}
	for bad, want := range map[string]string{
		"10.0.0.0/8": "is no NAT64 prefix", "2001:db8::/33": "is no NAT64 prefix", "2001:db8::1/96": "has bits set", "x": "is not a CIDR",
	} {
		_, err := sender.ParseNAT64(bad)
		require.ErrorContains(t, err, want, bad)
	}
	none, err := sender.ParseNAT64("none")
	require.NoError(t, err)
	require.Empty(t, none)
}
