// Package audit writes the audit log: who did what to which row, from where, and
// what the row was like before and since. What the log keeps of a row is listed
// here field by field (rows.go): what is not in the list never gets there, and
// of a secret the log says that there is one and that it changed, no more.
package audit

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/origin"
	"datapusher/internal/requestid"
)

// Entry is one line of the log. Who it was, from where and in which request are
// in the context.
type Entry struct {
	AccountID string // whose it is; "": nobody's
	SubjectID string // what it was done to
	Kind      action.Kind
	Reason    string // "": none was given
	Change    Change
}

// Write adds a line, in the transaction of what it tells of. A time is kept as
// both databases do: UTC, to the microsecond.
func Write(ctx context.Context, tx *ent.Client, now time.Time, e Entry) error {
	return write(ctx, ctx, tx, now, e)
}

// WriteFor is Write for somebody who may not add to the log by itself, such as one
// that may only read: the rules see the system, and the line names who it was.
func WriteFor(ctx context.Context, tx *ent.Client, now time.Time, e Entry) error {
	return write(auth.AsSystem(ctx), ctx, tx, now, e)
}

// write adds a line as one viewer about what another one did.
func write(as, ctx context.Context, tx *ent.Client, now time.Time, e Entry) error {
	before, err := e.Change.Before.encode()
	if err != nil {
		return err
	}
	after, err := e.Change.After.encode()
	if err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Microsecond)
	c := tx.Action.Create().SetID(id.New(id.Action, now)).SetCreatedAt(now).
		SetSubjectID(e.SubjectID).SetKind(e.Kind).SetActor(Actor(ctx))
	if before != nil {
		c.SetBefore(before)
	}
	if after != nil {
		c.SetAfter(after)
	}
	setText(e.AccountID, c.SetAccountID)
	setText(e.Reason, c.SetReason)
	setText(origin.From(ctx), c.SetAddress)
	setText(requestid.From(ctx), c.SetRequestID)
	return c.Exec(as)
}

// setText leaves a column null for what is empty.
func setText(s string, set func(string) *ent.ActionCreate) {
	if s != "" {
		set(s)
	}
}

// Actor is who asks, as the log names them: admin, the id of a token, that of a
// portal link, or system. It is "" for nobody, who can do nothing.
func Actor(ctx context.Context) string {
	switch v := auth.From(ctx); {
	case v == nil:
		return ""
	case v.Kind == auth.Account && v.TokenID == "":
		return v.PortalLinkID
	case v.Kind == auth.Account:
		return v.TokenID
	case v.Kind == auth.Admin:
		return "admin"
	}
	return "system"
}
