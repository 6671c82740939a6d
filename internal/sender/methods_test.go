package sender_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

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
		"no secret":        func(r *sender.Request) { r.Secrets = nil },
		"empty secret":     func(r *sender.Request) { r.Secrets = [][]byte{key, {}} },
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

func TestRedirectsAreAnswersAndNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for _, method := range sender.Methods {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(status)
			})
			r := post(srv.URL)
			r.Method = method
			res := newSender(t).Send(t.Context(), r)
			require.Equal(t, status, res.Status)
			require.Equal(t, sender.Class(""), res.Class)
		}
	}
}

func TestEveryStatusIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204, 205, 206, 400, 401, 404, 410, 418, 429, 500, 503, 599, 999} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(status)
		})
		res := newSender(t).Send(t.Context(), post(srv.URL))
		require.Equal(t, status, res.Status)
		require.Equal(t, "120", res.RetryAfter)
		require.Empty(t, res.Body)
		require.False(t, res.BodyTruncated)
	}
}

func TestWhereTheTimeWent(t *testing.T) {
	t.Parallel()
	srv, _ := record(t, true)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newSender(t, trust(srv), func(o *sender.Options) { o.Now = func() time.Time { return at } })
	res := s.Send(t.Context(), post(srv.URL))
	require.Equal(t, at, res.Started)
	require.Zero(t, res.DNS, "an address needs no name service")
	require.Positive(t, res.Connect)
	require.Positive(t, res.TLS)
	require.Positive(t, res.FirstByte)
	require.GreaterOrEqual(t, res.Total, res.Connect+res.TLS+res.FirstByte)

	again := s.Send(t.Context(), post(srv.URL))
	require.Zero(t, again.Connect, "the connection was kept")
	require.Zero(t, again.TLS)
	require.Positive(t, again.FirstByte)
}

// In a process of its own: net/http reads the environment once, and asks no
// proxy for addresses of this machine, so that the target must be elsewhere.
func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	t.Parallel()
	const child = "SENDER_TEST_PROXY"
	if os.Getenv(child) != "" {
		require.Equal(t, sender.Blocked, newSender(t).Send(t.Context(), post("http://169.254.169.254/")).Class)
		return
	}
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was used") })
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), child+"=1", "NO_PROXY=", "no_proxy=")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		c.Env = append(c.Env, name+"="+proxy.URL)
	}
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
}

// onConn gives a context in which f runs when an attempt has its connection,
// before anything is written to it.
func onConn(ctx context.Context, f func(httptrace.GotConnInfo)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: f})
}
