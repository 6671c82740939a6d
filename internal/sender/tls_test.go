package sender_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// issue makes a certificate for 127.0.0.1 as told, signed by itself.
func issue(t testing.TB, set func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	set(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}

// In each row what is not said is in order; the first proves that.
func TestACertificateMustBeValid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set     func(*x509.Certificate)
		trusted bool
		want    sender.Class
	}{
		"in order":        {set: func(*x509.Certificate) {}, trusted: true},
		"self-signed":     {set: func(*x509.Certificate) {}, want: sender.TLS},
		"expired":         {set: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, trusted: true, want: sender.TLS},
		"not yet valid":   {set: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, trusted: true, want: sender.TLS},
		"another address": {set: func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }, trusted: true, want: sender.TLS},
		"a name in place of an address": {set: func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"127.0.0.1", "localhost"}
		}, trusted: true, want: sender.TLS},
		"only a common name": {set: func(c *x509.Certificate) {
			c.IPAddresses, c.Subject.CommonName = nil, "127.0.0.1"
		}, trusted: true, want: sender.TLS},
		"for clients": {set: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, trusted: true, want: sender.TLS},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate := issue(t, test.set)
			var requests atomic.Int32
			srv := serveTLS(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }, func(s *httptest.Server) {
				s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			})
			roots := x509.NewCertPool()
			if test.trusted {
				roots.AddCert(certificate.Leaf)
			}
			res := newSender(t, func(o *sender.Options) { o.RootCAs = roots }).Send(t.Context(), post(srv.URL))
			require.Equal(t, test.want, res.Class)
			require.Equal(t, test.want == "", requests.Load() == 1)
		})
	}
}
