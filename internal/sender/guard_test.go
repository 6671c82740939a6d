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

var public = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
	"168.63.129.15", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1", "223.255.255.255",
	"::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::64", "2600:1f00::5eff:7f00:1", "2620:4f:8001::1", "2001:200::1",
}

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(forbidden), 60)
	g := sender.NewGuard(nil)
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
	g := sender.NewGuard([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
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
	g := sender.NewGuard(allow)
	for _, address := range []string{
		"127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "10.1.2.3", "fd00:1::5", "64:ff9b::808:808", "8.8.8.8",
	} {
		require.NoError(t, g.Check(netip.MustParseAddr(address)), address)
	}
	for _, address := range []string{
		"0.0.0.0", "::1", "::127.0.0.1", "2002:7f00:1::", "10.2.0.1", "fd00:2::1", "169.254.169.254", "64:ff9b:1::1", "fd00:1::5%eth0",
	} {
		require.ErrorIs(t, g.Check(netip.MustParseAddr(address)), sender.ErrBlocked, address)
	}

	srv := serve(t, respond(204))
	none := newSender(t, func(o *sender.Options) { o.AllowCIDRs = nil })
	require.Equal(t, sender.Blocked, none.Send(t.Context(), post(srv.URL)).Class)
	require.Equal(t, 204, newSender(t).Send(t.Context(), post(srv.URL)).Status)
}
