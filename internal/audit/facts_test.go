package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/audit"
	"datapusher/internal/breaker"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	type facts = audit.Facts
	for name, c := range map[string]struct {
		before, after facts
		was, is       string
	}{
		"nothing":                    {facts{"a": "x"}, facts{"a": "x"}, `{}`, `{}`},
		"a value":                    {facts{"a": "x", "b": 1}, facts{"a": "y", "b": 1}, `{"a":"x"}`, `{"a":"y"}`},
		"added":                      {facts{}, facts{"a": "x"}, `{}`, `{"a":"x"}`},
		"removed":                    {facts{"a": "x"}, facts{}, `{"a":"x"}`, `{}`},
		"a list":                     {facts{"a": []string{"x"}}, facts{"a": []string{"x", "y"}}, `{"a":["x"]}`, `{"a":["x","y"]}`},
		"the same list":              {facts{"a": []string{"x"}}, facts{"a": []string{"x"}}, `{}`, `{}`},
		"a secret":                   {facts{"a": audit.Secret("x")}, facts{"a": audit.Secret("y")}, `{"a":"set"}`, `{"a":"changed"}`},
		"the same secret":            {facts{"a": audit.Secret("x")}, facts{"a": audit.Secret("x")}, `{}`, `{}`},
		"a secret added":             {facts{}, facts{"a": audit.Secret("x")}, `{}`, `{"a":"set"}`},
		"a secret removed":           {facts{"a": audit.Secret("x")}, facts{}, `{"a":"set"}`, `{}`},
		"within":                     {facts{"h": facts{"a": audit.Secret("x"), "b": audit.Secret("x")}}, facts{"h": facts{"a": audit.Secret("y"), "b": audit.Secret("x")}}, `{"h":{"a":"set"}}`, `{"h":{"a":"changed"}}`},
		"all within":                 {facts{"h": facts{"a": audit.Secret("x")}}, facts{}, `{"h":{"a":"set"}}`, `{}`},
		"a text that was a secret":   {facts{"a": audit.Secret("x")}, facts{"a": facts{"b": audit.Secret("x")}}, `{"a":"set"}`, `{"a":{"b":"set"}}`},
		"what looks like the secret": {facts{"a": audit.Secret("set")}, facts{"a": "set"}, `{"a":"set"}`, `{"a":"set"}`},
	} {
		got := audit.Diff(c.before, c.after)
		require.JSONEq(t, c.was, text(t, got.Before), name)
		require.JSONEq(t, c.is, text(t, got.After), name)
		require.Equal(t, c.was == `{}` && c.is == `{}`, got.Empty(), name)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// A secret is not printed by accident either.
func TestASecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%v", "%+v", "%s"} {
		require.NotContains(t, fmt.Sprintf(format, audit.Facts{"a": audit.Secret("marker")}), "marker", format)
	}
}

func TestURLsAreToldWithoutWhatMayBeSecret(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://example.com/hook":                      "https://example.com/hook",
		"https://example.com:8443/a%2Fb/":               "https://example.com:8443/a%2Fb/",
		"https://user:marker@example.com/hook":          "https://example.com/hook",
		"https://marker@example.com/hook":               "https://example.com/hook",
		"https://example.com/?token=marker":             "https://example.com/?token=••••",
		"https://example.com/?a=marker&b=&c=x=marker":   "https://example.com/?a=••••&b=••••&c=••••",
		"https://example.com/?marker":                   "https://example.com/?••••",
		"https://example.com/?a=1;marker=marker":        "https://example.com/?a=••••&marker=••••",
		"https://example.com/?marker&a=marker":          "https://example.com/?••••&a=••••",
		"https://example.com/?a=marker#marker":          "https://example.com/?a=••••",
		"https://example.com/?a=%zz":                    "https://example.com/?a=••••",
		"mailto:marker@example.com":                     "••••",
		"https://exa mple.com/marker":                   "••••",
		"https://[::1]:80/?a=marker":                    "https://[::1]:80/?a=••••",
		"http://user:mar%2Fker@example.com?a=marker":    "http://example.com?a=••••",
		"https://user:pass@marker@example.com/":         "https://example.com/",
		"https://example.com/\x7f?a=marker":             "••••",
		"//user:marker@example.com/hook":                "//example.com/hook",
		"https://example.com/hook?":                     "https://example.com/hook",
		"https://example.com/?a[]=marker&a[]=marker":    "https://example.com/?a[]=••••&a[]=••••",
		"https://example.com/?&&":                       "https://example.com/?",
		"https://example.com/?" + "a=b&token=" + "mark": "https://example.com/?a=••••&token=••••",
	} {
		f := audit.Destination(nil, &ent.Destination{URL: raw})
		var got struct{ URL string }
		require.NoError(t, json.Unmarshal([]byte(text(t, f)), &got))
		require.Equal(t, want, got.URL, raw)
	}
}

// Everything that a row may have, as the log tells it. A field that is added to a
// row is not in the log until it is added here as well.
func TestWhatIsToldOfARow(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 31, 12, 0, 0, 123456000, time.FixedZone("", 3600))
	box := plain{}
	headers, err := vault.SealHeaders(box, "dst_1", "acc_1", []sender.Header{{Name: "X-Key", Value: "marker"}})
	require.NoError(t, err)
	timeout, giveUp := 1500, 90
	for want, f := range map[string]audit.Facts{
		`{"allowCIDRs":["10.0.0.0/8"],"email":"j@x","name":"Jane","website":"https://x/?a=••••"}`: audit.Account(&ent.Account{
			ID: "acc_1", Name: "Jane", Email: "j@x", Website: "https://x/?a=marker", AllowCidrs: []string{"10.0.0.0/8"},
		}),
		`{"email":"j@x","name":"Jane"}`: audit.Account(&ent.Account{Name: "Jane", Email: "j@x"}),
		`{"expiresAt":"2030-01-31T11:00:00.123456Z","name":"ci","revokedAt":"2030-01-31T11:00:00.123456Z","scopes":["READ"],"secretToken":"set"}`: audit.Token(&ent.Token{
			Name: "ci", Scopes: []string{"READ"}, Hash: []byte("marker"), Prefix: "marker", ExpiresAt: &at, RevokedAt: &at,
		}),
		`{"giveUpAfter":"1m30s","headers":{"X-Key":"set"},"httpMethod":"PUT","name":"shop","retrySchedule":"5s 5m","signingAlgorithm":"ED25519","signingSecret":"set","timeout":"1.5s","url":"https://x"}`: audit.Destination(box, &ent.Destination{
			ID: "dst_1", AccountID: "acc_1", Name: "shop", URL: "https://x", HTTPMethod: "PUT", Headers: headers, SigningSecrets: []byte("marker"),
			SigningAlgorithm: "ED25519", RetrySchedule: "5s 5m", TimeoutMs: &timeout, GiveUpAfterS: &giveUp,
		}),
		`{"headers":"set","httpMethod":"","signingAlgorithm":"","signingSecret":"set","url":"https://x"}`: audit.Destination(plain{broken: true}, &ent.Destination{
			URL: "https://x", Headers: []byte("marker"),
		}),
		`{"drainRate":2.5,"pausedUntil":"2030-01-31T11:00:00.123456Z","reason":"why","state":"PAUSED"}`: audit.Standing(breaker.Standing{
			State: breaker.Paused, Reason: "why", PausedUntil: at, Rate: 2.5, Failing: []string{"dlv_1"}, ProbeAt: at, Probes: 3,
		}),
		`{"nextAttemptAt":"2030-01-31T11:00:00.123456Z","reason":"why","status":"RETRYING"}`: audit.Delivery(&ent.Delivery{
			Status: "RETRYING", Reason: "why", NextAttemptAt: &at,
		}),
		`{"destinationID":"dst_1","destinationIDs":["dst_2"],"eventType":"paid","from":"2030-01-31T11:00:00.123456Z","matched":3,"rate":1.5,"reason":"why","status":"RUNNING","statuses":["FAILED"],"to":"2030-01-31T11:00:00.123456Z"}`: audit.Replay(&ent.Replay{
			Status: "RUNNING", DestinationID: "dst_1", TargetIds: []string{"dst_2"}, EventType: "paid", FromTime: at, ToTime: at,
			Matched: 3, Rate: 1.5, Reason: "why", Statuses: []string{"FAILED"},
		}),
	} {
		require.JSONEq(t, want, text(t, f))
		require.NotContains(t, text(t, f), "marker")
	}
}

// plain is a box that seals nothing.
type plain struct{ broken bool }

func (plain) Seal(b []byte, _ ...string) ([]byte, error) { return bytes.Clone(b), nil } // whoever seals it may wipe it

func (p plain) Open(b []byte, _ ...string) ([]byte, error) {
	if p.broken {
		return nil, errors.New("no key")
	}
	return bytes.Clone(b), nil // whoever opens it may wipe it
}
