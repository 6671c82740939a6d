package sender_test

import (
	"fmt"
	"net/http/httptrace"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestAConnectionIsKeptForThoseWithTheSameNetworks(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) {
		for c.read() != nil {
			c.say(ok)
		}
	})
	s := newSender(t, allowing(t, "none"))
	to := func(list string) *sender.Request {
		r := post(peer.URL)
		var err error
		r.AllowCIDRs, err = sender.ParseCIDRs(list)
		require.NoError(t, err)
		return r
	}
	for range 2 {
		require.Equal(t, 200, s.Send(t.Context(), to("127.0.0.0/8")).Status)
	}
	require.Equal(t, int32(1), peer.conns.Load())
	for _, other := range []string{"none", "10.0.0.0/8", "127.0.0.2/32"} {
		require.Equal(t, sender.Blocked, s.Send(t.Context(), to(other)).Class, other)
	}
	require.Equal(t, 200, s.Send(t.Context(), to("127.0.0.1/32")).Status)
	require.Equal(t, int32(2), peer.conns.Load(), "another set, another connection")
	require.Equal(t, int32(4-1), peer.requests.Load())
}

// A dial that is under way is given to whoever asks for the same host; not to
// those who may not dial it.
func TestADialUnderWayIsNotShared(t *testing.T) {
	t.Parallel()
	peer := newPeer(t, func(c *peerConn) { c.read(); c.say(ok) })
	asked, hold := make(chan struct{}, 8), make(chan struct{})
	s := newSender(t, allowing(t, "none"), names(func(string) []string {
		asked <- struct{}{}
		<-hold
		return []string{"127.0.0.1"}
	}))
	allowed, not := post(hook(t, peer.URL)), post(hook(t, peer.URL))
	allowed.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	results := make(chan sender.Result, 2)
	go func() { results <- s.Send(t.Context(), allowed) }()
	<-asked
	<-asked // A and AAAA
	waits := make(chan struct{})
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{DNSStart: func(httptrace.DNSStartInfo) { close(waits) }})
	go func() { results <- s.Send(traced, not) }()
	<-waits
	close(hold)
	one, other := <-results, <-results
	if one.Class == "" {
		one, other = other, one
	}
	require.Equal(t, sender.Blocked, one.Class)
	require.Equal(t, 200, other.Status)
	require.Equal(t, int32(1), peer.requests.Load())
}

func TestWaysOutAreBounded(t *testing.T) {
	t.Parallel()
	srv := serve(t, respond(204))
	s := newSender(t, allowing(t, "none"))
	for round := range 2 {
		for i := range 100 {
			r := post(srv.URL)
			r.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", i))}
			require.Equal(t, 204, s.Send(t.Context(), r).Status, "%d of round %d", i, round)
		}
	}
	require.Equal(t, sender.MaxWays, sender.Ways(s))
}
