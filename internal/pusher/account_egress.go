package pusher

import (
	"context"
	"fmt"
	"slices"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
)

// MaxAllowCIDRs is how many networks of its own an account may have.
const MaxAllowCIDRs = 50

// SetAccountEgressInput names an account and the networks that are not public
// and that its destinations may be in all the same. The list takes the place of
// the one before; an empty one allows nothing of its own.
type SetAccountEgressInput struct {
	AccountID  string
	AllowCIDRs []string
}

func (in SetAccountEgressInput) fields() (f problem.Fields) {
	if len(in.AllowCIDRs) > MaxAllowCIDRs {
		f.Add("allowCIDRs", "must be at most %d", MaxAllowCIDRs)
		return f
	}
	for i, c := range in.AllowCIDRs {
		if _, err := sender.ParseCIDR(c); err != nil {
			f.Add(fmt.Sprintf("allowCIDRs[%d]", i), "%s", err)
		}
	}
	return f
}

// Validate says everything that is wrong with the input.
func (in SetAccountEgressInput) Validate() error { return in.fields().Err() }

// SetAccountEgress sets the networks of its own of an account. Admins alone may
// do it: an account that could would reach whatever is behind us. Attempts that
// begin after it go by it, in other processes those a second later.
func (p *Pusher) SetAccountEgress(ctx context.Context, in SetAccountEgressInput) (*ent.Account, error) {
	if v := auth.From(ctx); v != nil && !v.Everything() {
		return nil, problem.New(problem.Forbidden, "networks that are not public are allowed with the admin token alone: ask the operator")
	}
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	allow := slices.Compact(slices.Sorted(slices.Values(in.AllowCIDRs)))
	var changed *ent.Account
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		u := a.Update().SetUpdatedAt(p.now())
		if len(allow) == 0 {
			u.ClearAllowCidrs()
		} else {
			u.SetAllowCidrs(allow)
		}
		if changed, err = u.Save(ctx); err != nil {
			return missing(err, "account")
		}
		return p.note(ctx, tx, a.ID, a.ID, action.KindUpdate, nil, audit.Diff(audit.Account(a), audit.Account(changed)))
	})
	if err != nil {
		return nil, err
	}
	p.o.Changed(in.AccountID)
	return changed.Unwrap(), nil
}
