package rule

import (
	"context"
	"fmt"

	"datapusher/ent"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/privacy"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// neighbourRule keeps a viewer's rows from naming anybody else's: no foreign key
// compares accounts, and events, deliveries and attempts have none. What a viewer
// cannot read it cannot name, whether that is missing or another account's.
type neighbourRule struct{}

// looks finds what a new row names, by the edge. There is none for the other ends
// of these edges: nothing is tied or untied there.
var looks = map[string]func(ctx context.Context, c *ent.Client, id string) (bool, error){
	attempt.EdgeDelivery: func(ctx context.Context, c *ent.Client, id string) (bool, error) {
		return c.Delivery.Query().Where(delivery.ID(id)).Exist(ctx)
	},
	delivery.EdgeDestination: func(ctx context.Context, c *ent.Client, id string) (bool, error) {
		return c.Destination.Query().Where(destination.ID(id)).Exist(ctx)
	},
	delivery.EdgeEvent: func(ctx context.Context, c *ent.Client, id string) (bool, error) {
		return c.Event.Query().Where(event.ID(id)).Exist(ctx)
	},
	event.EdgeAccount: func(ctx context.Context, _ *ent.Client, id string) (bool, error) {
		return auth.From(ctx).Owns(id), nil
	},
}

// EvalMutation implements privacy.MutationRule.
func (neighbourRule) EvalMutation(ctx context.Context, m ent.Mutation) error {
	if auth.From(ctx).Everything() {
		return privacy.Skip
	}
	if len(m.RemovedEdges())+len(m.ClearedEdges()) > 0 {
		return deny(tied())
	}
	for _, edge := range m.AddedEdges() {
		for _, id := range m.AddedIDs(edge) {
			if err := mayName(ctx, m, edge, fmt.Sprint(id)); err != nil {
				return err
			}
		}
	}
	return privacy.Skip
}

// mayName denies a row a neighbour that is not the viewer's.
func mayName(ctx context.Context, m ent.Mutation, edge, id string) error {
	look, known := looks[edge]
	of, ok := m.(interface{ Client() *ent.Client })
	if !known || !ok {
		return deny(tied())
	}
	owner, read := ownersOf(ctx)[id]
	own := read && auth.From(ctx).Owns(owner)
	if !read {
		var err error
		if own, err = look(ctx, of.Client(), id); err != nil {
			return err
		}
	}
	if !own {
		return deny(problem.New(problem.NotFound, "there is no such %s", edge))
	}
	return nil
}

func tied() error {
	return problem.New(problem.Forbidden, "what a row belongs to is said when it is made")
}

type ownersKey struct{}

// WithOwners tells the rules whose rows a command has read, as these rows say it:
// the account's id by the row's. Each new row that names one of them would be
// checked with a query of its own otherwise.
func WithOwners(ctx context.Context, owners map[string]string) context.Context {
	return context.WithValue(ctx, ownersKey{}, owners)
}

func ownersOf(ctx context.Context) map[string]string {
	owners, _ := ctx.Value(ownersKey{}).(map[string]string)
	return owners
}
