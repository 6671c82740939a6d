package delivery

import (
	"context"
	"fmt"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	entdestination "datapusher/ent/destination"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/sender"
	"datapusher/internal/statistics"
	"datapusher/workflows"
)

// noteTimeout bounds how long the results of a batch may take to change how
// their destinations stand.
const noteTimeout = 2 * time.Second

// note tells the breaker how attempts went, each destination once for a batch. A
// success of a destination that is well changes nothing and costs nothing. It is
// best effort: what is not noted is noted with the next failure.
func (c *Core) note(written []*record) {
	c.count(written)
	if c.o.Changes.Wanted() {
		rows := make([]row, len(written))
		for i, r := range written {
			rows[i] = r.row
		}
		c.tell(rows)
	}
	var order []string
	by := make(map[string][]*record)
	for _, r := range written {
		if r.noTry {
			continue // nothing was sent: that says nothing of the receiver
		}
		id := r.row.destination
		if by[id] == nil {
			order = append(order, id)
		}
		by[id] = append(by[id], r)
	}
	for _, id := range order {
		if !c.notable(id, by[id]) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
		if _, err := c.change(ctx, id, func(s breaker.Standing) breaker.Standing { return c.judge(s, by[id]) }); err != nil {
			c.o.Logger.Warn("results could not be noted for the breaker", "destination", id, "error", err)
		}
		cancel()
	}
}

// tell lets those who watch know that deliveries stand differently.
func (c *Core) tell(rows []row) {
	if !c.o.Changes.Wanted() {
		return
	}
	by := map[string][]string{}
	for _, r := range rows {
		by[r.account] = append(by[r.account], r.id)
	}
	for account, ids := range by {
		c.o.Changes.Note(account, ids...)
	}
}

// count adds to the statistics.
func (c *Core) count(written []*record) {
	if c.o.Statistics == nil || len(written) == 0 {
		return
	}
	all := make([]statistics.Attempt, len(written))
	for i, r := range written {
		all[i] = statistics.Attempt{
			Account: r.row.account, Destination: r.row.destination, Event: r.row.event,
			Status: r.result.Status, Class: string(r.result.Class), Took: r.result.Total,
			Ended:     r.result.Started.Add(r.result.Total),
			Succeeded: r.status == delivery.StatusSucceeded, Failed: r.status == delivery.StatusFailed, NoTry: r.noTry,
		}
	}
	c.o.Statistics.Attempted(all)
}

// notable reports whether results may change how their destination stands.
func (c *Core) notable(id string, results []*record) bool {
	for _, r := range results {
		if !accepted(r.result) {
			return true
		}
	}
	known := c.destinations.latest(&destination{settings: settings{id: id, troubled: true}})
	return known.troubled
}

func accepted(r sender.Result) bool { return r.Status >= 200 && r.Status < 300 }

// judge plays results on a standing, in the order in which they were recorded.
func (c *Core) judge(s breaker.Standing, results []*record) breaker.Standing {
	now := c.o.Now()
	for _, r := range results {
		switch {
		case accepted(r.result):
			s = s.Succeeded(now)
		case r.result.Status == gone:
			s = s.Gone(now)
		default:
			after, _ := sender.RetryAfter(r.result.RetryAfter, now)
			rotation := s.Probed
			s = s.Failed(now, breaker.Failure{
				Delivery: r.row.id, Reason: reasonOf(r.result), Probe: r.row.probe >= probeOldest, RetryAfter: after, Random: r.random,
			}, c.o.DisableAfter)
			if r.row.probe == probeOldest {
				s.Probed = rotation
			}
		}
	}
	return s
}

// stands reads how a destination stands. One that is gone counts as disabled.
func (c *Core) stands(ctx context.Context, id string) (breaker.Standing, error) {
	d, err := c.o.DB.Ent.Destination.Get(auth.AsSystem(ctx), id)
	if ent.IsNotFound(err) {
		return breaker.Standing{State: breaker.Disabled}, nil
	}
	if err != nil {
		return breaker.Standing{}, err
	}
	return breaker.Of(d), nil
}

// change turns how a destination stands into something else, in a transaction of
// its own, and tells whoever has to know. A destination that is gone stays as it is.
func (c *Core) change(ctx context.Context, id string, f func(breaker.Standing) breaker.Standing) (breaker.Standing, error) {
	ctx = auth.AsSystem(ctx)
	tx, err := c.o.DB.Ent.Tx(ctx)
	if err != nil {
		return breaker.Standing{}, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	q := tx.Destination.Query().Where(entdestination.ID(id))
	if c.o.DB.Postgres() {
		q = q.ForUpdate()
	}
	d, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		return breaker.Standing{State: breaker.Disabled}, nil
	}
	if err != nil {
		return breaker.Standing{}, err
	}
	before := breaker.Of(d)
	after := f(before)
	if after.Equal(before) {
		return before, nil
	}
	u := d.Update()
	after.Set(u)
	if err := u.Exec(ctx); err != nil {
		return breaker.Standing{}, err
	}
	if after.State != before.State {
		if err := audit.Write(ctx, tx.Client(), c.o.Now(), audit.Entry{
			AccountID: d.AccountID, SubjectID: id, Kind: kindOf(before, after), Reason: after.Reason,
			Change: audit.Diff(audit.Standing(before), audit.Standing(after)),
		}); err != nil {
			return breaker.Standing{}, err
		}
	}
	if err := tx.Commit(); err != nil {
		return breaker.Standing{}, fmt.Errorf("commit: %w", err)
	}
	c.destinations.apply(id, after)
	c.o.Changes.Note(d.AccountID, id)
	if after.State != before.State || after.Draining && !before.Draining {
		c.o.Logger.Info("a destination stands differently", "destination", id, "account", d.AccountID,
			"from", string(before.State), "to", string(after.State), "draining", after.Draining, "reason", after.Reason)
		c.background(func() {
			if err := c.wake(context.Background(), workflows.Lane(id)); err != nil {
				c.o.Logger.Warn("a lane could not be woken; the reconciler will do it", "destination", id, "error", err)
			}
		})
	}
	return after, nil
}

// now is the time as both databases keep it.
func (c *Core) now() time.Time { return c.o.Now().UTC().Truncate(time.Microsecond) }

func kindOf(before, after breaker.Standing) action.Kind {
	switch {
	case after.State == breaker.Open:
		return action.KindOpen
	case after.State == breaker.Disabled:
		return action.KindDisable
	case before.State == breaker.Open:
		return action.KindClose
	}
	return action.KindResume
}

// whyParked is the reason of a delivery that waits for its destination.
func whyParked(d *destination) string {
	return breaker.Standing{State: breaker.State(d.state), Reason: d.reason, Draining: d.draining}.WhyParked()
}
