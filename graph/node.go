package graph

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/action"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/replay"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// tables says which table an id's prefix belongs to.
var tables = map[id.Prefix]string{
	id.Account:     account.Table,
	id.Token:       token.Table,
	id.Destination: destination.Table,
	id.Event:       event.Table,
	id.Delivery:    delivery.Table,
	id.Attempt:     attempt.Table,
	id.Replay:      replay.Table,
	id.Action:      action.Table,
}

// nodeType finds the table of an id without asking the database.
func nodeType(_ context.Context, s string) (string, error) {
	p, err := id.Parse(s)
	if err != nil {
		return "", problem.New(problem.NotFound, "there is no such node")
	}
	return tables[p], nil
}

// node finds one object by its id; null when there is none that the viewer may
// see. What is no id asks no table.
func (r *Resolver) node(ctx context.Context, of string) (ent.Noder, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	n, err := r.ent.Noder(ctx, of, ent.WithNodeType(nodeType))
	if err != nil {
		return nil, unlessMissing(err) // n is a nil pointer in an interface then
	}
	return n, nil
}

// nodes finds many objects at once; null stands for each that the viewer may not see.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	switch {
	case len(ids) > maxPage:
		return nil, problem.New(problem.Invalid, "ids must be at most %d", maxPage)
	case len(ids) == 1: // ent takes another way then, which errs where this one notes
		n, err := r.node(ctx, ids[0])
		return []ent.Noder{n}, err
	}
	// ent notes an error for each id that it does not find. They are kept apart:
	// what is missing is null and no error.
	var failed error
	apart := graphql.WithResponseContext(ctx, func(_ context.Context, err error) *gqlerror.Error {
		failed = errors.Join(failed, unlessMissing(err))
		return gqlerror.Wrap(err)
	}, graphql.DefaultRecover)
	nodes, err := r.ent.Noders(apart, ids, ent.WithNodeType(nodeType))
	return nodes, errors.Join(err, failed)
}

// unlessMissing drops an error that says no more than that there is no such node.
func unlessMissing(err error) error {
	if problem.CodeOf(err) == problem.NotFound {
		return nil // nodeType's
	}
	// entgql's, which has no type of its own.
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && e.Extensions["code"] == "NOT_FOUND" {
		return nil
	}
	return err
}
