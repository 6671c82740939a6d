package sender_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestTheResultHasTheHeadersThatTheReceiverGot(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		for _, method := range sender.Methods {
			t.Run(method+" tls "+strconv.FormatBool(tls), func(t *testing.T) {
				t.Parallel()
				srv, got := record(t, tls)
				r := post(srv.URL)
				r.Method, r.Headers = method, headers("x-api-key", " 7 ", "USER-AGENT", "mine", "x-empty", "")
				res := newSender(t, trust(srv)).Send(t.Context(), r)
				require.Equal(t, http.StatusAccepted, res.Status, res.Class)
				got.header.Del("Content-Length")
				require.Equal(t, got.header, res.Sent)
				require.Equal(t, []string{"7"}, res.Sent["X-Api-Key"])
				require.Contains(t, res.Sent, "Webhook-Signature")
			})
		}
	}
}

func TestTheResultHasTheHeadersHoweverTheAttemptEnds(t *testing.T) {
	t.Parallel()
	at := time.Unix(1700000000, 0)
	clock := func(o *sender.Options) { o.Now = func() time.Time { return at } }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for class, test := range map[sender.Class]struct {
		ctx context.Context
		set func(*sender.Options)
		url string
	}{
		"":              {t.Context(), clock, newPeer(t, func(c *peerConn) { c.read(); c.say(ok) }).URL},
		sender.Closed:   {t.Context(), clock, newPeer(t, func(c *peerConn) { c.read() }).URL},
		sender.Protocol: {t.Context(), clock, newPeer(t, func(c *peerConn) { c.read(); c.say("nonsense\r\n\r\n") }).URL},
		sender.Timeout:  {t.Context(), clock, newPeer(t, func(c *peerConn) { c.untilGone() }).URL},
		sender.Canceled: {gone, clock, "http://127.0.0.1:9/"},
		sender.DNS:      {t.Context(), names(func(string) []string { return nil }), "http://nowhere.example/"},
		sender.Blocked:  {t.Context(), clock, "http://169.254.169.254/"},
	} {
		t.Run("class "+string(class), func(t *testing.T) {
			t.Parallel()
			s := newSender(t, test.set, clock)
			r := post(test.url)
			if class == sender.Timeout {
				r.Timeout = short
			}
			res := s.Send(test.ctx, r)
			require.Equal(t, class, res.Class)
			m, _ := s.Build(r)
			require.NotEmpty(t, m.Header)
			require.Equal(t, m.Header, res.Sent)
		})
	}
}

func TestWhatCouldNotBeBuiltHasNoHeaders(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	res := s.Send(t.Context(), post("ftp://example.com"))
	require.Equal(t, sender.InvalidRequest, res.Class)
	require.Nil(t, res.Sent)
	res = s.Send(t.Context(), get("https://example.com", `"`+strings.Repeat("x", 9000)+`"`))
	require.Equal(t, sender.URLTooLong, res.Class)
	require.Nil(t, res.Sent)
}
