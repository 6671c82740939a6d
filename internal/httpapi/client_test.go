package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/origin"
)

// requestFrom is a request of a connection, with the headers that it came with.
func requestFrom(peer string, headers ...string) *http.Request {
	r := with(httptest.NewRequest(http.MethodGet, "/", nil), headers)
	r.RemoteAddr = peer
	return r
}

func networks(list ...string) (all []netip.Prefix) {
	for _, one := range list {
		all = append(all, netip.MustParsePrefix(one))
	}
	return all
}

func TestTheClientIsWhoReachedATrustedProxy(t *testing.T) {
	t.Parallel()
	none, ours := networks(), networks("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")
	for _, tt := range []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		headers []string
		want    string
	}{
		{"no proxy is trusted", none, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1"}, "10.0.0.1"},
		{"the peer is no proxy", ours, "9.9.9.9:80", []string{"X-Forwarded-For: 1.1.1.1"}, "9.9.9.9"},
		{"one proxy", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1"}, "1.1.1.1"},
		{"two proxies", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1, 10.2.3.4"}, "1.1.1.1"},
		{"made up by the client", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 6.6.6.6, 1.1.1.1"}, "1.1.1.1"},
		{"made up as one of ours", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 10.6.6.6, 1.1.1.1, 10.2.3.4"}, "1.1.1.1"},
		{"two lines", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.1.1.1,10.2.3.4"}, "1.1.1.1"},
		{"all are ours", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header", ours, "10.0.0.1:80", nil, "10.0.0.1"},
		{"an empty header", ours, "10.0.0.1:80", []string{"X-Forwarded-For: \t"}, "10.0.0.1"},
		{"a word", ours, "10.0.0.1:80", []string{"X-Forwarded-For: unknown"}, "10.0.0.1"},
		{"a word behind a good one", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"nothing between commas", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1,,10.0.0.2"}, "10.0.0.2"},
		{"a comma in the end", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1,"}, "10.0.0.1"},
		{"a comma in front", ours, "10.0.0.1:80", []string{"X-Forwarded-For: ,1.1.1.1"}, "1.1.1.1"},
		{"with a port", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1:4711"}, "1.1.1.1"},
		{"with a port that is none", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 1.1.1.1:x"}, "10.0.0.1"},
		{"leading zeros", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 01.1.1.1"}, "10.0.0.1"},
		{"a number", ours, "10.0.0.1:80", []string{"X-Forwarded-For: 16843009"}, "10.0.0.1"},
		{"IPv6", ours, "[fd00::1]:80", []string{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", ours, "[fd00::1]:80", []string{"X-Forwarded-For: [2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", ours, "[fd00::1]:80", []string{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv6 in another spelling", ours, "[fd00::1]:80", []string{"X-Forwarded-For: 2001:DB8:0:0::0001"}, "2001:db8::1"},
		{"IPv4 in brackets", ours, "10.0.0.1:80", []string{"X-Forwarded-For: [1.1.1.1]"}, "10.0.0.1"},
		{"a zone", ours, "10.0.0.1:80", []string{"X-Forwarded-For: fe80::1%eth0"}, "10.0.0.1"},
		{"a zone in a prefix of ours", ours, "[fd00::1]:80", []string{"X-Forwarded-For: 1.1.1.1, fd00::2%25x"}, "fd00::1"},
		{"IPv4 in IPv6 is IPv4", ours, "[::ffff:10.0.0.1]:80", []string{"X-Forwarded-For: ::ffff:1.1.1.1, ::ffff:10.0.0.2"}, "1.1.1.1"},
		{"Forwarded is not read", ours, "10.0.0.1:80", []string{"Forwarded: for=1.1.1.1", "X-Real-Ip: 1.1.1.1"}, "10.0.0.1"},
		{"a link-local peer", ours, "[fe80::1%eth0]:80", []string{"X-Forwarded-For: 1.1.1.1"}, "fe80::1"},
		{"a Unix socket", ours, "@", []string{"X-Forwarded-For: 1.1.1.1"}, ""},
		{"no peer", ours, "", nil, ""},
		{"a long header", ours, "10.0.0.1:80", []string{"X-Forwarded-For: " + strings.Repeat("6.6.6.6,", 7000) + "1.1.1.1"}, "1.1.1.1"},
	} {
		require.Equal(t, tt.want, httpapi.ClientOf(tt.trusted, requestFrom(tt.peer, tt.headers...)), tt.name)
	}
}

// What is written down of a change names the client, and not the proxy.
func TestTheClientsAddressTravelsWithTheRequest(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, origin.From(r.Context())) })
	for _, trusted := range [][]netip.Prefix{nil, networks("192.0.2.0/24")} { // httptest's clients are at 192.0.2.1
		o.TrustedProxies = trusted
		want := "192.0.2.1"
		if trusted != nil {
			want = "1.1.1.1"
		}
		require.Equal(t, want, serve(httpapi.New(o), "POST /graphql", `{}`, "X-Forwarded-For: 1.1.1.1").body)
	}
}

func TestIPv6IsCountedByItsNetwork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"1.2.3.4": "1.2.3.4/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "2001:db8:1:3::1": "2001:db8:1:3::/64", "::1": "::/64",
	} {
		require.Equal(t, want, httpapi.Neighbours(address))
	}
}

// Whatever stands in the header, the answer is the connection's address or one
// that stands there; and what is left of the first that is not trusted is of no
// matter.
func FuzzClientAddress(f *testing.F) {
	for _, seed := range [][2]string{
		{"10.0.0.1:80", "1.1.1.1, 10.2.3.4"}, {"[fd00::1]:80", "[2001:db8::1]:1,fe80::1%x"}, {"9.9.9.9:1", "1.1.1.1"}, {"@", "1.1.1.1"}, {"10.0.0.1:80", ",,"},
		{"[::ffff:10.0.0.1]:1", "::ffff:10.0.0.2"},
	} {
		f.Add(seed[0], seed[1])
	}
	ours := networks("10.0.0.0/8", "fd00::/8")
	trusted := func(a string) bool {
		return slices.ContainsFunc(ours, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(a)) })
	}
	f.Fuzz(func(t *testing.T, peer, header string) {
		client := func(value string) string {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = peer
			r.Header["X-Forwarded-For"] = []string{value}
			return httpapi.ClientOf(ours, r)
		}
		got, alone := client(header), client("")
		if alone == "" {
			require.Empty(t, got)
			return
		}
		address, err := netip.ParseAddr(got)
		require.NoError(t, err)
		require.Equal(t, address.Unmap().String(), got, "there is one spelling")
		if !trusted(alone) {
			require.Equal(t, alone, got)
		}
		if !trusted(got) {
			require.Equal(t, got, client("6.6.6.6,"+header), "it can be forged")
		}
	})
}
