package sender_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
	"datapusher/internal/testutil/dnstest"
)

// names makes a sender resolve by answer, which gives the addresses of a name
// for each question.
func names(answer func(name string) []string) func(*sender.Options) {
	return records(func(name string) []dnstest.Record { return dnstest.Addresses(answer(name)...) })
}

func records(answer dnstest.Answer) func(*sender.Options) {
	return func(o *sender.Options) { o.Resolver = dnstest.Resolver(answer) }
}

// allowing lets a sender dial those networks and no others that are not public.
func allowing(t testing.TB, list string) func(*sender.Options) {
	t.Helper()
	allow, err := sender.ParseCIDRs(list)
	require.NoError(t, err)
	return func(o *sender.Options) { o.AllowCIDRs = allow }
}

// hook is the URL of a server under a name of its own.
func hook(t testing.TB, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	return "http://hook.example:" + u.Port() + "/"
}

func TestANameIsJudgedByWhatItResolvesTo(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a blocked address was reached") })
	for _, addresses := range [][]string{
		{"127.0.0.1"}, {"127.0.0.1", "::1"}, {"::ffff:127.0.0.1"}, {"169.254.169.254"}, {"10.0.0.1", "192.168.0.1"}, {"0.0.0.0"},
	} {
		s := newSender(t, names(func(string) []string { return addresses }), func(o *sender.Options) { o.AllowCIDRs = nil })
		res := s.Send(t.Context(), post(hook(t, srv.URL)))
		require.Equal(t, sender.Result{Class: sender.Blocked, Sent: res.Sent, Started: res.Started}, res, addresses)
		require.False(t, res.Class.Permanent(), "a name may be mended")
	}
}

func TestANameThatChangesIsJudgedAtEveryDial(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) { c.read(); c.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") })
	var address atomic.Value
	address.Store("127.0.0.1")
	s := newSender(t, names(func(string) []string { return []string{address.Load().(string)} }))
	res := s.Send(t.Context(), post(hook(t, peer.URL)))
	require.Equal(t, 200, res.Status, res.Class)
	require.Positive(t, res.DNS)
	address.Store("169.254.169.254")
	require.Equal(t, sender.Blocked, s.Send(t.Context(), post(hook(t, peer.URL))).Class)
}

// An attempt that began to dial and then got a connection which another one set
// free did not spend its time on dialling.
func TestAConnectionThatWasSetFreeCostNoDial(t *testing.T) {
	t.Parallel()
	answer, busy, asked := make(chan struct{}), make(chan struct{}, 1), make(chan struct{}, 8)
	peer := newPeer(t, func(c *peerConn) {
		for c.read() != nil {
			busy <- struct{}{}
			<-answer
			c.say(ok)
		}
	})
	var lookups atomic.Int32
	hold := make(chan struct{})
	defer close(hold)
	s := newSender(t, names(func(string) []string {
		if lookups.Add(1) > 2 { // A and AAAA of the first attempt
			asked <- struct{}{}
			<-hold
		}
		return []string{"127.0.0.1"}
	}))
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.Send(t.Context(), post(hook(t, peer.URL))) })
	<-busy
	wg.Go(func() {
		<-asked
		close(answer)
		<-busy
	})
	res := s.Send(t.Context(), post(hook(t, peer.URL)))
	require.Equal(t, 200, res.Status, res.Class)
	require.Zero(t, res.DNS)
	require.Zero(t, res.Connect)
	require.Equal(t, int32(1), peer.conns.Load())
}

func TestANameWithoutAnAddress(t *testing.T) {
	t.Parallel()
	s := newSender(t, names(func(string) []string { return nil }))
	res := s.Send(t.Context(), post("https://nowhere.example/"))
	require.Equal(t, sender.DNS, res.Class)
	require.Positive(t, res.DNS)
	require.Zero(t, res.Connect)

	s = newSender(t, func(o *sender.Options) {
		o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no name server")
		}}
	})
	require.Equal(t, sender.DNS, s.Send(t.Context(), post("https://nowhere.example/")).Class)
}

// listen counts the connections to an address of this machine, as a canary.
func listen(t *testing.T, address string) (port string, hits *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	hits = new(atomic.Int32)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port, hits
}

func TestANameIsJudgedByTheEndOfItsChain(t *testing.T) {
	t.Parallel()
	srv := serve(t, respond(204))
	for _, chain := range [][]string{{"canary.internal"}, {"a.example", "b.example", "c.example"}, {"localhost"}} {
		answer := records(func(string) []dnstest.Record { return dnstest.Chain(chain, "127.0.0.1") })
		require.Equal(t, sender.Blocked, newSender(t, answer, allowing(t, "none")).Send(t.Context(), post(hook(t, srv.URL))).Class, chain)
		require.Equal(t, 204, newSender(t, answer).Send(t.Context(), post(hook(t, srv.URL))).Status, chain)
	}
}

// One family leads where it may, the other to the canary, whichever is tried first.
func TestANameWithOneForbiddenFamilyUsesTheOther(t *testing.T) {
	t.Parallel()
	port, hits := listen(t, "[::1]:0")
	peer, err := net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	srv := &http.Server{Handler: respond(204)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(peer) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	both := names(func(string) []string { return []string{"::1", "127.0.0.1"} })
	for range 10 {
		s := newSender(t, both, allowing(t, "127.0.0.1/32"))
		require.Equal(t, 204, s.Send(t.Context(), post("http://hook.example:"+port)).Status)
	}
	require.Zero(t, hits.Load())
}

// The address that may be dialled does not answer: that is no leave to try the other.
func TestAForbiddenAddressIsNoFallback(t *testing.T) {
	t.Parallel()
	port, hits := listen(t, "127.0.0.2:0")
	for _, addresses := range [][]string{{"127.0.0.1", "127.0.0.2"}, {"127.0.0.2", "127.0.0.1"}, {"::1", "127.0.0.2"}} {
		s := newSender(t, names(func(string) []string { return addresses }), allowing(t, "127.0.0.1/32,::1/128"))
		res := s.Send(t.Context(), post("http://hook.example:"+port))
		require.Contains(t, []sender.Class{sender.Blocked, sender.Connect}, res.Class, addresses)
	}
	require.Zero(t, hits.Load())
}

// The name leads to one address and then to another, however often it is asked.
func TestANameThatIsRebound(t *testing.T) {
	t.Parallel()
	port, hits := listen(t, "127.0.0.2:0")
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	var arrived atomic.Int32
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		w.Header().Set("Connection", "close")
	})}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	var asked atomic.Int32
	s := newSender(t, allowing(t, "127.0.0.1/32"), names(func(string) []string {
		if (asked.Add(1)-1)/2%2 == 0 { // a dial asks for A and for AAAA
			return []string{"127.0.0.1"}
		}
		return []string{"127.0.0.2"}
	}))
	for i := range 20 {
		res := s.Send(t.Context(), post("http://hook.example:"+port))
		if i%2 == 0 {
			require.Equal(t, 200, res.Status, res.Class)
		} else {
			require.Equal(t, sender.Blocked, res.Class)
		}
	}
	require.Equal(t, int32(10), arrived.Load())
	require.Zero(t, hits.Load())
}

func TestANameServerThatStallsEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	s := newSender(t, names(func(string) []string { <-hold; return nil }))
	r := post("http://hook.example/")
	r.Timeout = short
	res := s.Send(t.Context(), r)
	require.Equal(t, sender.Timeout, res.Class)
	require.GreaterOrEqual(t, res.Total, short)
	require.Less(t, res.Total, much)
	require.Zero(t, res.Connect)
}

// Otherwise the two answers would tell which names there are inside.
func TestANameThatOnlyInsideIsKnownMayNotBeThere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"canary", "canary.internal", "CANARY.Internal", "db.svc.cluster.local", "host.docker.internal", "x.localhost", "router.lan", "nas.home", "x.home.arpa",
		"intranet.corp", "a.b.c.private", "x.intranet", "x.localdomain",
	} {
		var results []sender.Result
		for _, addresses := range [][]string{nil, {"10.0.0.1"}} {
			s := newSender(t, names(func(string) []string { return addresses }), allowing(t, "none"))
			res := s.Send(t.Context(), post("http://"+name+"/"))
			results = append(results, sender.Result{Class: res.Class, Status: res.Status, Header: res.Header, Body: res.Body, DNS: res.DNS, Total: res.Total})
		}
		require.Equal(t, sender.Result{Class: sender.Blocked}, results[0], name)
		require.Equal(t, results[0], results[1], name)
	}
	for _, name := range []string{"nowhere.example", "internal.example", "lan.example.com", "localhost.example", "x.homes"} {
		s := newSender(t, names(func(string) []string { return nil }))
		require.Equal(t, sender.DNS, s.Send(t.Context(), post("http://"+name+"/")).Class, name)
	}
}
