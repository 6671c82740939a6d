package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"datapusher/internal/problem"
)

// endpoint answers one method of one path. It has answered when it returns nil;
// an error is told in the form of its route.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// route is one path with its methods.
type route struct {
	pattern string // of http.ServeMux, without a method: 405 is answered here
	tell    teller // how errors are told
	methods map[string]endpoint
}

// routes is everything that is served. openapi.json names each of them.
func (a *api) routes() []route {
	accounts := map[string]endpoint{
		http.MethodPost: a.createAccount, http.MethodGet: a.getAccount,
		http.MethodPatch: a.updateAccount, http.MethodDelete: a.deleteAccount,
	}
	destinations := map[string]endpoint{
		http.MethodPost: a.createDestination, http.MethodGet: a.getDestinations,
		http.MethodPatch: a.updateDestination, http.MethodDelete: a.deleteDestination,
	}
	return []route{
		{"/server/incoming_data", tellProblem, map[string]endpoint{http.MethodPost: a.postIncoming, http.MethodGet: a.getIncoming}},
		{"/server/incoming_data/batch", tellProblem, map[string]endpoint{http.MethodPost: a.postBatch}},
		{"/account", tellSeed(nil), accounts},
		{"/account/{$}", tellSeed(nil), accounts},
		{"/destination", tellSeed(nil), destinations},
		{"/destination/{$}", tellSeed(nil), destinations},
		{"/session", tellProblem, map[string]endpoint{
			http.MethodPost: a.signIn, http.MethodGet: a.session, http.MethodDelete: a.signOut,
		}},
		{"/graphql", tellProblem, map[string]endpoint{http.MethodPost: a.graphql, http.MethodGet: a.graphql}},
		{"/playground", tellProblem, readable(a.playground)},
		{"/playground/", tellProblem, readable(a.playground)},
		{"/schema.graphql", tellProblem, readable(a.schema(static("text/plain; charset=utf-8", []byte(a.SDL))))},
		{"/openapi.json", tellProblem, readable(static("application/json", contract(a.PublicURL)))},
		{"/healthz", tellProblem, readable(healthz)},
		{"/readyz", tellProblem, readable(a.readyz)},
		{"/metrics", tellProblem, readable(a.metrics)},
		{"/{$}", tellProblem, readable(a.dashboard)},
	}
}

// readable is what GET reads without changing anything, so that HEAD may too.
func readable(e endpoint) map[string]endpoint {
	return map[string]endpoint{http.MethodGet: e, http.MethodHead: e}
}

// ServeHTTP implements http.Handler.
func (t route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := recordOf(r)
	rec.tell = t.tell
	answer, ok := t.methods[r.Method]
	var err error
	switch {
	case ok:
		err = answer(w, r)
	default:
		allowed := strings.Join(slices.Sorted(maps.Keys(t.methods)), ", ")
		w.Header().Set("Allow", allowed)
		err = problem.New(problem.MethodNotAllowed, "this path takes %s", allowed)
	}
	if err != nil {
		rec.fail(w, err)
	}
}

// dashboard serves the dashboard's page.
func (a *api) dashboard(w http.ResponseWriter, r *http.Request) error {
	if a.Dashboard == nil {
		return nothingHere()
	}
	a.Dashboard.ServeHTTP(w, r)
	return nil
}

func nothingHere() error {
	return problem.New(problem.NotFound, "there is nothing at this path; /openapi.json lists what is served")
}

// rest answers what no route does: with the dashboard, whose addresses are all that
// are not below a door, or with the news that there is nothing.
type rest struct {
	pages  Pages
	firsts []string // parts of paths that doors begin with
}

// firstsOf are the first parts of the routes' paths.
func firstsOf(routes []route) (firsts []string) {
	for _, r := range routes {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.pattern, "/"), "/")
		firsts = append(firsts, first)
	}
	return firsts
}

// ServeHTTP implements http.Handler.
func (t rest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := recordOf(r)
	rec.tell = tellProblem
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if t.pages != nil && !slices.Contains(t.firsts, first) && t.pages.Serves(r) {
		t.pages.ServeHTTP(w, r)
		return
	}
	rec.fail(w, nothingHere())
}

// playground serves the playground: static files, for everybody.
func (a *api) playground(w http.ResponseWriter, r *http.Request) error {
	a.Playground.ServeHTTP(w, r)
	return nil
}

// static serves a text that never changes while the program runs.
func static(contentType string, body []byte) endpoint {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // an error means that nobody reads any more
		return nil
	}
}
