package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/httpapi"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/internal/testutil/dbtest"
)

// newGraphQL is the API with GraphQL behind it.
func newGraphQL(t *testing.T) (*httptest.Server, *pusher.Pusher) {
	t.Helper()
	db := dbtest.SQLite(t)
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	authenticator := auth.NewAuthenticator(db.Ent, auth.Options{AdminToken: adminToken, Flush: time.Hour})
	t.Cleanup(authenticator.Close)
	o := options()
	o.Auth, o.DB, o.Box, o.CORSOrigins = authenticator, db, box, []string{"https://app.example.com"}
	o.Pusher = pusher.New(pusher.Options{DB: db, Box: box, Auth: authenticator})
	api := graph.NewHandler(graph.Options{Pusher: o.Pusher, DB: db, Box: box, Auth: authenticator})
	o.GraphQL = api
	srv := httptest.NewServer(httpapi.New(o))
	t.Cleanup(srv.Close)
	t.Cleanup(api.Close)
	return srv, o.Pusher
}

// A WebSocket goes through the same door as every request: the same origins, the
// same credentials, the session of a browser among them.
func TestSocketsGoThroughTheDoor(t *testing.T) {
	t.Parallel()
	srv, _ := newGraphQL(t)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	dial := func(headers http.Header) (*websocket.Conn, int) {
		conn, resp, err := websocket.Dial(ctx, srv.URL+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: headers,
		})
		if err == nil {
			t.Cleanup(func() { _ = conn.CloseNow() })
		}
		require.NotNil(t, resp, err)
		return conn, resp.StatusCode
	}
	const begin = `{"type":"connection_init"}`
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"} {
		_, status := dial(http.Header{"Origin": {origin}, "Authorization": {"Bearer " + adminToken}})
		require.Equal(t, http.StatusForbidden, status, origin)
	}
	for _, origin := range []string{"https://app.example.com", srv.URL} {
		conn, status := dial(http.Header{"Origin": {origin}, "Authorization": {"Bearer " + adminToken}})
		require.Equal(t, http.StatusSwitchingProtocols, status, origin)
		require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(begin)))
		_, text, err := conn.Read(ctx)
		require.NoError(t, err)
		require.JSONEq(t, `{"type":"connection_ack"}`, string(text))
	}
	_, status := dial(http.Header{"Authorization": {"Bearer wrong"}})
	require.Equal(t, http.StatusUnauthorized, status)

	// A wrong credential in the first message is counted like any other; a right one
	// is taken all the same.
	ends := map[websocket.StatusCode]int{}
	for range 2 * httpapi.WrongAtOnce {
		conn, status := dial(nil)
		require.Equal(t, http.StatusSwitchingProtocols, status)
		require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init","payload":{"token":"wrong"}}`)))
		_, _, err := conn.Read(ctx)
		ends[websocket.CloseStatus(err)]++
	}
	require.Positive(t, ends[websocket.StatusTryAgainLater], ends)
	require.Positive(t, ends[4403], ends)
	right, status := dial(nil)
	require.Equal(t, http.StatusSwitchingProtocols, status)
	require.NoError(t, right.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init","payload":{"token":"`+adminToken+`"}}`)))
	_, text, err := right.Read(ctx)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"connection_ack"}`, string(text))

	// The operator's browser, until somebody signs out.
	r := newRequest("POST "+srv.URL+"/session", "", "Authorization: Bearer "+adminToken, "Origin: "+srv.URL)
	r.RequestURI = ""
	resp, err := srv.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, resp.Cookies(), 1)
	cookie := resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	conn, status := dial(http.Header{"Origin": {srv.URL}, "Cookie": {cookie}})
	require.Equal(t, http.StatusSwitchingProtocols, status)
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(begin)))
	_, _, err = conn.Read(ctx)
	require.NoError(t, err)
	r = newRequest("DELETE "+srv.URL+"/session", "", "Cookie: "+cookie, "Origin: "+srv.URL)
	r.RequestURI = ""
	began := time.Now()
	resp, err = srv.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	_, _, err = conn.Read(ctx)
	require.EqualValues(t, 4403, websocket.CloseStatus(err), "%v", err)
	require.Less(t, time.Since(began), time.Second)
}
