package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"192.0.2.1:1234": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::1", "[::ffff:192.0.2.1]:1": "192.0.2.1",
		"[fe80::1%eth0]:1": "fe80::1", "@": "", "": "", "192.0.2.1": "",
	} {
		require.Equal(t, want, httpapi.ClientAddress(&http.Request{RemoteAddr: from}), from)
	}
}
