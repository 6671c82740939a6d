package httpapi_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/pusher"
)

// Server-sent events go through the same door as every request: the same origins,
// the same credentials. A browser's EventSource brings its session, wherever the page
// comes from.
func TestServerSentEventsGoThroughTheDoor(t *testing.T) {
	t.Parallel()
	srv, commands := newGraphQL(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	const subscription = `subscription { destinationHealthChanged { destination { id } } }`
	get := func(query string, headers ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/graphql?query="+url.QueryEscape(query), nil)
		require.NoError(t, err)
		r.Header.Set("Accept", "text/event-stream")
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		resp, err := srv.Client().Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	const admin = "Authorization: Bearer " + adminToken
	for name, headers := range map[string][]string{
		"another origin":         {admin, "Origin: https://evil.example"},
		"no origin":              {admin, "Origin: null"},
		"another site's page":    {admin, "Sec-Fetch-Site: cross-site"},
		"another host's page":    {admin, "Sec-Fetch-Site: same-site"},
		"an origin like another": {admin, "Origin: http://app.example.com"},
	} {
		require.Equal(t, http.StatusForbidden, get(subscription, headers...).StatusCode, name)
	}
	require.Equal(t, http.StatusUnauthorized, get(subscription).StatusCode)
	require.Equal(t, http.StatusUnauthorized, get(subscription, "Authorization: Bearer wrong").StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, get(`mutation { deleteAccount(input: {id: "x"}) { deletedID } }`, admin).StatusCode)
	allowed := get(subscription, admin, "Origin: https://app.example.com")
	require.Equal(t, http.StatusOK, allowed.StatusCode)
	require.Equal(t, "https://app.example.com", allowed.Header.Get("Access-Control-Allow-Origin"))

	// The operator's browser, until somebody signs out.
	r := newRequest("POST "+srv.URL+"/session", "", admin, "Origin: "+srv.URL)
	r.RequestURI = ""
	resp, err := srv.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, resp.Cookies(), 1)
	cookie := "Cookie: " + resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	stream := get(subscription, cookie, "Sec-Fetch-Site: same-origin")
	require.Equal(t, http.StatusOK, stream.StatusCode)
	lines := bufio.NewScanner(stream.Body)
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		require.Fail(t, "the stream has ended", "without %s", text)
	}
	until(":") // it has begun
	operator := auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin, Scopes: []auth.Scope{auth.Read, auth.Manage}})
	a, _, err := commands.CreateAccount(operator, pusher.CreateAccountInput{Name: "Jane", Email: "jane@example.com"})
	require.NoError(t, err)
	d, _, err := commands.CreateDestination(operator, pusher.CreateDestinationInput{AccountID: a.ID, URL: "https://example.com"})
	require.NoError(t, err)
	_, err = commands.PauseDestination(operator, pusher.PauseDestinationInput{DestinationID: d.ID})
	require.NoError(t, err)
	until(d.ID)
	r = newRequest("DELETE "+srv.URL+"/session", "", cookie, "Origin: "+srv.URL)
	r.RequestURI = ""
	began := time.Now()
	resp, err = srv.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	until(`"code":"unauthenticated"`)
	require.Less(t, time.Since(began), time.Second)
	until("event: complete")
}
