package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/action"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/httpapi"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

// cookies are those that an answer sets.
func (r reply) cookies() []*http.Cookie { return (&http.Response{Header: r.header}).Cookies() }

// signIn opens a session and gives its cookie as a header.
func (w *world) signIn(t *testing.T) string {
	t.Helper()
	got := w.call(t, "POST /session", "", asAdmin)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Len(t, got.cookies(), 1)
	return "Cookie: " + got.cookies()[0].Name + "=" + got.cookies()[0].Value
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for name, signIn := range map[string]func() reply{
			"header":            func() reply { return w.call(t, "POST /session", "", asAdmin) },
			"the seed's header": func() reply { return w.call(t, "POST /session", "", "CL-X-TOKEN: "+adminToken) },
			"body":              func() reply { return w.call(t, "POST /session", `{"admin_token":"`+adminToken+`"}`) },
		} {
			began := time.Now()
			got := signIn()
			require.Equal(t, http.StatusOK, got.status, "%s: %s", name, got.body)
			require.Equal(t, "ADMIN", got.json(t)["kind"])
			end, err := time.Parse(time.RFC3339Nano, got.json(t)["expires_at"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, began.Add(12*time.Hour), end, time.Minute)
			require.NotContains(t, got.body, "dps_")

			c := got.cookies()[0]
			require.Equal(t, "datapusher_session", c.Name)
			require.Regexp(t, `^dps_[A-Za-z0-9]{43}$`, c.Value)
			require.Equal(t, "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", strings.SplitN(c.Raw, "; ", 2)[1])
			cookie := "Cookie: datapusher_session=" + c.Value

			row := db.Ent.Session.Query().OnlyX(w.system(t))
			require.Equal(t, auth.HashOf(c.Value), row.Hash)
			require.Equal(t, "127.0.0.1", row.Address)

			who := w.call(t, "GET /session", "", cookie)
			require.Equal(t, got.body, who.body, "it says the same afterwards")
			require.Equal(t, http.StatusOK, w.call(t, "GET /metrics", "", cookie).status)

			out := w.call(t, "DELETE /session", "", cookie)
			require.Equal(t, http.StatusNoContent, out.status)
			require.Equal(t, "datapusher_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", out.header.Get("Set-Cookie"))
			for _, line := range []string{"GET /session", "DELETE /session", "POST /graphql", "GET /metrics"} {
				require.Equal(t, http.StatusUnauthorized, w.call(t, line, "", cookie).status, line)
			}
			require.Equal(t, []string{"SIGN_IN admin 127.0.0.1", "SIGN_OUT admin 127.0.0.1"}, w.did(t, row.ID))
			db.Ent.Session.DeleteOne(row).ExecX(w.system(t))
		}
		require.NotContains(t, w.log.String(), "dps_")
		require.NotContains(t, w.log.String(), adminToken)
	})
}

func (w *world) system(t *testing.T) context.Context { return auth.AsSystem(t.Context()) }

// did is what the audit log says of a session.
func (w *world) did(t *testing.T, sessionID string) (all []string) {
	t.Helper()
	for _, a := range w.db.Ent.Action.Query().Where(action.SubjectID(sessionID)).Order(action.ByCreatedAt()).AllX(w.system(t)) {
		require.Empty(t, a.AccountID)
		all = append(all, string(a.Kind)+" "+a.Actor+" "+a.Address)
	}
	return all
}

// Nobody learns why a sign-in was refused, and nothing is stored.
func TestEveryRefusedSignInGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, secret := w.account(t, "jane@example.com")
		session := w.signIn(t)
		_, inCookie, _ := strings.Cut(session, "=")
		sessions := db.Ent.Session.Query().CountX(w.system(t))
		same := "X-Request-Id: same"
		body := func(token string) reply { return w.call(t, "POST /session", `{"admin_token":"`+token+`"}`, same) }
		portal := func(link string) reply { return w.call(t, "POST /session", `{"portal_link":"`+link+`"}`, same) }
		answers := []reply{
			body("wrong"), body(secret), portal(secret), portal(adminToken), portal(auth.NewPortalLinkSecret()), body(adminToken + "x"), body(adminToken[:10]), body(inCookie), body(`\u0000`),
			w.call(t, "POST /session", "", bearer("wrong"), same),
			w.call(t, "POST /session", `{"admin_token":"`+adminToken+`"}`, bearer("wrong"), same),
			w.call(t, "POST /session", "", "Authorization: Basic "+adminToken, same),
			w.call(t, "POST /session", `{"admin_token":"wrong"}`, session, same),
		}
		for i, got := range answers {
			require.Equal(t, http.StatusUnauthorized, got.status, "%d: %s", i, got.body)
			require.Equal(t, answers[0].body, got.body, i)
			require.Empty(t, got.header.Get("Set-Cookie"))
		}
		for name, got := range map[string]reply{
			"nothing": w.call(t, "POST /session", "", session), "no object": w.call(t, "POST /session", "7"),
			"no token": w.call(t, "POST /session", "{}"), "null": w.call(t, "POST /session", `{"admin_token":null}`),
			"two kinds":   w.call(t, "POST /session", `{"admin_token":"a","token":"b"}`),
			"twice":       w.call(t, "POST /session", `{"admin_token":"a","admin_token":"b"}`),
			"two headers": w.call(t, "POST /session", "", asAdmin, "CL-X-TOKEN: other"),
		} {
			require.Equal(t, problem.Invalid, got.code(t), name)
		}
		require.Equal(t, problem.UnsupportedMedia, w.call(t, "POST /session", "admin_token="+adminToken, "Content-Type:", "Content-Type: application/x-www-form-urlencoded").code(t))
		require.Equal(t, problem.TooLarge, w.call(t, "POST /session", `{"a":"`+strings.Repeat("a", 4<<10)+`"}`).code(t))
		require.Equal(t, sessions, db.Ent.Session.Query().CountX(w.system(t)))
	})
}

// The cookie's kind depends on how the request has come.
func TestWhichCookieCounts(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = whoAsks
	h := httpapi.New(o)
	const (
		secure   = "Cookie: __Host-datapusher_session=browser"
		loopback = "Cookie: datapusher_session=browser"
	)
	for url, c := range map[string]struct {
		cookie, want string
	}{
		"https://push.example.com/graphql":              {secure, "ADMIN"},
		"http://push.example.com/graphql":               {secure, "ADMIN"}, // TLS ends at a proxy
		"https://push.example.com/graphql?2":            {loopback, "nobody"},
		"http://push.example.com/graphql?2":             {loopback, "nobody"},
		"http://192.168.0.7:8000/graphql":               {loopback, "nobody"},
		"http://localhost.example.com:8000/graphql":     {loopback, "nobody"},
		"http://127.0.0.1.example.com:8000/graphql":     {loopback, "nobody"},
		"https://localhost:8000/graphql":                {loopback, "nobody"},
		"http://localhost:8000/graphql":                 {loopback, "ADMIN"},
		"http://LOCALHOST/graphql":                      {loopback, "ADMIN"},
		"http://127.0.0.1:8000/graphql":                 {loopback, "ADMIN"},
		"http://127.8.8.8/graphql":                      {loopback, "ADMIN"},
		"http://[::1]:8000/graphql":                     {loopback, "ADMIN"},
		"http://[::1]/graphql":                          {loopback, "ADMIN"},
		"http://localhost:8000/graphql?2":               {secure, "ADMIN"},
		"http://localhost:8000/graphql?other":           {"Cookie: session=browser", "nobody"},
		"http://localhost:8000/graphql?wrong":           {"Cookie: datapusher_session=wrong", "401"},
		"http://localhost:8000/graphql?empty":           {"Cookie: datapusher_session=", "401"},
		"http://localhost:8000/graphql?two":             {loopback + "; datapusher_session=browser", "401"},
		"http://localhost:8000/graphql?one of each":     {secure + "; datapusher_session=wrong", "ADMIN"},
		"http://localhost:8000/graphql?secure is wrong": {"Cookie: __Host-datapusher_session=wrong; datapusher_session=browser", "401"},
	} {
		got := serve(h, "GET "+strings.ReplaceAll(url, " ", "+"), "", c.cookie)
		if c.want == "401" {
			require.Equal(t, http.StatusUnauthorized, got.status, url)
		} else {
			require.Equal(t, c.want, got.body, url)
		}
	}
}

// whoAsks answers with the kind of the viewer.
var whoAsks = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	kind := auth.Kind("nobody")
	if v := auth.From(r.Context()); v != nil {
		kind = v.Kind
	}
	_, _ = w.Write([]byte(kind))
})

func TestTheSecureCookieIsSetEverywhereButOnLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	for host, secure := range map[string]bool{
		"push.example.com": true, "192.168.0.7:8000": true, "localhost:8000": false, "127.0.0.1": false, "[::1]:8000": false,
	} {
		req := newRequest("POST "+w.url+"/session", "", asAdmin)
		req.Host, req.RequestURI = host, ""
		c := w.do(t, req).cookies()[0]
		require.Equal(t, secure, c.Secure, host)
		require.Equal(t, secure, c.Name == "__Host-datapusher_session", host)
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteStrictMode, c.SameSite)
		require.Equal(t, "/", c.Path)
		require.Empty(t, c.Domain)
	}
	// Behind a proxy that ends TLS on this machine.
	req := newRequest("POST "+w.url+"/session", "", asAdmin, "Origin: https://localhost")
	req.Host, req.RequestURI = "localhost", ""
	require.True(t, w.do(t, req).cookies()[0].Secure)
}

// A token, a wrong one too, is the only credential.
func TestATokenWinsOverACookie(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = whoAsks
	h := httpapi.New(o)
	const cookie = "Cookie: __Host-datapusher_session=browser"
	require.Equal(t, "ADMIN", serve(h, "POST /graphql", "", cookie).body)
	require.Equal(t, "ACCOUNT", serve(h, "POST /graphql", "", cookie, bearer("jane")).body)
	require.Equal(t, "ACCOUNT", serve(h, "POST /graphql", "", cookie, "CL-X-TOKEN: jane").body)
	for _, header := range []string{bearer("wrong"), "CL-X-TOKEN: wrong", "Authorization: Basic abc", "Authorization: Bearer"} {
		require.Equal(t, http.StatusUnauthorized, serve(h, "POST /graphql", "", cookie, header).status, header)
	}
}

// The cookie is for the doors of the operator's browser.
func TestACookieIsNoCredentialElsewhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		cookie := w.signIn(t)
		before := w.rows(t)
		for line, body := range map[string]string{
			"POST /server/incoming_data": `{"a":1}`, "POST /server/incoming_data/batch": `[1]`,
			"POST /account/": `{"account_name":"x","email":"x@example.com"}`, "GET /account/": "",
			"PATCH /account/": `{"account_id":"` + jane + `","account_name":"x"}`, "DELETE /account/": `{"account_id":"` + jane + `"}`,
			"POST /destination/": `{"account_id":"` + jane + `","url":"https://example.com"}`, "GET /destination/?account_id=" + jane: "",
		} {
			require.Equal(t, http.StatusUnauthorized, w.call(t, line, body, cookie).status, line)
		}
		require.Equal(t, http.StatusBadRequest, w.call(t, "GET /server/incoming_data?data=1", "", cookie).status)
		require.Equal(t, before, w.rows(t))
		// Nor is it in the way of one.
		require.Equal(t, http.StatusAccepted, w.call(t, "POST /server/incoming_data", "1", cookie, bearer(secret)).status)
		require.Equal(t, http.StatusOK, w.call(t, "PATCH /account/", `{"account_id":"`+jane+`","secret_token":"`+secret+`","account_name":"y"}`, "Cookie: datapusher_session=old").status)
	})
}

// What the page of another origin makes a browser send is refused.
func TestAnotherOriginCannotUseTheCookie(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = whoAsks
	o.CORSOrigins = []string{"https://app.example.com"}
	h := httpapi.New(o)
	const (
		ok     = http.StatusOK
		no     = http.StatusForbidden
		cookie = "Cookie: __Host-datapusher_session=browser"
	)
	for _, c := range []struct {
		name    string
		headers []string
		post    int // and DELETE
		get     int
		upgrade int
	}{
		{"the dashboard", []string{"Sec-Fetch-Site: same-origin", "Origin: https://push.example.com"}, ok, ok, ok},
		{"the dashboard, an older browser", []string{"Origin: https://push.example.com"}, ok, ok, ok},
		{"typed in", []string{"Sec-Fetch-Site: none"}, ok, ok, ok},
		{"no browser", nil, ok, ok, ok},
		{"cross-site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, no, no, no},
		{"cross-site, an older browser", []string{"Origin: https://evil.example"}, no, no, no},
		{"a sibling's page", []string{"Sec-Fetch-Site: same-site", "Origin: https://blog.example.com"}, no, no, no},
		{"another port", []string{"Origin: https://push.example.com:8443"}, no, no, no},
		{"a name that begins alike", []string{"Origin: https://push.example.com.evil.example"}, no, no, no},
		{"no origin of its own", []string{"Origin: null"}, no, no, no},
		{"an origin that may call with a token", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example.com"}, no, ok, no},
	} {
		with := append([]string{cookie}, c.headers...)
		const url = " https://push.example.com/graphql"
		require.Equal(t, c.post, serve(h, "POST"+url, "", with...).status, c.name)
		require.Equal(t, c.get, serve(h, "GET"+url, "", with...).status, c.name)
		require.Equal(t, c.upgrade, serve(h, "GET"+url, "", append(with, "Connection: Upgrade", "Upgrade: websocket")...).status, c.name)
		// With a token an origin that is allowed may do more.
		require.Equal(t, c.get, serve(h, "POST"+url, "", append(c.headers, bearer("admin"))...).status, c.name)
		// Signing in and out is refused before anything is looked at.
		if c.post == no {
			for _, line := range []string{"POST https://push.example.com/session", "DELETE https://push.example.com/session"} {
				got := serve(h, line, "", append(with, bearer("admin"))...)
				require.Equal(t, problem.Forbidden, got.code(t), "%s %s", line, c.name)
				require.Empty(t, got.header.Get("Set-Cookie"))
			}
		}
	}
}

func TestGetSession(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for credential, want := range map[string]string{
		bearer("admin"): `{"kind":"ADMIN","account_id":null,"expires_at":null}`,
		bearer("jane"):  `{"kind":"ACCOUNT","account_id":"acc_jane","expires_at":null}`,
		"Cookie: __Host-datapusher_session=browser": `{"kind":"ADMIN","account_id":null,"expires_at":"2030-05-06T07:08:09Z"}`,
	} {
		require.Equal(t, want+"\n", serve(h, "GET /session", "", credential).body)
	}
	for _, credential := range []string{"X-None: x", bearer("wrong"), "Cookie: __Host-datapusher_session=wrong"} {
		require.Equal(t, http.StatusUnauthorized, serve(h, "GET /session", "", credential).status, credential)
	}
}

// Signing out takes a cookie away that is no good any more, and a token none.
func TestSigningOutWithoutASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	got := w.call(t, "DELETE /session", "", "Cookie: datapusher_session=old")
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, got.header.Get("Set-Cookie"), "Max-Age=0")
	require.Equal(t, http.StatusUnauthorized, w.call(t, "DELETE /session", "").status)
	got = w.call(t, "DELETE /session", "", asAdmin)
	require.Equal(t, problem.NotFound, got.code(t))
	require.Empty(t, got.header.Get("Set-Cookie"))
}

// The dashboard of an account is opened with its token, or with a portal link.
func TestAccountsSignIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		admin := auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin})
		_, link, err := w.pusher.CreatePortalLink(admin, pusher.CreatePortalLinkInput{AccountID: jane})
		require.NoError(t, err)
		for name, signIn := range map[string]func() reply{
			"header": func() reply { return w.call(t, "POST /session", "", bearer(secret)) },
			"body":   func() reply { return w.call(t, "POST /session", `{"token":"`+secret+`"}`) },
			"link":   func() reply { return w.call(t, "POST /session", `{"portal_link":"`+link+`"}`) },
		} {
			got := signIn()
			require.Equal(t, http.StatusOK, got.status, "%s: %s", name, got.body)
			require.Equal(t, "ACCOUNT "+jane, fmt.Sprint(got.json(t)["kind"], " ", got.json(t)["account_id"]), name)
			cookie := "Cookie: " + got.cookies()[0].Name + "=" + got.cookies()[0].Value
			require.Equal(t, got.body, w.call(t, "GET /session", "", cookie).body, name)
			require.Equal(t, http.StatusForbidden, w.call(t, "GET /metrics", "", cookie).status, name)
			require.Equal(t, http.StatusUnauthorized, w.call(t, "POST /server/incoming_data", "1", cookie).status, name)
			require.Equal(t, http.StatusNoContent, w.call(t, "DELETE /session", "", cookie).status, name)
			require.Equal(t, http.StatusUnauthorized, w.call(t, "GET /session", "", cookie).status, name)
		}
		again := w.call(t, "POST /session", `{"portal_link":"`+link+`"}`)
		require.Equal(t, http.StatusUnauthorized, again.status, "a link is used once")
		require.NotContains(t, w.log.String(), link)
		require.NotContains(t, w.log.String(), secret)
	})
}
