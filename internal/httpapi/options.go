package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/pusher"
	"datapusher/internal/vault"
)

// Authenticator turns a credential into a viewer. It is *auth.Authenticator.
type Authenticator interface {
	Authenticate(ctx context.Context, secret string) (*auth.Viewer, error)
	AuthenticateSession(ctx context.Context, secret string) (*auth.Viewer, error)
	AuthenticatePortalLink(ctx context.Context, secret string) (*auth.Viewer, error)
}

// Ingest takes events in. It is *ingest.Ingest.
type Ingest interface {
	Accept(ctx context.Context, e ingest.Event) (ingest.Receipt, error)
	AcceptAll(ctx context.Context, events []ingest.Event) []ingest.Result
}

// Pages are a front end that routes in the browser. It is *dashboard.App.
type Pages interface {
	http.Handler
	// Serves reports whether a request is for them.
	Serves(r *http.Request) bool
}

// Check says whether a part that the server needs can be used now.
type Check = func(context.Context) error

// Options of [New]. What is needed comes first.
type Options struct {
	Auth   Authenticator
	Ingest Ingest
	Pusher *pusher.Pusher
	DB     *database.DB
	Box    vault.Box // opens the headers of destinations

	GraphQL    http.Handler // gets the viewer in the context; nobody where there is no credential
	SDL        string       // the GraphQL schema
	Playground http.Handler // answers /playground and everything below it
	Metrics    http.Handler
	// Dashboard answers what no other door does; nil: there is none.
	Dashboard Pages

	// Checks decide on readiness, by the name that they are told under.
	Checks map[string]Check
	// Logger gets one line for each request.
	Logger *slog.Logger

	// TrustedProxies are the networks of the proxies whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix
	// AccountRate is how many events a second an account may send, and AccountBurst
	// how many at once; no rate limits nobody, and no burst is that of a second, and
	// of a whole batch at least.
	AccountRate  float64
	AccountBurst int
	// CORSOrigins may call the API from a browser; see [CheckOrigin]. Pages of other
	// origins may not, but for the API's own.
	CORSOrigins []string
	// PublicURL is where callers reach the doors: an origin of the API's own, and named
	// in the OpenAPI document. "" says nothing about it.
	PublicURL string
	// SchemaForViewers refuses /schema.graphql to those without a credential.
	SchemaForViewers bool
	// Tests set what is otherwise fixed.
	wrongAtOnce int
	maxBodies   int64
	now         func() time.Time
}

// api is what the doors share.
type api struct {
	Options
	proxies  proxies
	throttle *throttle
	quota    *quota
	bodies   *bodies
	aliases  aliases
	probe    probe
}

// New builds the handler of the whole API.
func New(o Options) http.Handler {
	if o.now == nil {
		o.now = time.Now
	}
	a := &api{
		Options:  o,
		proxies:  o.TrustedProxies,
		throttle: newThrottle(cmp.Or(o.wrongAtOnce, wrongAtOnce), o.now),
		quota:    newQuota(o.AccountRate, o.AccountBurst, o.now),
		bodies:   newBodies(cmp.Or(o.maxBodies, maxBodies)),
	}
	mux := http.NewServeMux()
	routes := a.routes()
	for _, r := range routes {
		mux.Handle(r.pattern, a.guarded(r))
	}
	mux.Handle("/", rest{a.Dashboard, firstsOf(routes)})
	return a.observe(alone(secured(allowOrigins(o.CORSOrigins, mux))))
}
