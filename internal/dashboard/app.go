package dashboard

import (
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"strings"
)

//go:embed all:dist/dashboard
var appFiles embed.FS

// appPolicy allows what the page needs from its own origin alone, WebSockets
// included. Neither scripts nor styles are inline, and nothing is evaluated.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// App is the dashboard. It routes in the browser: each of its addresses is the
// same page.
type App struct{ files *bundle }

// NewApp reads the dashboard's files. It is to be mounted at "/", behind every other
// door.
func NewApp() *App {
	files, err := fs.Sub(appFiles, "dist/dashboard")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return &App{newBundle(files, "/", appPolicy, func(page string) string { return page })}
}

// Serves reports whether a request is for the dashboard: for one of its files, or by
// a browser that goes to an address. A program that asks for something that is not
// there is not to be given a page.
func (a *App) Serves(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	return name == "" || a.files.files[name] != nil || !strings.HasPrefix(name, "assets/") && wantsPage(r.Header.Get("Accept"))
}

// ServeHTTP answers what [App.Serves] is about.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := strings.TrimPrefix(r.URL.Path, "/"); name != "" && a.files.files[name] == nil {
		page := *r
		address := *r.URL
		address.Path, address.RawPath = "/", ""
		page.URL = &address
		r = &page
		w.Header().Add("Vary", "Accept")
	}
	a.files.ServeHTTP(w, r)
}

// wantsPage reads an Accept header: whether it names HTML.
func wantsPage(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		if kind, _, err := mime.ParseMediaType(part); err == nil && kind == "text/html" {
			return true
		}
	}
	return false
}
