package sender_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"datapusher/internal/sender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const loopback = "127.0.0.0/8,::1/128"

var (
	key   = sender.Key{Bytes: []byte("0123456789abcdef0123456789abcdef")}
	edKey = sender.Key{Ed25519: true, Bytes: []byte("fedcba9876543210fedcba9876543210")}
)

// newSender makes a sender that may dial this machine, unless options say more.
func newSender(t testing.TB, options ...func(*sender.Options)) *sender.Sender {
	t.Helper()
	allow, err := sender.ParseCIDRs(loopback)
	require.NoError(t, err)
	o := sender.Options{AllowCIDRs: allow}
	for _, set := range options {
		set(&o)
	}
	s := sender.New(o)
	t.Cleanup(s.Close)
	return s
}

// post is a request that is right in every way.
func post(url string) *sender.Request {
	return &sender.Request{
		EventID: "evt_1", Method: http.MethodPost, URL: url,
		Payload: []byte(`{"a":1}`), Keys: []sender.Key{key}, Timeout: 10 * time.Second,
	}
}

func get(url, payload string) *sender.Request {
	r := post(url)
	r.Method, r.Payload = http.MethodGet, []byte(payload)
	return r
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// respond is a handler that gives one status.
func respond(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// headers makes a destination's headers from names and values in turn.
func headers(pairs ...string) []sender.Header {
	var out []sender.Header
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, sender.Header{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// onConn gives a context in which f runs when an attempt has its connection,
// before anything is written to it.
func onConn(ctx context.Context, f func(httptrace.GotConnInfo)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: f})
}
