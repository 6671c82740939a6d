package graph

import (
	"context"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/ent/keyed"
	"datapusher/internal/changes"
	"datapusher/internal/id"
)

// filter says what of a topic somebody is interested in; "": any.
type filter struct{ event, destination string }

func (f filter) fits(c *change) bool {
	return (f.event == "" || f.event == c.event) && (f.destination == "" || f.destination == c.destination)
}

// How many rows one look takes in, the newest.
const (
	lookedEvents       = 1000
	lookedDeliveries   = 200
	lookedDestinations = 5000
)

// kind is what feeds of one kind of row have of their own.
type kind struct {
	prefix id.Prefix
	// read finds rows by their ids; account "" is any.
	read func(ctx context.Context, c *ent.Client, account string, ids []string) ([]*change, error)
	// look finds rows that may have changed since then, by the indexes that are
	// there, the oldest first.
	look func(ctx context.Context, c *ent.Client, account string, f filter, since time.Time) ([]*change, error)
	// since finds what has changed since then, a page at a time: after the page of
	// that name, and the name of this one; "": there is no other. Each has the moment
	// from which one may go on after it.
	since func(ctx context.Context, c *ent.Client, account string, f filter, since time.Time, page string) (rows []*change, next string, err error)
	// usual is the state of a row of which nothing is known; nil: it depends on when
	// it was made.
	usual any
}

var kinds = map[changes.Kind]*kind{
	changes.Events:     {prefix: id.Event, read: readEvents, look: lookForEvents, since: eventsSince},
	changes.Deliveries: {prefix: id.Delivery, read: readDeliveries, look: lookForDeliveries, since: deliveriesSince},
	changes.Destinations: {
		prefix: id.Destination, read: readDestinations, look: lookForDestinations, since: destinationsSince, usual: well,
	},
}

// differ takes rows in, and gives those that are not as they were. One of which
// nothing is known has changed if it was made after born.
func (k *kind) differ(m *memory, rows []*change, born time.Time) []*change {
	var changed []*change
	for _, c := range rows {
		before, known := m.change(c)
		if !known && k.usual != nil {
			before, known = k.usual, true
		}
		if known && before != c.state || !known && c.id >= id.First(k.prefix, born) {
			changed = append(changed, c)
		}
	}
	return changed
}

// store is what feeds read, a few statements at a time.
type store struct {
	ent    *ent.Client
	places chan struct{}
}

func (t *store) read(ctx context.Context, k *kind, account string, ids []string) (rows []*change, err error) {
	return t.at(ctx, func(ctx context.Context) ([]*change, error) { return k.read(ctx, t.ent, account, ids) })
}

func (t *store) look(ctx context.Context, k *kind, account string, f filter, since time.Time) ([]*change, error) {
	return t.at(ctx, func(ctx context.Context) ([]*change, error) { return k.look(ctx, t.ent, account, f, since) })
}

// at takes a place for a look at the tables.
func (t *store) at(ctx context.Context, look func(context.Context) ([]*change, error)) ([]*change, error) {
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return look(ctx)
}

// eventColumns are those of an event without what may be long: whoever asks for
// the payload has it read.
var eventColumns = slices.DeleteFunc(slices.Clone(event.Columns), func(c string) bool {
	return c == event.FieldPayload || c == event.FieldHeaders
})

// eventsOf goes by an index: the newest of an account, or of all.
func eventsOf(c *ent.Client, account string, order ...sql.OrderTermOption) *ent.EventQuery {
	q := c.Event.Query()
	if account != "" {
		q.Where(keyed.Only(event.FieldAccountID, account)).Order(event.ByAccountID(order...))
	}
	return q.Order(event.ByID(order...))
}

// eventState is how an event stands: it is told once, and never changes.
var eventState any = struct{}{}

func eventChanges(rows []*ent.Event, err error) ([]*change, error) {
	all := make([]*change, len(rows))
	for i, e := range rows {
		all[i] = &change{id: e.ID, account: e.AccountID, at: e.CreatedAt, state: eventState, row: e}
	}
	return all, err
}

func readEvents(ctx context.Context, c *ent.Client, account string, ids []string) ([]*change, error) {
	q := c.Event.Query().Where(event.IDIn(ids...)).Order(event.ByID())
	if account != "" {
		q.Where(event.AccountID(account))
	}
	return eventChanges(q.Select(eventColumns...).All(ctx))
}

func lookForEvents(ctx context.Context, c *ent.Client, account string, _ filter, since time.Time) ([]*change, error) {
	q := eventsOf(c, account, sql.OrderDesc()).Where(event.IDGTE(id.First(id.Event, since))).Limit(lookedEvents)
	rows, err := q.Select(eventColumns...).All(ctx)
	slices.Reverse(rows)
	return eventChanges(rows, err)
}

// pageSize is how many rows one reads who comes back.
const pageSize = 500

// inOrder gives rows that are ordered by their ids the moments of these.
func inOrder(rows []*change, err error) ([]*change, string, error) {
	for _, c := range rows {
		c.found = id.Time(c.id)
	}
	if err != nil || len(rows) < pageSize {
		return rows, "", err
	}
	return rows, rows[len(rows)-1].id, nil
}

func eventsSince(ctx context.Context, c *ent.Client, account string, _ filter, since time.Time, page string) ([]*change, string, error) {
	q := eventsOf(c, account).Where(event.IDGT(max(page, id.First(id.Event, since)))).Limit(pageSize)
	return inOrder(eventChanges(q.Select(eventColumns...).All(ctx)))
}

// deliveryState is what is told of a delivery when it changes.
type deliveryState struct {
	status   delivery.Status
	attempts int
}

func deliveryChanges(rows []*ent.Delivery, err error) ([]*change, error) {
	all := make([]*change, len(rows))
	for i, d := range rows {
		all[i] = &change{
			id: d.ID, account: d.AccountID, event: d.EventID, destination: d.DestinationID, at: changedAt(d),
			state: deliveryState{d.Status, d.AttemptCount}, row: d,
		}
	}
	return all, err
}

// changedAt is when a delivery has come to how it stands, as far as its row says.
func changedAt(d *ent.Delivery) time.Time {
	switch {
	case d.SettledAt != nil:
		return *d.SettledAt
	case d.ParkedAt != nil:
		return *d.ParkedAt
	case d.AttemptCount == 0 && d.Status == delivery.StatusPending:
		return d.CreatedAt
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

func readDeliveries(ctx context.Context, c *ent.Client, account string, ids []string) ([]*change, error) {
	q := c.Delivery.Query().Where(delivery.IDIn(ids...)).Order(delivery.ByID())
	if account != "" {
		q.Where(delivery.AccountID(account))
	}
	return deliveryChanges(q.All(ctx))
}

// deliveriesOf goes by an index: the event's range of ids, the newest of a
// destination or an account, or the newest of all.
func deliveriesOf(c *ent.Client, account string, f filter, order ...sql.OrderTermOption) *ent.DeliveryQuery {
	q := c.Delivery.Query()
	if account != "" && f != (filter{}) {
		q.Where(delivery.AccountID(account))
	}
	switch {
	case f.event != "":
		q.Where(delivery.EventID(f.event))
		if f.destination != "" {
			q.Where(delivery.DestinationID(f.destination))
		}
	case f.destination != "":
		q.Where(keyed.Only(delivery.FieldDestinationID, f.destination)).Order(delivery.ByDestinationID(order...))
	case account != "":
		q.Where(keyed.Only(delivery.FieldAccountID, account)).Order(delivery.ByAccountID(order...))
	}
	return q.Order(delivery.ByID(order...))
}

func lookForDeliveries(ctx context.Context, c *ent.Client, account string, f filter, _ time.Time) ([]*change, error) {
	rows, err := deliveriesOf(c, account, f, sql.OrderDesc()).Limit(lookedDeliveries).All(ctx)
	slices.Reverse(rows)
	return deliveryChanges(rows, err)
}

// deliveriesSince finds first those of the newest that were there before and have
// changed since, and then what was made since.
func deliveriesSince(ctx context.Context, c *ent.Client, account string, f filter, since time.Time, page string) ([]*change, string, error) {
	first := id.First(id.Delivery, since)
	if page == "" {
		rows, err := deliveriesOf(c, account, f, sql.OrderDesc()).Where(delivery.IDLT(first)).Limit(looked).All(ctx)
		if err != nil {
			return nil, "", err
		}
		tried, err := attemptedSince(ctx, c, rows, since)
		rows = slices.DeleteFunc(rows, func(d *ent.Delivery) bool {
			settled, parked := d.SettledAt != nil && !d.SettledAt.Before(since), d.ParkedAt != nil && !d.ParkedAt.Before(since)
			return !settled && !parked && !tried[d.ID]
		})
		slices.Reverse(rows)
		all, _ := deliveryChanges(rows, nil)
		return all, first, err
	}
	q := deliveriesOf(c, account, f).Where(delivery.IDGT(page)).Limit(pageSize)
	return inOrder(deliveryChanges(q.All(ctx)))
}

// attemptedSince finds which deliveries have had their last attempt since then.
func attemptedSince(ctx context.Context, c *ent.Client, rows []*ent.Delivery, since time.Time) (map[string]bool, error) {
	var last []string
	for _, d := range rows {
		if d.AttemptCount > 0 {
			last = append(last, id.AttemptOf(d.ID, d.AttemptCount))
		}
	}
	if len(last) == 0 {
		return nil, nil
	}
	made, err := c.Attempt.Query().Where(attempt.IDIn(last...), attempt.StartedAtGTE(since)).Select(attempt.FieldDeliveryID).All(ctx)
	found := make(map[string]bool, len(made))
	for _, a := range made {
		found[a.DeliveryID] = true
	}
	return found, err
}

// health is what is told of a destination when it changes.
type health struct {
	state                             destination.State
	reason                            string
	draining                          bool
	pausedUntil, failingSince, probed int64 // microseconds; 0: never
}

// well is a destination of which nothing is known.
var well = health{state: destination.StateSending}

func healthOf(d *ent.Destination) health {
	at := func(t *time.Time) int64 {
		if t == nil {
			return 0
		}
		return t.UnixMicro()
	}
	return health{d.State, d.Reason, d.Draining, at(d.PausedUntil), at(d.FailingSince), at(d.ProbeAt)}
}

func destinationChanges(rows []*ent.Destination, err error) ([]*change, error) {
	all := make([]*change, len(rows))
	for i, d := range rows {
		all[i] = &change{id: d.ID, account: d.AccountID, destination: d.ID, at: d.UpdatedAt, state: healthOf(d), row: d}
	}
	return all, err
}

func destinationsOf(c *ent.Client, account string, f filter) *ent.DestinationQuery {
	q := c.Destination.Query().Order(destination.ByID())
	if account != "" {
		q.Where(destination.AccountID(account))
	}
	if f.destination != "" {
		q.Where(destination.ID(f.destination))
	}
	return q
}

func readDestinations(ctx context.Context, c *ent.Client, account string, ids []string) ([]*change, error) {
	return destinationChanges(destinationsOf(c, account, filter{}).Where(destination.IDIn(ids...)).All(ctx))
}

func destinationsSince(ctx context.Context, c *ent.Client, account string, f filter, since time.Time, _ string) ([]*change, string, error) {
	rows, err := destinationsOf(c, account, f).Where(destination.UpdatedAtGTE(since)).Limit(lookedDestinations).All(ctx)
	slices.SortFunc(rows, func(a, b *ent.Destination) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	all, err := destinationChanges(rows, err)
	for _, c := range all {
		c.found = c.at
	}
	return all, "", err
}

// lookForDestinations finds those that are not well, or have changed.
func lookForDestinations(ctx context.Context, c *ent.Client, account string, f filter, since time.Time) ([]*change, error) {
	q := destinationsOf(c, account, f).Where(destination.Or(
		destination.StateNEQ(destination.StateSending), destination.Draining(true), destination.FailingSinceNotNil(),
		destination.UpdatedAtGTE(since),
	))
	return destinationChanges(q.Limit(lookedDestinations).All(ctx))
}
