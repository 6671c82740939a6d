package sender_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestURLsThatMayBeSaved(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://example.com", "http://example.com/", "HTTPS://EXAMPLE.com/Hook", "https://example.com:8443/a/b?c=d&e",
		"https://xn--bcher-kva.example/x", "http://localhost:8000", "http://my_service:9000/in", "http://127.0.0.1/",
		"http://10.0.0.1", "http://[::1]:80/", "http://[2001:db8::1]", "http://[::ffff:127.0.0.1]/", "https://a.b-c.d1/%20?x=%zz",
		"https://3com.example", "https://example.x1", "https://e.com/user@host", "https://e.com/?u=http://x",
		"http://e.com:1", "http://e.com:65535", "https://e.com/" + strings.Repeat("a", sender.MaxURL-14),
		"https://" + strings.Repeat("a", 63) + ".com",
	} {
		require.NoError(t, sender.CheckURL(good), good)
	}
}

func TestURLsThatMayNotBeSaved(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, want string }{
		{"", "must not be empty"},
		{"example.com", "must begin with http"},
		{"/hook", "must begin with http"},
		{"//example.com", "must begin with http"},
		{"ftp://example.com", "must begin with http"},
		{"file:///etc/passwd", "must begin with http"},
		{"javascript:alert(1)", "must begin with http"},
		{"gopher://127.0.0.1", "must begin with http"},
		{"http:example.com", "must name a host"},
		{"http://", "must name a host"},
		{"http:///hook", "must name a host"},
		{"http://:80/", "must name a host"},
		{"http://?x", "must name a host"},
		{"https://u:p@example.com", "must not carry a user name"},
		{"https://u@example.com", "must not carry a user name"},
		{"https://@example.com", "must not carry a user name"},
		{"https://example.com#f", "must not have a fragment"},
		{"https://example.com/#", "must not have a fragment"},
		{"https://evil.example#@example.com", "must not have a fragment"},
		{" https://example.com", "must not contain spaces"},
		{"https://example.com ", "must not contain spaces"},
		{"https://example.com/a b", "must not contain spaces"},
		{"https://example.com/\r\nHost: x", "must not contain spaces"},
		{"https://example.com/\x00", "must not contain spaces"},
		{"https://example.com/\x7f", "must not contain spaces"},
		{"https://exa\tmple.com/", "must not contain spaces"},
		{`https://example.com\@evil.example`, "must not contain a backslash"},
		{`http:\\example.com`, "must not contain a backslash"},
		{"https://bücher.example", "must be ASCII"},
		{"http://127。0。0。1/", "must be ASCII"},
		{"http://１２７.0.0.1/", "must be ASCII"},
		{"http://①②⑦.0.0.1/", "must be ASCII"},
		{"https://example.com/ü", "must be ASCII"},
		{"http://%e2%91%a0.com", "must have a host of letters"},
		{"http://127.1/", "must not have a number for a host"},
		{"http://127.0.1/", "must not have a number for a host"},
		{"http://2130706433/", "must not have a number for a host"},
		{"http://0x7f000001/", "must not have a number for a host"},
		{"http://0X7F000001/", "must not have a number for a host"},
		{"http://0X7F.0.0.1/", "must not have a number for a host"},
		{"http://0x7f.0x0.0x0.0x1/", "must not have a number for a host"},
		{"http://0x/", "must not have a number for a host"},
		{"http://0177.0.0.1/", "must not have a number for a host"},
		{"http://017700000001/", "must not have a number for a host"},
		{"http://127.000.000.001/", "must not have a number for a host"},
		{"http://256.1.1.1/", "must not have a number for a host"},
		{"http://1.2.3.4.5/", "must not have a number for a host"},
		{"http://example.1/", "must not have a number for a host"},
		{"http://127.0.0.1./", "must not end its host with a dot"},
		{"http://localhost./", "must not end its host with a dot"},
		{"http://./", "must not end its host with a dot"},
		{"http://.example.com/", "must have a host of letters"},
		{"http://a..b/", "must have a host of letters"},
		{"http://-a.example/", "must have a host of letters"},
		{"http://a-.example/", "must have a host of letters"},
		{"http://a!b.example/", "must have a host of letters"},
		{"http://a*b.example/", "must have a host of letters"},
		{"http://" + strings.Repeat("a", 64) + ".com/", "must have a host of letters"},
		{"http://" + strings.Repeat("a.", 127) + "com/", "at most 253"},
		{"http://[::1%25eth0]/", "plain IPv6 address"},
		{"http://[fe80::1%25]/", "is not a URL"},
		{"http://[127.0.0.1]/", "is not a URL"},
		{"http://[]/", "is not a URL"},
		{"http://::1/", "is not a URL"},
		{"http://example.com:0/", "must have a port"},
		{"http://example.com:65536/", "must have a port"},
		{"http://example.com:/", "must have a port"},
		{"http://example.com:-1/", "is not a URL"},
		{"http://example.com:80:80/", "is not a URL"},
		{"http://example.com:http/", "is not a URL"},
		{"http://[::1", "is not a URL"},
		{"http://%31.com", "is not a URL"},
		{"https://e.com/%zz", "is not a URL"},
		{"https://e.com/" + strings.Repeat("a", sender.MaxURL), "at most 2048"},
	}
	for _, test := range tests {
		require.ErrorContains(t, sender.CheckURL(test.url), test.want, "%q", test.url)
	}
}
