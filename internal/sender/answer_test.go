package sender_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

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
