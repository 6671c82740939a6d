package pusher

import (
	"context"
	"slices"
	"time"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/predicate"
	"datapusher/ent/rule"
	"datapusher/internal/audit"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
	"datapusher/internal/sender"
	"datapusher/internal/statistics"
	"datapusher/internal/vault"
)

// rowsAtOnce keeps a statement below the databases' limits of parameters.
const rowsAtOnce = 500

// newEvent is an event that no sender has pushed: a replay or a test.
type newEvent struct {
	accountID string
	eventType string
	payload   []byte
	replayOf  string // "": none
	headers   []sender.Header
	to        []*ent.Destination
	final     bool // one attempt, whatever the destination's state
}

// madeEvent is what became of it. Run owns what goes out at once; "" is nothing.
type madeEvent struct {
	*ent.Event
	deliveries []*ent.Delivery
	run        string
}

// makeEvent stores an event with its deliveries. Whoever calls it dispatches the
// run after the commit.
func (p *Pusher) makeEvent(ctx context.Context, tx *ent.Client, n newEvent) (m madeEvent, err error) {
	now := p.now()
	self := p.minter.Events(now, 1)[0]
	sealed, err := vault.SealEventHeaders(p.o.Box, self, n.accountID, n.headers)
	if err != nil {
		return m, err
	}
	c := tx.Event.Create().SetID(self).SetAccountID(n.accountID).SetPayload(n.payload).SetCreatedAt(now)
	if n.eventType != "" {
		c.SetEventType(n.eventType)
	}
	if n.replayOf != "" {
		c.SetReplayOf(n.replayOf)
	}
	if sealed != nil {
		c.SetHeaders(sealed)
	}
	if m.Event, err = c.Save(ctx); err != nil {
		return m, err
	}
	rows, owners := make([]*ent.DeliveryCreate, len(n.to)), map[string]string{self: n.accountID}
	for i, d := range n.to {
		owners[d.ID] = d.AccountID
		rows[i] = tx.Delivery.Create().SetID(id.DeliveryOf(self, i)).SetAccountID(n.accountID).SetEventID(self).
			SetDestinationID(d.ID).SetCreatedAt(now)
		if !n.final && park(rows[i], d, now) {
			continue
		}
		m.run = "event/" + self
		rows[i].SetStatus(delivery.StatusPending).SetRun(m.run).SetNextAttemptAt(now).SetLeaseUntil(now)
		if n.final {
			rows[i].SetSteered(delivery.SteeredRetry).SetScheduleStep(afterLast)
		}
	}
	ctx = rule.WithOwners(ctx, owners)
	for chunk := range slices.Chunk(rows, rowsAtOnce) {
		made, err := tx.Delivery.CreateBulk(chunk...).Save(ctx)
		if err != nil {
			return m, err
		}
		m.deliveries = append(m.deliveries, made...)
	}
	return m, nil
}

// noteMade lets those who watch know of an event that was made.
func (p *Pusher) noteMade(m madeEvent) {
	ids := []string{m.ID}
	for _, d := range m.deliveries {
		ids = append(ids, d.ID)
	}
	p.o.Changes.Note(m.AccountID, ids...)
}

// count adds an event that was committed to the statistics.
func (p *Pusher) count(m madeEvent) {
	fanned := make([]statistics.Fanned, len(m.deliveries))
	for i, d := range m.deliveries {
		fanned[i] = statistics.Fanned{Account: d.AccountID, Destination: d.DestinationID}
	}
	p.o.Statistics.Accepted([]string{m.AccountID}, fanned)
}

// madeFrom is what the audit log tells of an event that was made here: where it
// went, and whether its payload was one of somebody's own; never what is in it.
func madeFrom(n newEvent, m madeEvent, own *string) audit.Change {
	to := make([]string, len(n.to))
	for i, d := range n.to {
		to[i] = d.ID
	}
	f := audit.Facts{"eventID": m.ID, "destinationIDs": to}
	if n.eventType != "" {
		f["eventType"] = n.eventType
	}
	if own != nil {
		f["payload"] = audit.Secret(*own)
	}
	if len(n.headers) > 0 {
		f["headers"] = audit.Headers(n.headers)
	}
	return audit.Made(f)
}

// afterLast is a step beyond every schedule: the next failure is the last.
const afterLast = 1000

// park makes a delivery wait where its destination does not send now, as the door
// for events does.
func park(row *ent.DeliveryCreate, d *ent.Destination, now time.Time) bool {
	s := breaker.Of(d)
	if s.Sends() {
		return false
	}
	row.SetStatus(delivery.StatusParked).SetReason(s.WhyParked()).SetRun("").SetParkedAt(now)
	return true
}

// eventOf reads an event that the viewer may reach.
func eventOf(ctx context.Context, tx *ent.Client, eventID string, and ...predicate.Event) (*ent.Event, error) {
	if !id.Is(id.Event, eventID) {
		return nil, noSuch("event")
	}
	e, err := tx.Event.Query().Where(event.ID(eventID)).Where(and...).Only(ctx)
	return e, missing(err, "event")
}

// destinationOf reads a destination that the viewer may reach.
func destinationOf(ctx context.Context, tx *ent.Client, destinationID string) (*ent.Destination, error) {
	if !id.Is(id.Destination, destinationID) {
		return nil, noSuch("destination")
	}
	d, err := tx.Destination.Get(ctx, destinationID)
	return d, missing(err, "destination")
}

// destinationsOf reads destinations of an account, each once, in the order of
// their ids.
func destinationsOf(ctx context.Context, tx *ent.Client, accountID string, ids []string) ([]*ent.Destination, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, one := range ids {
		if !id.Is(id.Destination, one) {
			return nil, noSuch("destination")
		}
	}
	found, err := tx.Destination.Query().Where(destination.IDIn(ids...), destination.AccountID(accountID)).
		Order(destination.ByID()).All(ctx)
	if err == nil && len(found) < len(ids) {
		return nil, noSuch("destination")
	}
	return found, err
}

// headersOf are a destination's headers, and an event's own where they have the
// same name: what an attempt is sent with.
func (p *Pusher) headersOf(d *ent.Destination, own []sender.Header) ([]sender.Header, error) {
	all, err := vault.OpenHeaders(p.o.Box, d.ID, d.AccountID, d.Headers)
	if err != nil {
		return nil, err
	}
	return sender.Merge(all, own), nil
}
