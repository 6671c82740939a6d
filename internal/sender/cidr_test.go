package sender_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestParseCIDRs(t *testing.T) {
	t.Parallel()
	for _, none := range []string{"", "none", " none "} {
		got, err := sender.ParseCIDRs(none)
		require.NoError(t, err)
		require.Empty(t, got)
	}
	got, err := sender.ParseCIDRs(" 127.0.0.0/8, ::1/128,0.0.0.0/0")
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("0.0.0.0/0"),
	}, got)

	for bad, want := range map[string]string{
		"all":                  "is not a CIDR",
		"127.0.0.0/8,":         "is not a CIDR",
		"127.0.0.0/8,none":     "is not a CIDR",
		"127.0.0.0/33":         "is not a CIDR",
		"127.0.0.0/8 ::1/128":  "is not a CIDR",
		"localhost/8":          "is not a CIDR",
		"fe80::1%eth0":         "is not a CIDR",
		"10.1.2.3":             "for it alone write 10.1.2.3/32",
		"::1":                  "for it alone write ::1/128",
		"10.1.2.3/8":           "write 10.0.0.0/8",
		"::ffff:10.0.0.0/104":  "would never match",
		"::ffff:127.0.0.1/128": "would never match",
	} {
		_, err := sender.ParseCIDRs(bad)
		require.ErrorContains(t, err, want, bad)
	}
}
