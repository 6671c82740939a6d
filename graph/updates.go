package graph

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/internal/auth"
)

const (
	// watchedDeliveries is how many one subscription looks at.
	watchedDeliveries = 100
	// lookAtOnce bounds the looks of all subscriptions of a process together: the more
	// there are, the longer each of them waits, and the database does not notice.
	lookAtOnce = 4
	// lookTime bounds one look.
	lookTime = 5 * time.Second
)

// updates tells subscriptions what has changed by looking at the database again
// and again: so it hears of what other processes do. Each look goes by an index:
// the event's range of ids, the newest of a destination or an account, or the
// newest of all.
type updates struct {
	ent    *ent.Client
	every  time.Duration
	logger *slog.Logger
	places chan struct{}
}

func newUpdates(client *ent.Client, every time.Duration, logger *slog.Logger) *updates {
	return &updates{ent: client, every: every, logger: logger, places: make(chan struct{}, lookAtOnce)}
}

// deliveryFilter says which deliveries a subscription is about; nil: any.
type deliveryFilter struct{ account, event, destination *string }

// deliveries is the stream of those that change from now on. It ends with ctx.
func (u *updates) deliveries(ctx context.Context, f deliveryFilter) (<-chan *ent.Delivery, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	seen := states{}
	first, err := u.look(ctx, f)
	if err != nil {
		return nil, err
	}
	seen.changed(first)
	out := make(chan *ent.Delivery)
	go func() {
		defer close(out)
		ticker := time.NewTicker(u.every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			now, err := u.look(ctx, f)
			if err != nil { // the next look tells what this one has missed
				if ctx.Err() == nil {
					u.logger.WarnContext(ctx, "cannot look for changed deliveries", "error", err)
				}
				continue
			}
			for _, d := range seen.changed(now) {
				select {
				case out <- d:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

// look reads what a subscription is about, the newest first.
func (u *updates) look(ctx context.Context, f deliveryFilter) ([]*ent.Delivery, error) {
	select {
	case u.places <- struct{}{}:
		defer func() { <-u.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	q := u.ent.Delivery.Query().Order(ent.Desc(delivery.FieldID)).Limit(watchedDeliveries)
	if f.account != nil {
		q.Where(delivery.AccountID(*f.account))
	}
	if f.event != nil {
		q.Where(delivery.EventID(*f.event))
	}
	if f.destination != nil {
		q.Where(delivery.DestinationID(*f.destination))
	}
	return q.All(ctx)
}

// states remembers how deliveries stood at the last look.
type states map[string]state

type state struct {
	status   delivery.Status
	attempts int
}

// changed takes in a look, the newest first, and gives what differs from the one
// before, the oldest first. What is no longer looked at is forgotten.
func (s *states) changed(look []*ent.Delivery) []*ent.Delivery {
	now := make(states, len(look))
	var changed []*ent.Delivery
	for _, d := range slices.Backward(look) {
		now[d.ID] = state{d.Status, d.AttemptCount}
		if before, known := (*s)[d.ID]; !known || before != now[d.ID] {
			changed = append(changed, d)
		}
	}
	*s = now
	return changed
}
