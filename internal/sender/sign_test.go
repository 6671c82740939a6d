package sender_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// The published library is the judge: it sees what a receiver sees.
func TestTheLibraryOfStandardWebhooksAcceptsEveryMethod(t *testing.T) {
	t.Parallel()
	old := sender.NewSecret()
	for _, method := range sender.Methods {
		for _, payload := range []string{`{"a": 1.00, "b":"é"}`, "{\"a\":\"\xff\"}", `["x"]`} {
			t.Run(method+" "+strconv.Quote(payload), func(t *testing.T) {
				t.Parallel()
				srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
					content, _ := io.ReadAll(r.Body)
					if r.Method == http.MethodGet {
						content = []byte(r.URL.RawQuery)
					}
					for _, k := range [][]byte{key, old} {
						judge, err := webhooks.NewWebhook(sender.FormatSecret(k))
						if err != nil || judge.Verify(content, r.Header) != nil {
							w.WriteHeader(http.StatusUnauthorized)
						}
					}
					stranger, _ := webhooks.NewWebhookRaw(sender.NewSecret())
					if stranger.Verify(content, r.Header) == nil {
						w.WriteHeader(http.StatusConflict)
					}
				})
				r := post(srv.URL + "/?own=%20query")
				r.Method, r.Payload, r.Secrets = method, []byte(payload), [][]byte{key, old}
				require.Equal(t, http.StatusOK, newSender(t).Send(t.Context(), r).Status)
			})
		}
	}
}

func TestEachKeySignsInOrderAndEachAttemptHasItsTime(t *testing.T) {
	t.Parallel()
	at := time.Unix(1700000000, 999)
	s := newSender(t, func(o *sender.Options) { o.Now = func() time.Time { return at } })
	second := []byte(strings.Repeat("k", sender.MinKey))
	r := post("https://example.com")
	r.Secrets = [][]byte{key, second}
	m, class := s.Build(r)
	require.Empty(t, class)
	require.Equal(t, "evt_1", m.Header.Get("webhook-id"))
	require.Equal(t, "1700000000", m.Header.Get("webhook-timestamp"))
	var want []string
	for _, k := range r.Secrets {
		judge, err := webhooks.NewWebhookRaw(k)
		require.NoError(t, err)
		sig, err := judge.Sign("evt_1", at, r.Payload)
		require.NoError(t, err)
		want = append(want, sig)
	}
	require.Equal(t, strings.Join(want, " "), m.Header.Get("webhook-signature"))

	before := m.Header.Get("webhook-signature")
	at = at.Add(time.Second)
	m, _ = s.Build(r)
	require.Equal(t, "1700000001", m.Header.Get("webhook-timestamp"))
	require.NotEqual(t, before, m.Header.Get("webhook-signature"))
}
