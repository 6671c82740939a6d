// Package rule holds the privacy rules of the data model. They fail closed: a
// context without a viewer reads nothing and changes nothing.
package rule

import (
	"context"
	"fmt"

	"entgo.io/ent/entql"

	"datapusher/ent"
	"datapusher/ent/privacy"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// Scoping narrows what a viewer reaches.
type Scoping struct {
	// Column holds the account that a row belongs to.
	Column string
	// Living hides soft-deleted rows, from everybody.
	Living bool
}

// The scopings in use.
var (
	// Owned rows name their account and stay for ever.
	Owned = Scoping{Column: "account_id"}
	// OwnedLiving rows name their account and can be deleted softly.
	OwnedLiving = Scoping{Column: "account_id", Living: true}
	// Self is the account's own row.
	Self = Scoping{Column: "id", Living: true}
)

// Policy is the privacy policy of a type with that scoping.
func Policy(s Scoping) privacy.Policy {
	return privacy.Policy{
		Query:    privacy.QueryPolicy{viewerRule{auth.Read}, privacy.FilterFunc(s.filter)},
		Mutation: privacy.MutationPolicy{viewerRule{auth.Manage}, neighbourRule{}, createRule(s), privacy.FilterFunc(s.filter)},
	}
}

// AppendOnly is the privacy policy of a type with that scoping whose rows are
// added and read, and never changed or deleted: by nobody, the system included.
func AppendOnly(s Scoping) privacy.Policy {
	return privacy.Policy{
		Query:    privacy.QueryPolicy{viewerRule{auth.Read}, privacy.FilterFunc(s.filter)},
		Mutation: privacy.MutationPolicy{viewerRule{auth.Manage}, appendRule{}, createRule(s), privacy.FilterFunc(s.filter)},
	}
}

// appendRule lets rows be added, and no more.
type appendRule struct{}

// EvalMutation implements privacy.MutationRule.
func (appendRule) EvalMutation(_ context.Context, m ent.Mutation) error {
	if !m.Op().Is(ent.OpCreate) {
		return deny(problem.New(problem.Forbidden, "this is only added to"))
	}
	return privacy.Skip
}

// SystemOnly is the privacy policy of a type that only our own code reads and
// changes.
func SystemOnly() privacy.Policy {
	return privacy.Policy{
		Query:    privacy.QueryPolicy{systemRule{}},
		Mutation: privacy.MutationPolicy{systemRule{}},
	}
}

// systemRule lets in the system alone.
type systemRule struct{}

func (systemRule) eval(ctx context.Context) error {
	if v := auth.From(ctx); v == nil || v.Kind != auth.System {
		return deny(problem.New(problem.Forbidden, "this is not for callers"))
	}
	return privacy.Allow
}

// EvalQuery implements privacy.QueryRule.
func (r systemRule) EvalQuery(ctx context.Context, _ ent.Query) error { return r.eval(ctx) }

// EvalMutation implements privacy.MutationRule.
func (r systemRule) EvalMutation(ctx context.Context, _ ent.Mutation) error { return r.eval(ctx) }

func (s Scoping) filter(ctx context.Context, f privacy.Filter) error {
	if s.Living {
		f.Where(entql.FieldNil("deleted_at"))
	}
	if v := auth.From(ctx); !v.Everything() {
		f.Where(entql.FieldEQ(s.Column, v.AccountID))
	}
	return privacy.Allow
}

// viewerRule lets in only a viewer with the scope.
type viewerRule struct{ scope auth.Scope }

func (r viewerRule) eval(ctx context.Context) error {
	if err := auth.Require(ctx, r.scope); err != nil {
		return deny(err)
	}
	return privacy.Skip
}

// deny is a denial to ent and a coded error to the doors.
func deny(err error) error { return fmt.Errorf("%w: %w", err, privacy.Deny) }

// EvalQuery implements privacy.QueryRule.
func (r viewerRule) EvalQuery(ctx context.Context, _ ent.Query) error { return r.eval(ctx) }

// EvalMutation implements privacy.MutationRule.
func (r viewerRule) EvalMutation(ctx context.Context, _ ent.Mutation) error { return r.eval(ctx) }

// createRule guards what a filter cannot: a new row's account.
type createRule Scoping

// EvalMutation implements privacy.MutationRule.
func (s createRule) EvalMutation(ctx context.Context, m ent.Mutation) error {
	v := auth.From(ctx)
	if !m.Op().Is(ent.OpCreate) || v.Everything() {
		return privacy.Skip
	}
	if account, ok := m.Field(s.Column); ok && account == v.AccountID && s.Column != Self.Column {
		return privacy.Allow
	}
	return deny(problem.New(problem.NotFound, "there is no such account"))
}
