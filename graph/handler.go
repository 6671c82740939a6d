package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/graph/generated"
	"datapusher/internal/auth"
	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/statistics"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

const (
	// MaxBody is the largest request in bytes.
	MaxBody = 1 << 20
	// maxTime bounds the execution of one operation.
	maxTime = 20 * time.Second
)

// Authenticator knows who the callers of streams are. It is *auth.Authenticator.
type Authenticator interface {
	Authenticate(ctx context.Context, secret string) (*auth.Viewer, error)
	// Watch gives a context that ends with the viewer's credential.
	Watch(ctx context.Context, v *auth.Viewer) (watched context.Context, stop func())
}

// Options of the API. What comes after Box may be left out.
type Options struct {
	Pusher *pusher.Pusher
	DB     *database.DB
	Box    vault.Box
	Engine workflows.Engine // gives the links of engineURL, if it has a UI
	Logger *slog.Logger
	Auth   Authenticator // of streams; nil: there are none
	// Changes tells subscriptions what to look at; nil: they look by themselves.
	Changes *changes.Bus

	// Statistics names the process in what is told of the system; nil: nothing is.
	Statistics *statistics.Counter
	// System is what the process knows of itself.
	System SystemFacts
	// PublicURL is where browsers reach the API, such as https://push.example.com: portal
	// links lead there. "": to where they are asked for.
	PublicURL string
	// Now is the clock; default time.Now.
	Now func() time.Time

	// NoIntrospection refuses introspection to everybody, and keeps errors from
	// suggesting names.
	NoIntrospection bool
	// MaxTime bounds the execution of one operation; 0: 20 s.
	MaxTime time.Duration
	// Streams are the limits of WebSockets and of server-sent events; what is 0 has
	// its default.
	Streams StreamLimits
}

// Handler is the API. Close ends its streams.
type Handler struct {
	exec    *executor.Executor
	maxTime time.Duration
	feeds   *feeds
	streams *streams
}

// NewHandler serves the API after the GraphQL-over-HTTP draft: queries by GET
// and POST, mutations by POST alone, JSON in UTF-8; and everything, subscriptions
// included, over WebSockets that speak graphql-transport-ws, and as server-sent
// events after graphql-sse. Who asks is in the
// request's context ([auth.With]); nobody may ask for __typename alone, and open
// a WebSocket, which has to name somebody at once.
//
// It does not look at Origin: that is for whatever is in front of it.
func NewHandler(o Options) *Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxTime <= 0 {
		o.MaxTime = maxTime
	}
	o.Streams.fill()
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{maxTime: o.MaxTime, feeds: newFeeds(o.DB.Ent, o.Changes, o.Streams.Poll, o.Logger)}
	h.exec = newExecutor(o, h.feeds)
	h.streams = newStreams(h.exec, o)
	return h
}

// Close ends the streams, and waits for them. New ones are refused.
func (h *Handler) Close() {
	h.streams.close()
	h.feeds.close()
}

func newExecutor(o Options, feeds *feeds) *executor.Executor {
	r := &Resolver{
		ent: o.DB.Ent, pusher: o.Pusher, box: o.Box, feeds: feeds,
		db: o.DB, engine: o.Engine, counter: o.Statistics, facts: o.System, publicURL: o.PublicURL, now: o.Now,
	}
	r.tracker, _ = o.Engine.(workflows.Tracker)
	// costed hides what else the schema implements: for subscriptions with a context
	// per event it has to hand that on.
	schema := costed{generated.NewExecutableSchema(generated.Config{Resolvers: r, Schema: publicSchema()})}
	exec := executor.New(schema)
	known := newDocuments()
	exec.SetQueryCache(known)
	exec.SetParserTokenLimit(maxTokens)
	exec.SetErrorPresenter(presenter(o.Logger))
	exec.SetRecoverFunc(recovered)
	exec.SetDisableSuggestion(o.NoIntrospection)
	exec.SetDefaultRulesFn(rulesOf(o.NoIntrospection))
	exec.Use(limits{known})
	exec.Use(introspection{off: o.NoIntrospection})
	exec.Use(arguments{})
	exec.Use(pages{})
	exec.Use(costs{schema})
	exec.AroundFields(codeFields)
	exec.AroundFields(boundFields)
	return exec
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = withBase(r)
	if wantsSocket(r) {
		if err := h.streams.serve(w, r); err != nil {
			h.refuse(r.Context(), w, r, err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(r.Context()), h.maxTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			h.refuse(ctx, w, r, recovered(ctx, v))
		}
	}()
	params, err := read(w, r)
	if err != nil {
		h.refuse(ctx, w, r, err)
		return
	}
	op, errs := h.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		h.unfit(graphql.WithOperationContext(ctx, op), w, r, errs)
		return
	}
	switch kind := op.Operation.Operation; {
	case kind == ast.Mutation && r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(ctx, w, r, problem.New(problem.MethodNotAllowed, "send mutations by POST"))
		return
	case wantsEvents(r, kind):
		if err := h.streams.sendEvents(w, r, op); err != nil {
			h.refuse(ctx, w, r, err)
		}
		return
	case kind == ast.Subscription:
		h.refuse(ctx, w, r, problem.New(problem.Invalid,
			"send subscriptions with Accept: text/event-stream, or over a WebSocket with the subprotocol %s", subprotocol))
		return
	}
	responses, ctx := h.exec.DispatchOperation(ctx, op)
	write(w, r, http.StatusOK, responses(ctx))
}

// refuse answers a request that is not GraphQL over HTTP.
func (h *Handler) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, err error) {
	write(w, r, statusOf(err), h.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}))
}

// unfit answers an operation that is not executed. By the draft its status is 200
// where the client accepts no more than plain JSON, since it was well-formed; not
// so for a credential that is missing, which a client has to notice.
func (h *Handler) unfit(ctx context.Context, w http.ResponseWriter, r *http.Request, errs gqlerror.List) {
	status := statusOf(errs[0])
	if status == http.StatusBadRequest && mediaType(r) == plainJSON && !wantsEvents(r, ast.Query) {
		status = http.StatusOK
	}
	write(w, r, status, h.exec.DispatchError(ctx, few(errs)))
}

// few are the first errors: an operation can be wrong in hundreds of places.
func few(errs gqlerror.List) gqlerror.List { return errs[:min(len(errs), maxErrors)] }

// statuses of requests that are not executed. What goes wrong later is told in
// the answer, whose status is 200.
var statuses = map[problem.Code]int{
	problem.Invalid:          http.StatusBadRequest,
	problem.Unauthenticated:  http.StatusUnauthorized,
	problem.Forbidden:        http.StatusForbidden,
	problem.NotFound:         http.StatusNotFound,
	problem.MethodNotAllowed: http.StatusMethodNotAllowed,
	problem.Conflict:         http.StatusConflict,
	problem.TooLarge:         http.StatusRequestEntityTooLarge,
	problem.UnsupportedMedia: http.StatusUnsupportedMediaType,
	problem.RateLimited:      http.StatusTooManyRequests,
	problem.Internal:         http.StatusInternalServerError,
	problem.Unavailable:      http.StatusServiceUnavailable,
}

func statusOf(err error) int { return statuses[coded(err).Code] }
