package sink_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// signed are the headers of a signed request.
func signed(t *testing.T, secret string, at time.Time, body []byte) map[string]string {
	t.Helper()
	wh, err := webhooks.NewWebhook(secret)
	require.NoError(t, err)
	signature, err := wh.Sign("evt_1", at, body)
	require.NoError(t, err)
	return map[string]string{
		"Webhook-Id": "evt_1", "Webhook-Timestamp": strconv.FormatInt(at.Unix(), 10),
		"Webhook-Signature": "v1a,x v1,x " + signature,
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := []byte("{}")
	push := func(path string, headers map[string]string) {
		require.Equal(t, http.StatusOK, w.push(t, path, body, headers))
	}
	good := signed(t, secret, time.Now(), body)
	push("/ok/1", nil) // is not looked at
	require.NoError(t, w.Verify(secret, 1, nil))
	require.Zero(t, w.Stats().Verified)

	push("/ok/1", good)
	push("/ok/2", good)
	require.EqualValues(t, 2, w.Stats().Verified.Good)
	two := uint32(2)
	require.NoError(t, w.Verify(other, 1, &two))
	push("/ok/2", signed(t, other, time.Now(), body))
	push("/ok/1", good)
	require.EqualValues(t, 4, w.Stats().Verified.Good)
	require.Empty(t, w.Stats().Verified.FirstBad)

	push("/ok/2", good)
	require.Equal(t, "destination 2: evt_1: no signature fits", w.Stats().Verified.FirstBad)
	push("/ok/1", signed(t, secret, time.Now(), []byte("{ }")))
	push("/ok/1", signed(t, secret, time.Now().Add(-time.Hour), body))
	push("/ok/1", nil)
	got := w.Stats().Verified
	require.EqualValues(t, 4, got.Good)
	require.EqualValues(t, 4, got.Bad)

	require.NoError(t, w.Verify("", 0, nil)) // off
	push("/ok/1", nil)
	require.Equal(t, got, w.Stats().Verified)
	for _, s := range []string{"", "MfKQ", "whsec_", "whsec_*"} {
		require.Error(t, w.Verify(s, 1, nil), s)
	}
}

func TestVerifySome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Verify(secret, 3, nil))
	body := []byte("{}")
	for range 9 {
		w.push(t, "/ok/1", body, signed(t, secret, time.Now(), body))
	}
	require.EqualValues(t, 3, w.Stats().Verified.Good)
}
