package delivery_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/delivery"
	"datapusher/internal/ingest"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/dnstest"
	"datapusher/internal/testutil/receiver"
)

// canary listens on one port of every address of this machine that can be had
// and counts who connects.
type canary struct {
	port string
	hits atomic.Int32
	on   []netip.Addr
	wait sync.WaitGroup
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{}
	t.Cleanup(c.wait.Wait) // runs when the listeners are closed
	first := c.listen(t, "127.0.0.1:0")
	require.NotNil(t, first)
	_, c.port, _ = net.SplitHostPort(first.String())
	c.listen(t, net.JoinHostPort("::1", c.port))
	if ip, ok := interfaceAddress(t); ok {
		c.listen(t, net.JoinHostPort(ip.String(), c.port))
	}
	return c
}

// listen gives nil where this machine has no such address.
func (c *canary) listen(t *testing.T, address string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Logf("no canary on %s: %s", address, err)
		return nil
	}
	c.on = append(c.on, l.Addr().(*net.TCPAddr).AddrPort().Addr())
	c.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.hits.Add(1)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr()
}

// interfaceAddress is an address of this machine beside its loopback ones.
func interfaceAddress(t *testing.T) (netip.Addr, bool) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			ip, _ := netip.AddrFromSlice(n.IP.To4())
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// spellings of 127.0.0.1 that resolvers, browsers or libraries may read as it,
// and URLs that lead there. None of them may be saved.
var spellings = []string{
	"http://127.1:%s/", "http://127.0.1:%s/", "http://2130706433:%s/", "http://017700000001:%s/", "http://0177.0.0.1:%s/",
	"http://0177.0.0.01:%s/", "http://00000177.1:%s/", "http://0x7f000001:%s/", "http://0X7F000001:%s/", "http://0x7f.0.0.1:%s/",
	"http://0x7f.1:%s/", "http://0x7F.0x0.0x0.0x1:%s/", "http://127.0.0.0x1:%s/", "http://127.0.0.01:%s/", "http://127.000.000.001:%s/",
	"http://127.0.0.1.:%s/", "http://localhost.:%s/", "http://0:%s/", "http://00.0.0.0:%s/", "http://0x0:%s/", "http://0.0:%s/",
	"http://127.65535:%s/", "http://4294967295:%s/", "http://6425673729:%s/", "http://127.0.0.1.1:%s/", "http://256.0.0.1:%s/",
	"http://１２７.0.0.1:%s/", "http://127。0。0。1:%s/", "http://127．0．0．1:%s/", "http://①②⑦.⓪.⓪.①:%s/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:%s/",
	"http://loc\u00adalhost:%s/", "http://[::ffff:127.0.0.1%%25lo]:%s/", "http://[::1%%25lo]:%s/", "http://[fe80::1%%25eth0]:%s/",
	"http://[127.0.0.1]:%s/", "http://[::1:%s/", "http://::1:%s/", "http://[0:0:0:0:0:0:0:1%%250]:%s/", "http://[v1.fe80::a]:%s/",
	"http://user@127.0.0.1:%s/", "http://user:pass@127.0.0.1:%s/", "http://@127.0.0.1:%s/", "http://example.com@127.0.0.1:%s/",
	"http://example.com%%40127.0.0.1:%s/", "http://127.0.0.1:%s@example.com/", "http://127.0.0.1:%s#@example.com/", "http://example.com#@127.0.0.1:%s/",
	"http://127.0.0.1:%s\\@example.com/", "http:\\\\127.0.0.1:%s/", "http://127.0.0.1\t:%s/", "http://127.0.0.1\r\n:%s/", " http://127.0.0.1:%s/",
	"http:127.0.0.1:%s/", "http:/127.0.0.1:%s/", "//127.0.0.1:%s/", "127.0.0.1:%s/", "gopher://127.0.0.1:%s/", "file://127.0.0.1:%s/", "ftp://127.0.0.1:%s/",
	"dict://127.0.0.1:%s/", "javascript://127.0.0.1:%s/", "unix://127.0.0.1:%s/", "http+unix://127.0.0.1:%s/", "ws://127.0.0.1:%s/",
	"http://127%%2e0%%2e0%%2e1:%s/", "http://%%31%%32%%37.0.0.1:%s/", "http://127.0.0.1%%00.example.com:%s/", "http://127.0.0.1%%20:%s/",
	"http://127.0.0.1:0%s0/", "http://127.0.0.1:%s:80/", "http://127.0.0.1 :%s/", "http://-127.0.0.1:%s/", "http://127..0.0.1:%s/", "http://.127.0.0.1:%s/",
}

// literals are addresses that may be saved and lead to this machine, into its
// networks, or to what hands out credentials.
func literals(c *canary) []string {
	all := []string{
		"127.0.0.1", "127.0.0.2", "127.127.127.127", "127.255.255.254", "0.0.0.0", "0.1.2.3", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::ffff:0.0.0.0]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[::ffff:0:7f00:1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[64:ff9b:1:7f00:0:100::]", "[64:ff9b:1:808::7f00:1]",
		"[2002:7f00:1::]", "[2002:7f00:1::1]", "[2002:a9fe:a9fe::]", "[2001:0:7f00:1::]", "[2001:0:808:808::80ff:fffe]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
		"[fd00::5efe:7f00:1]", "[2600:1f00::5efe:127.0.0.1]", "[2600:1f00::200:5efe:7f00:1]", "[fe80::200:5efe:a9fe:a9fe]",
		"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "168.63.129.16", "100.100.100.200", "192.0.0.192",
		"[fd00:ec2::254]", "[fd00:ec2::23]", "[fd20:ce::254]", "[fd00:42::42]", "[fe80::a9fe:a9fe]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]",
		"10.0.0.1", "10.255.255.255", "100.64.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.1.1", "192.0.2.1", "198.18.0.1",
		"198.51.100.7", "203.0.113.7", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"[fc00::1]", "[fdff::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::10.0.0.1]",
		"localhost", "LOCALHOST", "LocalHost",
	}
	for _, ip := range c.on {
		if ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLoopback() {
			all = append(all, strings.TrimSuffix(netip.AddrPortFrom(ip, 0).String(), ":0"))
		}
		if ip.Is4() && ip.IsPrivate() {
			b := ip.As4()
			all = append(all, fmt.Sprintf("[::ffff:%s]", ip), fmt.Sprintf("[64:ff9b::%s]", ip), fmt.Sprintf("[2002:%02x%02x:%02x%02x::]", b[0], b[1], b[2], b[3]))
		}
	}
	return all
}

// zone is what the name server of the hostile owner answers. decoy is an address
// that the owner may reach.
func zone(c *canary, decoy string) map[string]func(n int32) []dnstest.Record {
	bad := make([]string, len(c.on))
	for i, ip := range c.on {
		bad[i] = ip.String()
	}
	always := func(r []dnstest.Record) func(int32) []dnstest.Record {
		return func(int32) []dnstest.Record { return r }
	}
	zone := map[string]func(int32) []dnstest.Record{
		"a.evil.example":           always(dnstest.Addresses("127.0.0.1")),
		"aaaa.evil.example":        always(dnstest.Addresses("::1")),
		"both.evil.example":        always(dnstest.Addresses("127.0.0.1", "::1")),
		"all.evil.example":         always(dnstest.Addresses(bad...)),
		"zero.evil.example":        always(dnstest.Addresses("0.0.0.0", "::")),
		"mapped.evil.example":      always(dnstest.Addresses("::ffff:127.0.0.1")),
		"nat64.evil.example":       always(dnstest.Addresses("64:ff9b::7f00:1")),
		"sixtofour.evil.example":   always(dnstest.Addresses("2002:7f00:1::")),
		"metadata.evil.example":    always(dnstest.Addresses("169.254.169.254", "fd00:ec2::254")),
		"private.evil.example":     always(dnstest.Addresses("10.0.0.1", "192.168.0.1")),
		"many.evil.example":        always(dnstest.Addresses("10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "127.0.0.2")),
		"cname.evil.example":       always(dnstest.Chain([]string{"canary.internal"}, "127.0.0.1")),
		"chain.evil.example":       always(dnstest.Chain([]string{"a.example", "b.example", "c.example", "localhost"}, "127.0.0.1", "::1")),
		"loop.evil.example":        always(dnstest.Chain([]string{"loop.evil.example"}, "127.0.0.1")),
		"meta-chain.evil.example":  always(dnstest.Chain([]string{"metadata.google.internal"}, "169.254.169.254")),
		"127.0.0.1.evil.example":   always(dnstest.Addresses("127.0.0.1")),
		"xn--127-0-0-1.example":    always(dnstest.Addresses("127.0.0.1")),
		"canary":                   always(dnstest.Addresses("127.0.0.1")),
		"canary.internal":          always(dnstest.Addresses("127.0.0.1")),
		"metadata.google.internal": always(dnstest.Addresses("169.254.169.254")),
		"nobody.internal":          always(nil),
		// Names with an address that may be dialled as well: that one, or none.
		"split.evil.example":    always(dnstest.Addresses(decoy, "::1")),
		"fallback.evil.example": always(dnstest.Addresses("127.0.0.1", decoy)),
		"behind.evil.example":   always(dnstest.Addresses(decoy, "127.0.0.1")),
	}
	for i, what := range []string{"127.0.0.1", "::1", "169.254.169.254"} { // now the one, now the other
		zone[fmt.Sprintf("rebind%d.evil.example", i)] = func(n int32) []dnstest.Record {
			if (n-1)/2%3 == 0 { // a dial asks twice: for A and for AAAA
				return dnstest.Addresses(decoy)
			}
			return dnstest.Addresses(what)
		}
	}
	return zone
}

// hostile is one destination: what its owner wants, and whose allow-list it has.
type hostile struct {
	url      string
	account  string
	redirect bool // it is reached, and its answer leads to the canary
	mixed    bool // a name that also has an address which may be dialled
}

func TestNoHostileDestinationReachesACanary(t *testing.T) {
	t.Parallel()
	c := newCanary(t)
	const decoy = "127.0.0.77" // what a trusted account may reach, beside everything that is not the system's
	names := zone(c, decoy)
	var asked sync.Map
	resolver := dnstest.Resolver(func(name string) []dnstest.Record {
		n, _ := asked.LoadOrStore(name, new(atomic.Int32))
		answer, ok := names[name]
		if !ok {
			return nil
		}
		return answer(n.(*atomic.Int32).Add(1))
	})
	own := new(sender.Own)
	var out [2]*sender.Sender
	for i, o := range []sender.Options{{Resolver: resolver}, {Resolver: resolver, Own: own}} {
		out[i] = sender.New(o)
		t.Cleanup(out[i].Close)
	}
	w := newWorld(t, dbtest.SQLite(t), func(o *delivery.Options) { o.Sender = out[0] })

	// Three accounts: one may reach what is public alone, one a single address of
	// this machine, and one everything, where the canary is a listener of the
	// system's own.
	plain, one, all := w.account(t), w.account(t), w.account(t)
	w.allow(t, one, decoy+"/32")
	w.allow(t, all, "0.0.0.0/0", "::/0")
	require.NoError(t, own.Listener("127.0.0.1:"+c.port))
	w.options.Sender = out[1]
	cores := map[string]*delivery.Core{plain: w.Core, one: w.Core, all: w.core(t)}

	list := destinations(c, names, plain, one, all)
	for _, status := range []int{301, 302, 303, 307, 308} {
		to := fmt.Sprintf("http://127.0.0.1:%s/", c.port)
		r := receiver.New(t, receiver.Times(10, receiver.Status(status, "Location", to))...)
		list = append(list, hostile{url: r.URL, account: all, redirect: true})
	}
	require.GreaterOrEqual(t, len(list), 150)

	var refused, blocked, answered, elsewhere int
	byID := make(map[string]hostile)
	for _, h := range list {
		if sender.CheckURL(h.url) != nil {
			refused++
			continue
		}
		byID[w.destination(t, h.account, h.url)] = h
	}
	for range 3 { // the names that change have changed by then
		blocked, answered, elsewhere = 0, 0, 0
		for account, core := range cores {
			run := delivery.NewRun()
			sent := w.commit(t, run, 0, account, `{"canary":true}`)
			_, err := core.First(t.Context(), run)
			require.NoError(t, err)
			for _, d := range sent {
				h := byID[d.DestinationID]
				switch a := w.only(t, d); {
				case h.redirect:
					require.Contains(t, []int{301, 302, 303, 307, 308}, a.Status, "%s: %s", h.url, a.Class)
					answered++
				case h.mixed && a.Class == "connect": // the one that may be dialled, where nobody listens
					elsewhere++
				default:
					require.Equal(t, "blocked", a.Class, "%s", h.url)
					blocked++
				}
			}
		}
	}
	require.Zero(t, c.hits.Load(), "a canary was reached")
	require.Equal(t, len(list), refused+blocked+answered+elsewhere)
	t.Logf("%d hostile destinations, %d refused when saved, %d blocked when dialled, %d redirects not followed, "+
		"%d dialled at their harmless address, %d canary hits", len(list), refused, blocked, answered, elsewhere, c.hits.Load())

	c.sings(t, w, cores[all], all)
}

// destinations of the three accounts, redirects aside.
func destinations(c *canary, names map[string]func(int32) []dnstest.Record, plain, one, all string) (list []hostile) {
	for _, spelling := range spellings {
		list = append(list, hostile{url: fmt.Sprintf(spelling, c.port), account: plain})
	}
	for _, literal := range literals(c) {
		list = append(list, hostile{url: "http://" + literal + ":" + c.port + "/", account: plain})
	}
	for name := range names {
		mixed := slices.ContainsFunc([]string{"split", "fallback", "behind", "rebind"}, func(p string) bool { return strings.HasPrefix(name, p) })
		list = append(list, hostile{url: "http://" + name + ":" + c.port + "/", account: plain})
		if name != "private.evil.example" {
			list = append(list, hostile{url: "https://" + name + ":" + c.port + "/", account: one, mixed: mixed})
		}
	}
	for _, literal := range []string{
		"127.0.0.1", "127.3.2.1", "[::1]", "[::]", "0.0.0.0", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost",
		"[2001:0:808:808::80ff:fffe]", "a.evil.example", "aaaa.evil.example", "chain.evil.example", "many.evil.example", "169.254.169.254", "[fd00:ec2::254]", "168.63.129.16",
		"metadata.evil.example", "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "[64:ff9b:1:808::7f00:1]",
	} {
		list = append(list, hostile{url: "http://" + literal + ":" + c.port + "/", account: all})
	}
	for _, ip := range c.on {
		list = append(list, hostile{url: "http://" + netip.AddrPortFrom(ip, c.addrPort()).String() + "/own", account: all})
	}
	return list
}

func (c *canary) addrPort() uint16 {
	return netip.MustParseAddrPort("127.0.0.1:" + c.port).Port()
}

// only is the one attempt of a delivery.
func (w *world) only(t *testing.T, d ingest.Delivery) attempted {
	t.Helper()
	var all []attempted
	require.Eventually(t, func() bool { // on a busy machine it goes on beyond the budget of its run
		all = w.attempts(t, d.ID)
		return len(all) > 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Len(t, all, 1)
	require.Empty(t, all[0].Body)
	return all[0]
}

// sings proves that the canary counts, and that the same way out reaches
// this machine where it may.
func (c *canary) sings(t *testing.T, w *world, core *delivery.Core, account string) {
	t.Helper()
	for _, ip := range c.on {
		conn, err := net.DialTimeout("tcp", netip.AddrPortFrom(ip, c.addrPort()).String(), 10*time.Second)
		require.NoError(t, err)
		_ = conn.Close()
	}
	require.Eventually(t, func() bool { return int(c.hits.Load()) == len(c.on) }, 10*time.Second, time.Millisecond)
	r := receiver.New(t)
	fine := w.destination(t, account, r.URL)
	run := delivery.NewRun()
	for _, d := range w.commit(t, run, 0, account, `{"canary":false}`) {
		if d.DestinationID == fine {
			_, err := core.First(t.Context(), run)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, w.only(t, d).Status)
		}
	}
	require.Len(t, r.Requests(), 1)
}
