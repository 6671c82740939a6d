package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
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
}

// nodeType finds the table of an id without asking the database.
func nodeType(_ context.Context, s string) (string, error) {
	p, err := id.Parse(s)
	if err != nil {
		return "", errNoNode
	}
	return tables[p], nil
}

var errNoNode = problem.New(problem.NotFound, "there is no such node")

// node finds one object by its id; null when there is none that the viewer may see.
func (r *Resolver) node(ctx context.Context, of string) (ent.Noder, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	n, err := r.ent.Noder(ctx, of, ent.WithNodeType(nodeType))
	if err != nil {
		return nil, unlessMissing(err)
	}
	return n, nil
}

// nodes finds many objects; null stands for each that the viewer may not see.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	if len(ids) > maxPage {
		return nil, problem.New(problem.Invalid, "ids must be at most %d", maxPage)
	}
	found := make([]ent.Noder, len(ids))
	var known []string
	for _, of := range ids {
		if _, err := id.Parse(of); err == nil {
			known = append(known, of)
		}
	}
	nodes, err := r.noders(ctx, known)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]ent.Noder, len(known))
	for i, n := range nodes {
		byID[known[i]] = n
	}
	for i, of := range ids {
		found[i] = byID[of]
	}
	return found, nil
}

// noders asks ent, which notes one error for each id that it does not find. They
// are kept apart and left out: what is missing is null.
func (r *Resolver) noders(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if len(ids) == 1 {
		n, err := r.node(ctx, ids[0])
		return []ent.Noder{n}, err
	}
	present := func(_ context.Context, err error) error { return err }
	apart := graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	nodes, err := r.ent.Noders(apart, ids, ent.WithNodeType(nodeType))
	if err != nil {
		return nil, present(ctx, err)
	}
	for _, e := range graphql.GetErrors(apart) {
		if err := unlessMissing(e); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// unlessMissing lets pass what is no answer to "is there such a node".
func unlessMissing(err error) error {
	if ent.IsNotFound(err) || isNodeNotFound(err) || problem.CodeOf(err) == problem.NotFound {
		return nil
	}
	return err
}
