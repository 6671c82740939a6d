package pusher

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

const (
	// soon is how near its time an attempt counts as being made.
	soon = time.Second
	// maxPostpone is how far an attempt can be put off.
	maxPostpone = 30 * 24 * time.Hour

	reasonPostponed = "postponed"
)

// RetryDeliveryInput names the delivery to attempt now.
type RetryDeliveryInput struct {
	DeliveryID string
	Reason     *string
}

func (in RetryDeliveryInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in RetryDeliveryInput) Validate() error { return in.fields().Err() }

// RetryDelivery makes the next attempt of a delivery now, whatever state its
// destination is in; also of one that has failed. One that is being attempted
// already stays as it is.
func (p *Pusher) RetryDelivery(ctx context.Context, in RetryDeliveryInput) (*ent.Delivery, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	s := steering{kind: action.KindRetry, reason: in.Reason, summary: "retry now: "}
	return p.steer(ctx, in.DeliveryID, s, func(tx *ent.Client, d *ent.Delivery, now time.Time) (*ent.DeliveryUpdateOne, error) {
		if d.Status == delivery.StatusSucceeded || d.Status == delivery.StatusCanceled {
			return nil, problem.New(problem.Conflict, "the delivery has %s: replay its event to send it once more", settledAs(d))
		}
		if inFlight(d, now) {
			return nil, nil
		}
		if err := canBeSent(ctx, tx, d); err != nil {
			return nil, err
		}
		return handOver(d, now, now).SetSteered(delivery.SteeredRetry).ClearReason(), nil
	})
}

// CancelDeliveryInput names the delivery that nobody wants any more.
type CancelDeliveryInput struct {
	DeliveryID string
	Reason     *string
}

func (in CancelDeliveryInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in CancelDeliveryInput) Validate() error { return in.fields().Err() }

// CancelDelivery ends a delivery. An attempt that is being made is not broken
// off, and when the receiver takes it the delivery has succeeded: so it keeps its
// run, which records that.
func (p *Pusher) CancelDelivery(ctx context.Context, in CancelDeliveryInput) (*ent.Delivery, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	why := "canceled by " + audit.Actor(ctx)
	if deref(in.Reason) != "" {
		why = "canceled: " + *in.Reason
	}
	s := steering{kind: action.KindCancel, reason: in.Reason}
	return p.steer(ctx, in.DeliveryID, s, func(_ *ent.Client, d *ent.Delivery, now time.Time) (*ent.DeliveryUpdateOne, error) {
		switch d.Status {
		case delivery.StatusSucceeded, delivery.StatusFailed:
			return nil, problem.New(problem.Conflict, "the delivery has %s: there is nothing to cancel", settledAs(d))
		case delivery.StatusCanceled:
			return nil, nil
		}
		return d.Update().SetStatus(delivery.StatusCanceled).SetReason(why).SetSettledAt(now).
			ClearNextAttemptAt().ClearLeaseUntil().ClearParkedAt().ClearSteered(), nil
	})
}

// PostponeDeliveryInput names a delivery that waits, and until when it is to wait.
type PostponeDeliveryInput struct {
	DeliveryID string
	Until      time.Time
	Reason     *string
}

func (in PostponeDeliveryInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input, but for the time until
// when: that depends on the clock.
func (in PostponeDeliveryInput) Validate() error { return in.fields().Err() }

// PostponeDelivery makes the next attempt of a delivery at a moment of one's own.
func (p *Pusher) PostponeDelivery(ctx context.Context, in PostponeDeliveryInput) (*ent.Delivery, error) {
	if err := auth.Require(ctx, auth.Manage); err != nil {
		return nil, err
	}
	f := in.fields()
	if p.checkUntil(&f, in.Until, maxPostpone, "30d"); f != nil {
		return nil, f.Err()
	}
	s := steering{kind: action.KindPostpone, reason: in.Reason, summary: "postponed: "}
	return p.steer(ctx, in.DeliveryID, s, func(tx *ent.Client, d *ent.Delivery, now time.Time) (*ent.DeliveryUpdateOne, error) {
		switch d.Status {
		case delivery.StatusSucceeded, delivery.StatusFailed, delivery.StatusCanceled:
			return nil, problem.New(problem.Conflict, "the delivery has %s: there is nothing to postpone", settledAs(d))
		}
		if inFlight(d, now) {
			return nil, problem.New(problem.Conflict, "the delivery is being attempted: try again in a moment")
		}
		if err := canBeSent(ctx, tx, d); err != nil {
			return nil, err
		}
		// Also without an attempt so far: it waits for its time, and is found where the
		// others are that do.
		return handOver(d, now, *micro(&in.Until)).SetStatus(delivery.StatusRetrying).
			SetSteered(delivery.SteeredPostpone).SetReason(reasonPostponed), nil
	})
}

// steering is what an operator does to a delivery.
type steering struct {
	kind    action.Kind
	reason  *string
	summary string // of the new run, before the delivery's id
}

// steer changes one delivery in a transaction of its own, while nobody else
// changes it, and lets the engine know. A change that is nil leaves it as it is.
func (p *Pusher) steer(ctx context.Context, deliveryID string, s steering,
	change func(*ent.Client, *ent.Delivery, time.Time) (*ent.DeliveryUpdateOne, error),
) (*ent.Delivery, error) {
	if !id.Is(id.Delivery, deliveryID) {
		return nil, noSuch("delivery")
	}
	var before, after *ent.Delivery
	err := p.tx(ctx, func(tx *ent.Client) (err error) {
		q := tx.Delivery.Query().Where(delivery.ID(deliveryID))
		if p.o.DB.Postgres() {
			q = q.ForUpdate()
		}
		if before, err = q.Only(ctx); err != nil {
			return missing(err, "delivery")
		}
		after = before
		u, err := change(tx, before, p.now())
		if u == nil || err != nil {
			return err
		}
		if after, err = u.Save(ctx); err != nil {
			return missing(err, "delivery")
		}
		return p.note(ctx, tx, after.AccountID, after.ID, s.kind, s.reason, audit.Diff(audit.Delivery(before), audit.Delivery(after)))
	})
	if err != nil {
		return nil, err
	}
	if after != before {
		p.o.Changes.Note(after.AccountID, after.ID)
		if after.Run != before.Run {
			p.dispatch(ctx, after.Run, s.summary+after.ID)
		}
		p.drop(ctx, before.Run, after.ID)
	}
	return after.Unwrap(), nil
}

// inFlight reports whether a delivery is being attempted, or is about to be: it
// is due, or a probe or the drain has taken it out of the park.
func inFlight(d *ent.Delivery, now time.Time) bool {
	switch d.Status {
	case delivery.StatusDelivering:
		return true
	case delivery.StatusPending, delivery.StatusRetrying:
		return d.NextAttemptAt == nil || !d.NextAttemptAt.After(now.Add(soon))
	case delivery.StatusParked:
		return d.LeaseUntil != nil && d.LeaseUntil.After(now)
	}
	return false
}

// handOver gives a delivery to a run of its own, which makes the next attempt
// when it is due. The old owner can no longer attempt or record.
func handOver(d *ent.Delivery, now, due time.Time) *ent.DeliveryUpdateOne {
	u := d.Update().SetRun(id.NewBatch(now)).SetNextAttemptAt(due).SetLeaseUntil(due).ClearSettledAt()
	if d.ParkedAt != nil {
		u.ClearParkedAt().AddParkedUs(max(now.Sub(*d.ParkedAt).Microseconds(), 0))
	}
	if d.AttemptCount > 0 {
		return u.SetStatus(delivery.StatusRetrying)
	}
	return u.SetStatus(delivery.StatusPending)
}

// canBeSent refuses a delivery that nothing is left of but its row.
func canBeSent(ctx context.Context, tx *ent.Client, d *ent.Delivery) error {
	living, err := tx.Destination.Query().Where(destination.ID(d.DestinationID)).Exist(ctx)
	if err != nil {
		return err
	}
	if !living {
		return problem.New(problem.Conflict, "the delivery's destination was deleted")
	}
	kept, err := tx.Event.Query().Where(event.ID(d.EventID)).Exist(ctx)
	if err == nil && !kept {
		return problem.New(problem.Conflict, "the delivery's event is no longer kept")
	}
	return err
}

// settledAs is a settled delivery's status in a sentence.
func settledAs(d *ent.Delivery) string {
	switch d.Status {
	case delivery.StatusSucceeded:
		return "succeeded"
	case delivery.StatusFailed:
		return "failed"
	}
	return "been canceled"
}
