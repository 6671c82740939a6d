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
