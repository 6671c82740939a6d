package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"entgo.io/ent/privacy"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
	"datapusher/internal/requestid"
)

// isNodeNotFound knows the error that entgql makes of a node that is missing.
func isNodeNotFound(err error) bool {
	g, ok := errors.AsType[*gqlerror.Error](err)
	return ok && g.Extensions["code"] == "NOT_FOUND"
}

// extensions are what a caller is told beside the message.
func extensions(e *problem.Error) map[string]any {
	x := map[string]any{"code": string(e.Code)}
	if len(e.Fields) > 0 {
		x["fields"] = e.Fields
	}
	return x
}

// presenter makes of each error what a caller may see. What is not coded is
// logged and masked.
func presenter(logger *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := graphql.DefaultErrorPresenter(ctx, err)
		coded := code(ctx, err)
		if coded.Code == problem.Internal {
			logger.ErrorContext(ctx, "a GraphQL operation failed", "request", requestid.From(ctx), "path", shown.Path.String(), "error", coded)
		}
		x := extensions(coded)
		if coded.Code == problem.Internal || coded.Code == problem.Unavailable {
			x["requestID"] = requestid.From(ctx)
		}
		return &gqlerror.Error{Message: coded.Message, Path: shown.Path, Locations: shown.Locations, Extensions: x}
	}
}

// code finds the code of an error.
func code(ctx context.Context, err error) *problem.Error {
	if coded, ok := errors.AsType[*problem.Error](err); ok {
		return coded
	}
	if errors.Is(err, privacy.Deny) {
		if auth.From(ctx) == nil {
			return problem.From(auth.Denied())
		}
		return problem.New(problem.Forbidden, "the credential does not cover this")
	}
	// What the GraphQL library itself finds wrong with a document or a variable
	// wraps nothing.
	if g, ok := errors.AsType[*gqlerror.Error](err); ok && g.Unwrap() == nil {
		return problem.New(problem.Invalid, "%s", g.Message)
	}
	return problem.From(err)
}

// recovered makes a panic of a resolver an internal error.
func recovered(_ context.Context, value any) error {
	return fmt.Errorf("panic: %v\n%s", value, debug.Stack())
}
