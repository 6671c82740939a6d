package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// The cookies of a session. The first can only have been set by this host, over
// TLS. The second is for a browser on the same machine, without TLS, and counts
// nowhere else.
const (
	secureCookie   = "__Host-datapusher_session"
	loopbackCookie = "datapusher_session"
)

// sessionViewer finds the viewer of a request's session; nil where there is none.
// A browser sends the cookie whoever has it make the request, so that one made
// by the page of another origin is refused.
func (a *api) sessionViewer(r *http.Request) (*auth.Viewer, error) {
	secrets := sessionSecrets(r)
	switch len(secrets) {
	case 0:
		return nil, nil
	case 1:
	default: // which of them counts must not depend on who reads them
		return nil, auth.Denied()
	}
	v, err := a.throttled(r, secrets[0], a.Auth.AuthenticateSession)
	if err != nil {
		return nil, err
	}
	if err := sameOrigin(r); err != nil {
		return nil, err
	}
	recordOf(r).known = time.Now()
	return v, nil
}

// sessionSecrets reads the cookies that count for a request.
func sessionSecrets(r *http.Request) (secrets []string) {
	for _, c := range r.CookiesNamed(secureCookie) {
		secrets = append(secrets, c.Value)
	}
	if len(secrets) == 0 && onLoopback(r) {
		for _, c := range r.CookiesNamed(loopbackCookie) {
			secrets = append(secrets, c.Value)
		}
	}
	return secrets
}

// sessionCookie is what a browser keeps of a session; without a secret it keeps
// nothing any more.
func sessionCookie(r *http.Request, secret string, life time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: without Secure on loopback alone
		Name: secureCookie, Value: secret, Path: "/", MaxAge: int(life.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if secret == "" {
		c.MaxAge = -1
	}
	if onLoopback(r) && !strings.HasPrefix(r.Header.Get("Origin"), "https://") {
		c.Name, c.Secure = loopbackCookie, false
	}
	return c
}

// onLoopback reports whether a request has come without TLS to a name of this
// machine.
func onLoopback(r *http.Request) bool {
	if r.TLS != nil {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// origins knows by Sec-Fetch-Site, or by Origin, which page has made a request.
var origins = http.NewCrossOriginProtection()

// sameOrigin refuses a request that the page of another origin has made. Reading
// is let through, since such a page does not get the answer; a WebSocket is not.
func sameOrigin(r *http.Request) error {
	if r.Header.Get("Upgrade") != "" {
		upgrade := *r
		upgrade.Method = http.MethodPost
		r = &upgrade
	}
	if err := origins.Check(r); err != nil {
		return problem.Wrap(err, problem.Forbidden,
			"the page of another origin must not use a session: send Authorization: Bearer <token>, and no cookie")
	}
	return nil
}
