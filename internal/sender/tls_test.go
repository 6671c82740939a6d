package sender_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// trust makes a sender trust a test server's certificate.
func trust(srv *httptest.Server) func(*sender.Options) {
	return func(o *sender.Options) {
		if srv.Certificate() != nil {
			o.RootCAs = x509.NewCertPool()
			o.RootCAs.AddCert(srv.Certificate())
		}
	}
}

func serveTLS(t testing.TB, h http.HandlerFunc, set func(*httptest.Server)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	if set != nil {
		set(srv)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	never := func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }
	tests := map[string]struct {
		set     func(*httptest.Server)
		trusted bool
		host    string
	}{
		"unknown authority": {},
		"another host":      {trusted: true, host: "other.example"},
		"TLS 1.1": {trusted: true, set: func(s *httptest.Server) {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		}},
		"client certificate wanted, TLS 1.3": {trusted: true, set: func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		}},
		"client certificate wanted, TLS 1.2": {trusted: true, set: func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serveTLS(t, never, test.set)
			s := newSender(t, names(func(string) []string { return []string{"127.0.0.1"} }), func(o *sender.Options) {
				if test.trusted {
					trust(srv)(o)
				}
			})
			target := srv.URL
			if test.host != "" {
				_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
				require.NoError(t, err)
				target = "https://" + test.host + ":" + port
			}
			res := s.Send(t.Context(), post(target))
			require.Equal(t, sender.TLS, res.Class)
			require.Zero(t, res.Status)
		})
	}
}

func TestAServerWithoutTLS(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request came through") })
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	require.Equal(t, sender.TLS, newSender(t).Send(t.Context(), post(strings.Replace(srv.URL, "http:", "https:", 1))).Class)
}

func TestTLSVersionsAndProtocolsThatAreSpoken(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[h2]
			srv := serveTLS(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) },
				func(s *httptest.Server) {
					s.EnableHTTP2 = h2
					s.TLS = &tls.Config{MinVersion: version, MaxVersion: version}
				})
			res := newSender(t, trust(srv)).Send(t.Context(), post(srv.URL))
			require.Equal(t, 200, res.Status, res.Class)
			require.Equal(t, want, string(res.Body))
		}
	}
}
