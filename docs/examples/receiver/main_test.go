package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestReceiverChecksWhatIsSent(t *testing.T) {
	t.Parallel()
	key := sender.NewSecret()
	verifier, err := standardwebhooks.NewWebhook(sender.FormatSecret(key))
	require.NoError(t, err)
	server := httptest.NewServer(receive(verifier, http.StatusOK))
	t.Cleanup(server.Close)
	out := sender.New(sender.Options{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	t.Cleanup(out.Close)

	for _, test := range []struct {
		name, method string
		key          []byte
		status       int
	}{
		{"a body", http.MethodPost, key, http.StatusOK},
		{"a query string", http.MethodGet, key, http.StatusOK},
		{"another key", http.MethodPost, sender.NewSecret(), http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := out.Send(t.Context(), &sender.Request{
				EventID: "evt_01JD3ZQ8M4T6W0Y5K2BXH7000000", Method: test.method, URL: server.URL + "/in?x=1",
				Payload: []byte(`{"n":1.00,"text":"x y"}`), Keys: []sender.Key{{Bytes: test.key}},
			})
			require.Equal(t, test.status, result.Status, "%s", result.Class)
		})
	}
}
