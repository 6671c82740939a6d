package sender_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// here gives a machine those addresses beside its loopback ones.
func here(list ...string) func() ([]net.Addr, error) {
	return func() (all []net.Addr, err error) {
		for _, one := range list {
			p := netip.MustParsePrefix(one)
			all = append(all, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
		}
		return all, nil
	}
}

func refused(t *testing.T, g *sender.Guard, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		require.ErrorIs(t, g.CheckAddrPort(netip.MustParseAddrPort(a)), sender.ErrBlocked, a)
	}
}

func reached(t *testing.T, g *sender.Guard, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		require.NoError(t, g.CheckAddrPort(netip.MustParseAddrPort(a)), a)
	}
}

func TestWhereTheSystemListensIsRefusedWhateverIsAllowed(t *testing.T) {
	t.Parallel()
	own := &sender.Own{Interfaces: here("10.7.0.2/24", "fd00:7::2/64")}
	g := sender.NewGuard(sender.GuardOptions{Allow: everything, Own: own})
	listening := []string{
		"127.0.0.1:8233", "127.9.9.9:8233", "0.0.0.0:8233", "[::1]:8233", "[::]:8233", "10.7.0.2:8233", "[fd00:7::2]:8233",
		"[::ffff:127.0.0.1]:8233", "[::127.0.0.1]:8233", "[64:ff9b::7f00:1]:8233", "[2002:a07:2::]:8233",
	}
	reached(t, g, listening...)
	require.NoError(t, own.Listener("127.0.0.1:8233"), "a guard sees what is told after it was made")
	refused(t, g, listening...)
	refused(t, g.With(everything), listening...)
	reached(t, g, "127.0.0.1:8234", "10.7.0.3:8233", "[fd00:7::3]:8233", "8.8.8.8:8233")

	for _, listener := range []string{":9000", "0.0.0.0:9001", "[::]:9002", "localhost:9003", "127.0.0.1:0"} {
		require.NoError(t, own.Listener(listener))
	}
	refused(t, g, "127.0.0.1:9000", "10.7.0.2:9001", "[::1]:9002", "127.0.0.1:9003")
	reached(t, g, "10.8.0.1:9000", "127.0.0.1:1")
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:99999", "::1:80", "127.0.0.1:-1"} {
		require.Error(t, own.Listener(bad), bad)
		require.Error(t, own.Peer(bad), bad)
	}
}

func TestAMachineThatDoesNotSayItsAddressesMayHaveThemAll(t *testing.T) {
	t.Parallel()
	own := &sender.Own{Interfaces: func() ([]net.Addr, error) { return nil, errors.New("no") }}
	require.NoError(t, own.Listener(":80"))
	g := sender.NewGuard(sender.GuardOptions{Own: own})
	refused(t, g, "8.8.8.8:80")
	reached(t, g, "8.8.8.8:81")
}

func TestServersThatTheSystemWorksWithAreRefused(t *testing.T) {
	t.Parallel()
	names := map[string][]netip.Addr{
		"db.internal": {netip.MustParseAddr("10.1.0.5"), netip.MustParseAddr("fd00:1::5")},
		"localhost":   {netip.MustParseAddr("127.0.0.1")},
	}
	asked := 0
	own := &sender.Own{Interfaces: here("10.7.0.2/24"), Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
		asked++
		if names[name] == nil {
			return nil, errors.New("no such name")
		}
		return names[name], nil
	}}
	for _, peer := range []string{"db.internal:5432", "10.2.0.9:7233", "127.0.0.1:5000", "localhost:5001", ":5002", "nowhere:5003"} {
		require.NoError(t, own.Peer(peer))
	}
	g := sender.NewGuard(sender.GuardOptions{Allow: everything, Own: own})
	refused(t, g, "10.1.0.5:5432", "[fd00:1::5]:5432", "10.2.0.9:7233", "[64:ff9b::a02:9]:7233")
	reached(t, g, "10.1.0.6:5432", "10.1.0.5:5433", "10.2.0.8:7233")
	require.Equal(t, 1, asked, "a name is believed for a while")

	// On this machine: at every address of it.
	refused(t, g, "127.0.0.1:5000", "[::1]:5000", "10.7.0.2:5000", "127.0.0.1:5001", "10.7.0.2:5001", "0.0.0.0:5002")
	reached(t, g, "10.7.0.3:5000")

	// Nobody knows where it is.
	refused(t, g, "127.0.0.1:5003", "10.99.0.1:5003", "[fd99::1]:5003")
	reached(t, g, "8.8.8.8:5003")
}
