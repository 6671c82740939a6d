package delivery_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/internal/vault"
)

func TestSecretsInAnAnswerAreMasked(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	written := base64.StdEncoding.EncodeToString(key)
	headers := func(values ...string) (all []sender.Header) {
		for _, v := range values {
			all = append(all, sender.Header{Name: "X-Key", Value: v})
		}
		return all
	}
	long := strings.Repeat("planted-marker", 2000)
	for name, c := range map[string]struct {
		headers   []sender.Header
		keys      []vault.SigningSecret
		body      string
		truncated bool
		want      string
	}{
		"nothing to hide":           {nil, nil, "planted-marker", false, "planted-marker"},
		"nothing of it":             {headers("planted-marker"), nil, "thanks", false, "thanks"},
		"echoed":                    {headers("planted-marker"), nil, `<p>planted-marker</p>`, false, `<p>••••</p>`},
		"twice":                     {headers("planted-marker"), nil, `planted-markerplanted-marker`, false, `••••••••`},
		"the shortest":              {headers("12345678"), nil, `a12345678b`, false, `a••••b`},
		"too short":                 {headers("1234567"), nil, `a1234567b`, false, `a1234567b`},
		"with its scheme":           {headers("Bearer planted-marker"), nil, `got Bearer planted-marker`, false, `got ••••`},
		"without its scheme":        {headers("Bearer planted-marker"), nil, `token planted-marker is bad`, false, `token •••• is bad`},
		"one begins like another":   {headers("planted-marker", "planted-marker-2"), nil, `planted-marker-2 planted-marker`, false, `•••• ••••`},
		"in JSON":                   {headers(`planted"marker\`), nil, `{"h":"planted\"marker\\"}`, false, `{"h":"••••"}`},
		"in JSON, safe for HTML":    {headers(`planted<marker>`), nil, `{"h":"planted\u003cmarker\u003e"}`, false, `{"h":"••••"}`},
		"in a query":                {headers("planted marker+1"), nil, `a=planted+marker%2B1`, false, `a=••••`},
		"spaces around":             {headers(" planted-marker "), nil, `planted-marker`, false, `••••`},
		"no text":                   {headers("planted-\xff\xfe"), nil, "a planted-\xff\xfe b", false, "a •••• b"},
		"a signing secret":          {nil, []vault.SigningSecret{{Key: key}}, `whsec_` + written, false, `whsec_••••`},
		"its bytes":                 {nil, []vault.SigningSecret{{Key: key}}, `key=` + string(key), false, `key=••••`},
		"of Ed25519":                {nil, []vault.SigningSecret{{Key: key, Ed25519: true}}, written, false, written},
		"cut off":                   {headers("planted-marker"), nil, `got planted-mar`, true, `got ••••`},
		"cut off early":             {headers("planted-marker"), nil, `got plan`, true, `got ••••`},
		"a few bytes of it":         {headers("planted-marker"), nil, `got pla`, true, `got pla`},
		"not cut":                   {headers("planted-marker"), nil, `got planted-mar`, false, `got planted-mar`},
		"what is no credential":     {[]sender.Header{{Name: "content-type", Value: "application/json"}}, nil, "application/json", false, "application/json"},
		"only that and white space": {headers("   "), nil, "           ", false, "           "},
		"far more than is kept":     {headers("planted-marker"), nil, long, true, strings.Repeat("••••", 2000)[:sender.MaxBody]},
	} {
		got, truncated := delivery.Redacted([]byte(c.body), c.truncated, c.headers, c.keys)
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.truncated, truncated, name)
	}
	got, truncated := delivery.Redacted([]byte(strings.Repeat("12345678", 2048)), false, headers("12345678"), nil)
	require.Len(t, got, sender.MaxBody)
	require.True(t, truncated, "masks are longer than what they stand for")
}

// A receiver that gives back what it got: what is stored, and shown to whoever may
// read attempts, is without the secrets.
func TestAnEchoOfSecretsIsNotKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		signing := base64.StdEncoding.EncodeToString(signingKey)
		r := receiver.New(t, func(rw http.ResponseWriter, q *http.Request) {
			rw.Header().Set("X-Echo", "you sent "+q.Header.Get("Authorization"))
			rw.Header().Set("X-Verified-With", "whsec_"+signing)
			rw.WriteHeader(http.StatusBadRequest)
			_ = q.Header.Write(rw)
			_, _ = rw.Write([]byte("whsec_" + signing))
		})
		account := w.account(t)
		destination := w.destination(t, account, r.URL)
		headers, err := vault.SealHeaders(w.box, destination, account, []sender.Header{{Name: "Authorization", Value: "Bearer planted-marker"}})
		require.NoError(t, err)
		w.db.Ent.Destination.UpdateOneID(destination).SetHeaders(headers).ExecX(auth.AsSystem(t.Context()))
		run := delivery.NewRun()
		d := w.commit(t, run, 0, account, `{"a":1}`)[0]
		own, err := vault.SealEventHeaders(w.box, d.EventID, account, []sender.Header{{Name: "X-Own", Value: "planted-second"}})
		require.NoError(t, err)
		w.exec(t, "UPDATE events SET headers = $1 WHERE id = $2", own, d.EventID)
		w.attempt(t, run, d.ID)

		sent := r.Requests()[0]
		require.Equal(t, "Bearer planted-marker", sent.Header.Get("Authorization"))
		require.Equal(t, "planted-second", sent.Header.Get("X-Own"))
		e := w.exchange(t, d.ID)
		require.Equal(t, "you sent ••••", e.Received["X-Echo"])
		require.Equal(t, "whsec_••••", e.Received["X-Verified-With"])
		require.Contains(t, string(e.Body), "Authorization: ••••\r\n")
		require.Contains(t, string(e.Body), "X-Own: ••••\r\n")
		for _, kept := range []string{string(e.Body), string(e.sentRaw), string(e.gotHeader)} {
			require.NotContains(t, kept, "planted")
			require.NotContains(t, kept, signing)
		}
	})
}
