package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"datapusher/internal/problem"
)

// The page of another site can have its visitor's browser send requests here: from
// the visitor's network, to a server that listens on loopback alone, with the
// visitor's cookies where they are sent along. So such requests are refused,
// reading ones and WebSockets included, unless the site is one of Options.
// CORSOrigins, or the API's own. Programs send neither header and are not
// concerned.

// anySite has the routes where it does not matter whose page makes the request.
// Events come from senders that are no browsers, and with a credential that no
// browser adds by itself, in a header or in the body; pages of other origins do not
// get the answer (CORS). The rest is public and changes nothing.
var anySite = []string{
	"/server/incoming_data", "/server/incoming_data/batch",
	"/playground", "/playground/", "/openapi.json", "/healthz", "/readyz", "/{$}",
}

// guarded keeps the pages of other sites away from a route.
func (a *api) guarded(t route) http.Handler {
	if slices.Contains(anySite, t.pattern) {
		return t
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.crossSite(r) {
			rec := recordOf(r)
			rec.tell = t.tell
			rec.fail(w, problem.New(problem.Forbidden, "pages of this origin may not call the API: --cors-origins names those that may"))
			return
		}
		t.ServeHTTP(w, r)
	})
}

// crossSite reports whether the page of a site that is not allowed has made a
// request. Browsers say so with Sec-Fetch-Site, and with Origin where the request
// is not a plain GET; old ones know Origin alone.
func (a *api) crossSite(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) > 1 {
		return true
	}
	if len(origins) == 1 {
		return !a.ownOrigin(r, origins[0]) && !originIn(a.CORSOrigins, origins[0])
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return len(r.Header.Values("Sec-Fetch-Site")) > 1
	}
	return true // "cross-site", and "same-site", which is another host
}

// ownOrigin reports whether an origin is the API's own: that of the public URL, or
// the host that was asked. A proxy in front may have taken TLS off, so that without
// TLS the scheme says nothing.
func (a *api) ownOrigin(r *http.Request, origin string) bool {
	if a.PublicURL != "" && origin == a.PublicURL {
		return true
	}
	scheme, host, found := strings.Cut(origin, "://")
	return found && strings.EqualFold(host, r.Host) && (scheme == "https" || scheme == "http" && r.TLS == nil)
}

// originIn compares origins as they are: there are no patterns.
func originIn(origins []string, origin string) bool { return slices.Contains(origins, origin) }
