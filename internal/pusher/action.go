package pusher

import (
	"context"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/internal/auth"
	"datapusher/internal/id"
)

// maxReason is the longest reason that somebody may give, in bytes: with what is
// put before it, it fits where it is shown.
const maxReason = 150

// actor is who asks, as actions name them: admin, or the id of a token.
func actor(ctx context.Context) string {
	switch v := auth.From(ctx); {
	case v == nil:
		return ""
	case v.Kind == auth.Account:
		return v.TokenID
	case v.Kind == auth.Admin:
		return "admin"
	}
	return "system"
}

// note records who did what to which row of an account, and why, together with
// the doing.
func (p *Pusher) note(ctx context.Context, tx *ent.Client, accountID, subjectID string, kind action.Kind, reason *string) error {
	now := p.now()
	c := tx.Action.Create().
		SetID(id.New(id.Action, now)).SetCreatedAt(now).
		SetAccountID(accountID).SetSubjectID(subjectID).SetKind(kind).SetActor(actor(ctx))
	if deref(reason) != "" {
		c.SetReason(*reason)
	}
	return c.Exec(ctx)
}
