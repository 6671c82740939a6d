package pusher

import (
	"context"
	"slices"
	"time"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/replay"
	"datapusher/workflows"
)

// The limits of a bulk replay.
const (
	maxTargets        = 20
	minReplayRate     = 1
	maxReplayRate     = 1000
	defaultReplayRate = 100
	defaultReplaySpan = 30 * 24 * time.Hour
)

// ReplayFilterInput says which events a bulk replay is about: those of an account
// that were accepted in a span of time. With a destination or statuses, those
// that have a delivery like that.
type ReplayFilterInput struct {
	AccountID     *string // nil: the viewer's own
	DestinationID *string
	From          *time.Time // nil: 30 days ago
	To            *time.Time // nil, and what has not come yet: now
	Statuses      []delivery.Status
	EventType     *string
}

// ReplayEventsInput names the events to send once more, where to, and how fast.
type ReplayEventsInput struct {
	Filter         ReplayFilterInput
	DestinationIDs []string // none: where each of them went, as far as that is left
	Rate           *float64 // events a second; nil: 100
	Reason         *string
	DryRun         *bool // count, and no more
}

func (in ReplayEventsInput) fields() (f problem.Fields) {
	filter := in.Filter
	if d := deref(filter.DestinationID); d != "" && !id.Is(id.Destination, d) {
		f.Add("filter.destinationID", "must be the id of a destination")
	}
	for _, s := range filter.Statuses {
		if delivery.StatusValidator(s) != nil {
			f.Add("filter.statuses", "must be statuses of deliveries")
			break
		}
	}
	checkEventType(&f, "filter.eventType", filter.EventType)
	if len(in.DestinationIDs) > maxTargets {
		f.Add("destinationIDs", "must be at most %d", maxTargets)
	}
	if r := in.Rate; r != nil && !(*r >= minReplayRate && *r <= maxReplayRate) {
		f.Add("rate", "must be between %d and %d events a second", minReplayRate, maxReplayRate)
	}
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input, but for an account that
// has to be named and a span that is empty: they depend on who asks, and when.
func (in ReplayEventsInput) Validate() error { return in.fields().Err() }

// ReplayEvents begins a bulk replay, a durable loop of the core, and counts the
// events that match now. A dry run counts alone, and gives no replay.
func (p *Pusher) ReplayEvents(ctx context.Context, in ReplayEventsInput) (*ent.Replay, int, error) {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return nil, 0, err
	}
	r, err := p.filled(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	if err := p.checkNamed(ctx, r); err != nil {
		return nil, 0, err
	}
	// Counting takes a while: not in the transaction, which others wait for.
	r.Matched, err = p.o.DB.Ent.Event.Query().Where(replay.Matching(r)...).Count(ctx)
	if err != nil || in.DryRun != nil && *in.DryRun {
		return nil, r.Matched, err
	}
	made, err := p.storeReplay(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	p.wake(ctx, workflows.Replay(made.ID))
	return made, made.Matched, nil
}

// storeReplay stores a replay, and who asked for it.
func (p *Pusher) storeReplay(ctx context.Context, r *ent.Replay) (*ent.Replay, error) {
	var made *ent.Replay
	err := p.tx(ctx, func(tx *ent.Client) (err error) {
		c := tx.Replay.Create().SetID(r.ID).SetAccountID(r.AccountID).SetCreatedAt(r.CreatedAt).SetUpdatedAt(r.CreatedAt).
			SetActor(audit.Actor(ctx)).SetFromTime(r.FromTime).SetToTime(r.ToTime).SetRate(r.Rate).SetMatched(r.Matched)
		if r.DestinationID != "" {
			c.SetDestinationID(r.DestinationID)
		}
		if r.EventType != "" {
			c.SetEventType(r.EventType)
		}
		if len(r.Statuses) > 0 {
			c.SetStatuses(r.Statuses)
		}
		if len(r.TargetIds) > 0 {
			c.SetTargetIds(r.TargetIds)
		}
		if r.Reason != "" {
			c.SetReason(r.Reason)
		}
		if made, err = c.Save(ctx); err != nil {
			return err
		}
		return p.note(ctx, tx, r.AccountID, r.ID, action.KindReplay, &r.Reason, audit.Made(audit.Replay(made)))
	})
	if err != nil {
		return nil, err
	}
	return made.Unwrap(), nil
}

// filled is the replay that an input asks for, with its defaults.
func (p *Pusher) filled(ctx context.Context, in ReplayEventsInput) (*ent.Replay, error) {
	f, now := in.fields(), p.now()
	r := &ent.Replay{
		ID: id.New(id.Replay, now), CreatedAt: now,
		AccountID: deref(in.Filter.AccountID), DestinationID: deref(in.Filter.DestinationID), EventType: deref(in.Filter.EventType),
		FromTime: now.Add(-defaultReplaySpan), ToTime: now, Rate: defaultReplayRate, Reason: deref(in.Reason),
		TargetIds: slices.Compact(slices.Sorted(slices.Values(in.DestinationIDs))),
	}
	if v := auth.From(ctx); r.AccountID == "" && !v.Everything() {
		r.AccountID = v.AccountID
	} else if r.AccountID == "" {
		f.Add("filter.accountID", "must be given with the admin token")
	}
	if in.Filter.To != nil && in.Filter.To.Before(now) {
		r.ToTime = *micro(in.Filter.To)
	}
	if in.Filter.From != nil {
		r.FromTime = *micro(in.Filter.From)
	}
	if !r.FromTime.Before(r.ToTime) {
		f.Add("filter.from", "must lie before filter.to, which is now when it is not given or has not come; by default it is 30 days ago")
	}
	for _, s := range in.Filter.Statuses {
		if !slices.Contains(r.Statuses, string(s)) {
			r.Statuses = append(r.Statuses, string(s))
		}
	}
	if in.Rate != nil {
		r.Rate = *in.Rate
	}
	return r, f.Err()
}

// checkNamed looks at what a replay names: a living account and its destinations.
func (p *Pusher) checkNamed(ctx context.Context, r *ent.Replay) error {
	if !id.Is(id.Account, r.AccountID) {
		return noSuch("account")
	}
	living, err := p.o.DB.Ent.Account.Query().Where(account.ID(r.AccountID)).Exist(ctx)
	switch {
	case err != nil:
		return err
	case !living:
		return noSuch("account")
	case len(r.TargetIds) == 0:
		return nil
	}
	_, err = destinationsOf(ctx, p.o.DB.Ent, r.AccountID, r.TargetIds)
	return err
}
