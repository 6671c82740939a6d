package sender_test

import (
	"crypto/ed25519"
	"encoding/base64"
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

// received is what a receiver sees of the content that was signed.
func received(r *http.Request) []byte {
	if r.Method == http.MethodGet {
		return []byte(r.URL.RawQuery)
	}
	content, _ := io.ReadAll(r.Body)
	return content
}

// accepts judges the signatures of a request as a receiver does that has what
// [sender.Key.Public] gives: the published library for HMAC, crypto/ed25519 for
// Ed25519, since the library does not know that kind.
func accepts(public string, content []byte, h http.Header) bool {
	text, isEd25519 := strings.CutPrefix(public, "whpk_")
	if !isEd25519 {
		judge, err := webhooks.NewWebhook(public)
		return err == nil && judge.Verify(content, h) == nil
	}
	signer, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	signed := append([]byte(h.Get("webhook-id")+"."+h.Get("webhook-timestamp")+"."), content...)
	for one := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		text, isEd25519 := strings.CutPrefix(one, "v1a,")
		signature, err := base64.StdEncoding.Strict().DecodeString(text)
		if isEd25519 && err == nil && ed25519.Verify(signer, signed, signature) {
			return true
		}
	}
	return false
}

// The judges see what a receiver sees.
func TestReceiversAcceptEveryMethodAndEachOfTheKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]sender.Key{
		"HMAC":            {key},
		"HMAC rotated":    {key, sender.NewKey(false)},
		"Ed25519":         {edKey},
		"Ed25519 rotated": {edKey, sender.NewKey(true)},
		"to Ed25519":      {edKey, key},
		"to HMAC":         {key, edKey},
		"to and fro":      {edKey, key, sender.NewKey(true), sender.NewKey(false)},
	} {
		for _, method := range sender.Methods {
			for _, payload := range []string{`{"a": 1.00, "b":"é"}`, "{\"a\":\"\xff\"}", `["x"]`} {
				t.Run(name+" "+method+" "+strconv.Quote(payload), func(t *testing.T) {
					t.Parallel()
					srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
						content := received(r)
						for _, k := range keys {
							if !accepts(k.Public(), content, r.Header) {
								w.WriteHeader(http.StatusUnauthorized)
							}
						}
						for _, isEd25519 := range []bool{false, true} {
							if accepts(sender.NewKey(isEd25519).Public(), content, r.Header) {
								w.WriteHeader(http.StatusConflict)
							}
						}
					})
					r := post(srv.URL + "/?own=%20query")
					r.Method, r.Payload, r.Keys = method, []byte(payload), keys
					require.Equal(t, http.StatusOK, newSender(t).Send(t.Context(), r).Status)
				})
			}
		}
	}
}

func TestEachKeySignsInOrderAndEachAttemptHasItsTime(t *testing.T) {
	t.Parallel()
	at := time.Unix(1700000000, 999)
	s := newSender(t, func(o *sender.Options) { o.Now = func() time.Time { return at } })
	second := sender.Key{Bytes: []byte(strings.Repeat("k", sender.MinKey))}
	r := post("https://example.com")
	r.Keys = []sender.Key{key, edKey, second}
	m, class := s.Build(r)
	require.Empty(t, class)
	require.Equal(t, "evt_1", m.Header.Get("webhook-id"))
	require.Equal(t, "1700000000", m.Header.Get("webhook-timestamp"))
	var want []string
	for _, k := range r.Keys {
		if k.Ed25519 {
			sig := ed25519.Sign(ed25519.NewKeyFromSeed(k.Bytes), []byte(`evt_1.1700000000.{"a":1}`))
			want = append(want, "v1a,"+base64.StdEncoding.EncodeToString(sig))
			continue
		}
		judge, err := webhooks.NewWebhookRaw(k.Bytes)
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

// More keys than the room that sign begins with.
func TestAnyNumberOfKeysSign(t *testing.T) {
	t.Parallel()
	r := post("https://example.com")
	for range 12 {
		r.Keys = append(r.Keys, sender.NewKey(true), sender.NewKey(false))
	}
	m, class := newSender(t).Build(r)
	require.Empty(t, class)
	require.Len(t, strings.Fields(m.Header.Get("webhook-signature")), len(r.Keys))
	for _, k := range r.Keys {
		require.True(t, accepts(k.Public(), r.Payload, m.Header))
	}
}
