package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/ent"
	"datapusher/internal/problem"
	"datapusher/internal/requestid"
)

// codeFields gives every error of a resolver its code, so that what carries none
// later on is gqlgen's: an operation or an argument that does not fit the schema.
// It also makes optional texts that are not set null: ent knows them as "".
func codeFields(ctx context.Context, next graphql.Resolver) (any, error) {
	res, err := next(ctx)
	switch {
	case err != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded)):
		return nil, problem.Wrap(err, problem.Unavailable, "the operation took too long: ask for less, or try again")
	case emptyFilter(err):
		return nil, problem.Wrap(err, problem.Invalid, "a filter within another must not be empty")
	case err != nil:
		return nil, problem.From(err)
	}
	if t := graphql.GetFieldContext(ctx).Field.Definition.Type; !t.NonNull {
		switch s := res.(type) {
		case string:
			if s == "" {
				return nil, nil
			}
		case *string:
			if s == nil || *s == "" {
				return nil, nil
			}
		}
	}
	return res, nil
}

// emptyFilter reports whether a filter within a filter has no condition; ent does
// not take it for true.
func emptyFilter(err error) bool {
	return slices.ContainsFunc([]error{
		ent.ErrEmptyAccountWhereInput, ent.ErrEmptyActionWhereInput, ent.ErrEmptyAttemptWhereInput, ent.ErrEmptyDeliveryWhereInput,
		ent.ErrEmptyDestinationWhereInput, ent.ErrEmptyEventWhereInput, ent.ErrEmptyReplayWhereInput, ent.ErrEmptyTokenWhereInput,
	}, func(empty error) bool { return errors.Is(err, empty) })
}

// presenter turns errors into what callers see: a message, where it happened,
// and the code in the extensions. What is not the caller's fault carries the
// request's id, too.
func presenter(logger *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		p := coded(err)
		shown := &gqlerror.Error{Message: p.Message, Extensions: map[string]any{"code": p.Code}}
		if e, ok := errors.AsType[*gqlerror.Error](err); ok {
			shown.Path, shown.Locations = shortPath(e.Path), e.Locations
		} else {
			shown.Path = graphql.GetPath(ctx)
		}
		if len(p.Fields) > 0 {
			shown.Extensions["fields"] = p.Fields
		}
		if p.Code == problem.Internal || p.Code == problem.Unavailable {
			shown.Extensions["requestID"] = requestid.From(ctx)
			logger.ErrorContext(ctx, "a GraphQL field failed",
				"request", requestid.From(ctx), "path", shown.Path.String(), "error", p.Error())
		}
		return shown
	}
}

// coded is the error as a caller may see it.
func coded(err error) *problem.Error {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	if _, ok := errors.AsType[*graphql.InvalidNullError](err); ok {
		return problem.From(err)
	}
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		return problem.New(problem.Invalid, "%s", told(e))
	}
	return problem.From(err)
}

// recovered turns a panic into an error whose place is in the log alone.
func recovered(_ context.Context, v any) error {
	return problem.From(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
}
