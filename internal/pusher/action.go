package pusher

import (
	"context"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/internal/audit"
)

// maxReason is the longest reason that somebody may give, in bytes: with what is
// put before it, it fits where it is shown.
const maxReason = 150

// note records who did what to which row of an account, why, and what is different
// since, together with the doing.
func (p *Pusher) note(ctx context.Context, tx *ent.Client, accountID, subjectID string, kind action.Kind, reason *string, change audit.Change) error {
	return audit.Write(ctx, tx, p.now(), audit.Entry{
		AccountID: accountID, SubjectID: subjectID, Kind: kind, Reason: deref(reason), Change: change,
	})
}
