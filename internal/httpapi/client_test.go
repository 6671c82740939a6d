package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"203.0.113.7:4711":          "203.0.113.7",
		"[2001:db8::7]:4711":        "2001:db8::7",
		"[::ffff:203.0.113.7]:4711": "203.0.113.7",
		"[fe80::1%eth0]:4711":       "fe80::1",
		"@":                         "",
		"":                          "",
		"example.com:80":            "",
	} {
		require.Equal(t, want, clientAddress(&http.Request{RemoteAddr: remote}), remote)
	}
}
