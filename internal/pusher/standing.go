package pusher

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/changes"
	"datapusher/internal/problem"
	"datapusher/workflows"
)

// The limits of a pause and of the rate at which a destination drains.
const (
	maxPause     = 366 * 24 * time.Hour // a year, whichever
	minDrainRate = 0.1
	maxDrainRate = 10_000
)

// PauseDestinationInput names a destination, and maybe when it goes on by itself.
type PauseDestinationInput struct {
	DestinationID string
	Until         *time.Time // nil: when somebody resumes it
	Reason        *string
}

func (in PauseDestinationInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input, but for an end in the
// past: that depends on the clock.
func (in PauseDestinationInput) Validate() error { return in.fields().Err() }

// PauseDestination makes a destination's deliveries park until it is resumed.
// One that is paused already gets the new end and reason.
func (p *Pusher) PauseDestination(ctx context.Context, in PauseDestinationInput) (*ent.Destination, error) {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return nil, err
	}
	f := in.fields()
	if in.Until != nil {
		p.checkUntil(&f, *in.Until, maxPause, "a year")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return p.standing(ctx, in.DestinationID, func(tx *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne) error {
		s := breaker.Of(d)
		if s.State == breaker.Disabled {
			return problem.New(problem.Conflict, "the destination is disabled: resume or enable it before it can be paused")
		}
		var until time.Time
		if in.Until != nil {
			until = *in.Until
		}
		paused := s.Pause(p.now(), until, deref(in.Reason))
		paused.Set(u)
		return p.note(ctx, tx, d.AccountID, d.ID, action.KindPause, in.Reason, differently(s, paused))
	})
}

// ResumeDestinationInput names a destination, and maybe how many deliveries a
// second it gets of what waits.
type ResumeDestinationInput struct {
	DestinationID string
	Rate          *float64 // nil: 10, then twice as many each second
	Reason        *string
}

func (in ResumeDestinationInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	if r := in.Rate; r != nil && !(*r >= minDrainRate && *r <= maxDrainRate) { // not a number is none of both
		f.Add("rate", "must be between %v and %d a second", minDrainRate, maxDrainRate)
	}
	return f
}

// Validate says everything that is wrong with the input.
func (in ResumeDestinationInput) Validate() error { return in.fields().Err() }

// ResumeDestination lets a destination's deliveries go on, whatever state it is
// in: everything that waits drains in the order of its acceptance.
func (p *Pusher) ResumeDestination(ctx context.Context, in ResumeDestinationInput) (*ent.Destination, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	return p.standing(ctx, in.DestinationID, func(tx *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne) error {
		var rate float64
		if in.Rate != nil {
			rate = *in.Rate
		}
		return p.resume(ctx, tx, d, u, rate, in.Reason)
	})
}

// standing changes how a destination stands, and wakes its lane.
func (p *Pusher) standing(ctx context.Context, destinationID string,
	change func(*ent.Client, *ent.Destination, *ent.DestinationUpdateOne) error,
) (*ent.Destination, error) {
	d, err := p.changeDestination(ctx, destinationID, action.KindUpdate, change)
	if err != nil {
		return nil, err
	}
	p.o.Changes.NoteSome(d.AccountID, changes.Deliveries) // what waited for a retry may be parked now
	p.wake(ctx, workflows.Lane(d.ID))
	return d, nil
}

// enable is what a destination's field enabled means. What it is already changes
// nothing: enabling a destination that is paused or open does not resume it.
func (p *Pusher) enable(ctx context.Context, tx *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne, enabled bool) (changed bool, err error) {
	s := breaker.Of(d)
	switch {
	case s.Enabled() == enabled:
		return false, nil
	case enabled:
		return true, p.resume(ctx, tx, d, u, 0, nil)
	}
	disabled := s.Disable(p.now(), breaker.ReasonOwner)
	disabled.Set(u)
	return true, p.note(ctx, tx, d.AccountID, d.ID, action.KindDisable, nil, differently(s, disabled))
}

// turned is how a destination stands differently, for the audit log.
func differently(before, after breaker.Standing) audit.Change {
	return audit.Diff(audit.Standing(before), audit.Standing(after))
}

// resume lets a destination send, and puts what waits for its next attempt into
// the park: there it drains with the rest, in the order of acceptance.
func (p *Pusher) resume(ctx context.Context, tx *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne, rate float64, reason *string) error {
	now := p.now()
	before := breaker.Of(d)
	after := before.Resume(now, rate)
	after.Set(u)
	err := tx.Delivery.Update().
		Where(delivery.DestinationID(d.ID), retrying, delivery.SteeredIsNil(), delivery.NextAttemptAtGT(now.Add(soon))).
		SetStatus(delivery.StatusParked).SetReason(breaker.InLine).SetParkedAt(now).SetRun("").ClearNextAttemptAt().ClearLeaseUntil().
		Exec(ctx)
	if err != nil {
		return err
	}
	return p.note(ctx, tx, d.AccountID, d.ID, action.KindResume, reason, differently(before, after))
}

// retrying names the status as the partial index does: SQLite compares texts,
// and takes no parameter for it.
func retrying(s *sql.Selector) {
	s.Where(sql.ExprP(s.C(delivery.FieldStatus) + " = 'RETRYING'"))
}

// checkUntil looks at a moment that has to come.
func (p *Pusher) checkUntil(f *problem.Fields, until time.Time, most time.Duration, word string) {
	if now := p.now(); !until.After(now) || until.After(now.Add(most)) {
		f.Add("until", "must lie in the future, at most %s from now", word)
	}
}
