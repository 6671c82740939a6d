package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/graph/generated"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

const (
	// MaxBody is the largest request in bytes.
	MaxBody = 1 << 20
	// maxTime bounds the execution of one operation.
	maxTime = 20 * time.Second
)

// Options of the API. Engine and Logger may be left out.
type Options struct {
	Pusher *pusher.Pusher
	DB     *database.DB
	Box    vault.Box
	Engine workflows.Engine // gives the links of engineURL, if it has a UI
	Logger *slog.Logger
}

// NewHandler serves the API after the GraphQL-over-HTTP draft: queries by GET
// and POST, mutations by POST alone, JSON in UTF-8. Who asks is in the request's
// context ([auth.With]); nobody may ask for __typename alone.
func NewHandler(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Resolver{ent: o.DB.Ent, pusher: o.Pusher, box: o.Box}
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
	exec.Use(extension.Introspection{})
	exec.Use(limits{known})
	exec.Use(pages{})
	exec.Use(costs{schema})
	exec.AroundFields(codeFields)
	return &door{exec: exec}
}

// door is the HTTP side of the API.
type door struct{ exec *executor.Executor }

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(r.Context()), maxTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			d.refuse(ctx, w, r, recovered(ctx, v))
		}
	}()
	params, err := read(w, r)
	if err != nil {
		d.refuse(ctx, w, r, err)
		return
	}
	op, errs := d.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		d.unfit(graphql.WithOperationContext(ctx, op), w, r, errs)
		return
	}
	if r.Method != http.MethodPost && op.Operation.Operation != ast.Query {
		w.Header().Set("Allow", http.MethodPost)
		d.refuse(ctx, w, r, problem.New(problem.MethodNotAllowed, "send mutations by POST"))
		return
	}
	responses, ctx := d.exec.DispatchOperation(ctx, op)
	write(w, r, http.StatusOK, responses(ctx))
}

// refuse answers a request that is not GraphQL over HTTP.
func (d *door) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, err error) {
	write(w, r, statusOf(err), d.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}))
}

// unfit answers an operation that is not executed. By the draft its status is 200
// where the client accepts no more than plain JSON, since it was well-formed; not
// so for a credential that is missing, which a client has to notice.
func (d *door) unfit(ctx context.Context, w http.ResponseWriter, r *http.Request, errs gqlerror.List) {
	status := statusOf(errs[0])
	if status == http.StatusBadRequest && mediaType(r) == plainJSON {
		status = http.StatusOK
	}
	write(w, r, status, d.exec.DispatchError(ctx, errs))
}

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
