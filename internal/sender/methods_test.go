package sender_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// seen is what a receiver got.
type seen struct {
	method, uri, body string
	header            http.Header
	length            int64
	chunked           bool
}

func record(t testing.TB, tls bool) (*httptest.Server, *seen) {
	t.Helper()
	var got seen
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, string(b), r.Header, r.ContentLength, len(r.TransferEncoding) > 0}
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thanks")
	}))
	if tls {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv, &got
}

func TestEveryMethodWithABodySendsTheExactBytes(t *testing.T) {
	t.Parallel()
	payloads := map[string]string{
		"spaces and number forms": "{ \"a\" : 1.00 ,\n\t\"b\":1e400, \"a\":\"\\u0041\" }\n",
		"not UTF-8":               "\"\xff\xfe\x80\"",
		"null escape":             `"\u0000"`,
		"large":                   `"` + strings.Repeat("x", 1<<20-2) + `"`,
	}
	for _, method := range sender.Methods[1:] {
		for name, payload := range payloads {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				srv, got := record(t, false)
				r := post(srv.URL + "/hook?x=1")
				r.Method, r.Payload = method, []byte(payload)
				res := newSender(t).Send(t.Context(), r)
				require.Equal(t, sender.Class(""), res.Class)
				require.Equal(t, http.StatusAccepted, res.Status)
				require.Equal(t, "thanks", string(res.Body))
				require.False(t, res.BodyTruncated)
				require.Equal(t, "yes", res.Header.Get("X-Answer"))
				require.Equal(t, method, got.method)
				require.Equal(t, "/hook?x=1", got.uri)
				require.Equal(t, payload, got.body)
				require.Equal(t, int64(len(payload)), got.length)
				require.False(t, got.chunked)
				require.Equal(t, "application/json", got.header.Get("Content-Type"))
			})
		}
	}
}

func TestGETSendsNoBody(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		t.Run("tls "+strconv.FormatBool(tls), func(t *testing.T) {
			t.Parallel()
			srv, got := record(t, tls)
			s := newSender(t, trust(srv))
			res := s.Send(t.Context(), get(srv.URL+"/hook?x=1", `{"a":"b c"}`))
			require.Equal(t, http.StatusAccepted, res.Status, res.Class)
			require.Equal(t, "/hook?x=1&a=b+c", got.uri)
			require.Empty(t, got.body)
			require.False(t, got.chunked)
			require.NotContains(t, got.header, "Content-Type")
			require.NotContains(t, got.header, "Content-Length")
			require.NotContains(t, got.header, "Transfer-Encoding")
		})
	}
}

func TestTheDestinationsHeadersWinOverDefaultsOnly(t *testing.T) {
	t.Parallel()
	srv, got := record(t, false)
	s := newSender(t, func(o *sender.Options) { o.UserAgent = "pusher/9" })
	r := post(srv.URL)
	require.Equal(t, http.StatusAccepted, s.Send(t.Context(), r).Status)
	require.Equal(t, "pusher/9", got.header.Get("User-Agent"))
	require.Equal(t, "*/*", got.header.Get("Accept"))
	require.NotContains(t, got.header, "Accept-Encoding")

	r.Headers = headers("user-agent", "mine", "CONTENT-TYPE", "application/vnd.x+json", "accept", "text/plain",
		"authorization", " Bearer x ", "x-empty", "")
	require.Equal(t, http.StatusAccepted, s.Send(t.Context(), r).Status)
	require.Equal(t, []string{"mine"}, got.header["User-Agent"])
	require.Equal(t, []string{"application/vnd.x+json"}, got.header["Content-Type"])
	require.Equal(t, []string{"text/plain"}, got.header["Accept"])
	require.Equal(t, []string{"Bearer x"}, got.header["Authorization"])
	m, _ := s.Build(r)
	require.Equal(t, "Bearer x", m.Header.Get("Authorization"), "what is built is what is sent")
	require.Equal(t, []string{""}, got.header["X-Empty"])
	require.Equal(t, []string{"evt_1"}, got.header["Webhook-Id"])
}

func TestWhatIsStoredAndBreaksARuleIsNotSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	tests := map[string]func(*sender.Request){
		"no event":         func(r *sender.Request) { r.EventID = "" },
		"event of 2 lines": func(r *sender.Request) { r.EventID = "evt\r\nx: y" },
		"no method":        func(r *sender.Request) { r.Method = "" },
		"other method":     func(r *sender.Request) { r.Method = "TRACE" },
		"no URL":           func(r *sender.Request) { r.URL = "" },
		"other scheme":     func(r *sender.Request) { r.URL = "ftp" + r.URL[4:] },
		"reserved header":  func(r *sender.Request) { r.Headers = headers("Webhook-Signature", "v1,x") },
		"chunked":          func(r *sender.Request) { r.Headers = headers("Transfer-Encoding", "chunked") },
		"broken header":    func(r *sender.Request) { r.Headers = headers("X-A", "b\r\nHost: c") },
		"no payload":       func(r *sender.Request) { r.Payload = nil },
		"no key":           func(r *sender.Request) { r.Keys = nil },
		"empty key":        func(r *sender.Request) { r.Keys = []sender.Key{key, {}} },
		"short key":        func(r *sender.Request) { r.Keys = []sender.Key{{Bytes: make([]byte, sender.MinKey-1)}, key} },
		"long key":         func(r *sender.Request) { r.Keys = []sender.Key{{Bytes: make([]byte, sender.MaxKey+1)}} },
		"empty seed":       func(r *sender.Request) { r.Keys = []sender.Key{key, {Ed25519: true}} },
		"short seed":       func(r *sender.Request) { r.Keys = []sender.Key{{Ed25519: true, Bytes: make([]byte, 31)}} },
		"long seed":        func(r *sender.Request) { r.Keys = []sender.Key{{Ed25519: true, Bytes: make([]byte, 33)}} },
		"no seed, a pair":  func(r *sender.Request) { r.Keys = []sender.Key{{Ed25519: true, Bytes: make([]byte, 64)}} },
		"GET of no JSON":   func(r *sender.Request) { r.Method, r.Payload = "GET", []byte("{") },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(srv.URL)
			spoil(r)
			res := newSender(t).Send(t.Context(), r)
			require.Equal(t, sender.InvalidRequest, res.Class)
			require.True(t, res.Class.Permanent())
		})
	}
}

func TestAFragmentIsNotSent(t *testing.T) {
	t.Parallel()
	srv, got := record(t, false)
	require.Equal(t, http.StatusAccepted, newSender(t).Send(t.Context(), get(srv.URL+"/h?x=1#top", `{"a":1}`)).Status)
	require.Equal(t, "/h?x=1&a=1", got.uri)
}
