package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/failpoint"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

const (
	// early is how much before its time an attempt may begin: the clocks of
	// engine and database need not agree better.
	early = 50 * time.Millisecond
	// slotWait is how long an attempt that has its turn waits for a place.
	slotWait = 10 * time.Second
)

// Attempt implements workflows.Core.
func (c *Core) Attempt(ctx context.Context, run, deliveryID string) (workflows.Outcome, error) {
	if !c.enter() {
		return workflows.Outcome{}, errStopped
	}
	defer c.wait.Done()
	if e := c.flights.entry(run, deliveryID); e != nil {
		// The first attempt is still going on in this process: wait for it.
		return e.wait(ctx)
	}
	r, d, o, err := c.look(ctx, run, deliveryID)
	if o != nil || err != nil {
		return deref(o), err
	}
	if taken, _ := c.slots.try(r.destination, r.account, len(r.payload), 0, 0); !taken {
		waiting, cancel := context.WithTimeout(ctx, laneWait)
		defer cancel()
		if !c.slots.acquire(waiting, r.destination, r.account, len(r.payload)) {
			if d != nil && !r.mayRetry() && c.slots.crowds(r.destination) {
				return c.queueUp(ctx, r, d)
			}
			return c.again(r, d.display(), time.Second+time.Duration(c.o.Random()*float64(slotWait))), nil
		}
		held := r
		// Much may have happened meanwhile.
		if r, d, o, err = c.look(ctx, run, deliveryID); o != nil || err != nil {
			c.slots.release(held.destination, held.account, len(held.payload))
			return deref(o), err
		}
	}
	return c.attempt(ctx, r, d)
}

// look loads a delivery and its destination. An outcome says that no attempt is
// to be made now.
func (c *Core) look(ctx context.Context, run, deliveryID string) (r row, d *destination, o *workflows.Outcome, err error) {
	asked := c.o.Now()
	loaded, err := c.store.load(ctx, deliveryID)
	if err != nil {
		return r, nil, nil, fmt.Errorf("load the delivery: %w", err)
	}
	if loaded == nil {
		return r, nil, nil, workflows.ErrNotOwner
	}
	r = *loaded
	r.read = asked
	found, err := c.destinations.get(ctx, r.destination)
	if err != nil {
		return r, nil, nil, fmt.Errorf("load the destination: %w", err)
	}
	d = found[r.destination]
	standing := c.standing(r, d.display())
	switch {
	case !r.unsettled():
		return r, d, &standing, nil // also when parked: it has another owner now
	case r.run != run:
		return r, d, nil, workflows.ErrNotOwner
	case r.leased():
		standing = c.open(r, d.display(), r.lease) // it may be going on in another process
		return r, d, &standing, nil
	case r.due > early:
		return r, d, &standing, nil
	}
	return r, d, nil, nil
}

func deref(o *workflows.Outcome) workflows.Outcome {
	if o == nil {
		return workflows.Outcome{}
	}
	return *o
}

// lookTwice is how old what is known of a delivery may be when it is sent. To wait for a
// place takes less, or a little more where the database is slow.
const lookTwice = 5 * time.Second

func (c *Core) stale(r row) bool { return c.o.Now().Sub(r.read) > lookTwice }

// lookAgain is for what was read long ago: the process has stood still, or much was
// before it, and another may have had it meanwhile. An outcome says that no attempt is to
// be made now.
func (c *Core) lookAgain(ctx context.Context, r *row, d *destination) (*workflows.Outcome, error) {
	if !workflows.Ours(ctx) {
		return nil, errNotOurs
	}
	if !c.stale(*r) {
		return nil, nil
	}
	asked := c.o.Now()
	now, err := c.store.load(ctx, r.id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("load the delivery again: %w", err)
	case now == nil || now.unsettled() && now.run != r.run:
		return nil, workflows.ErrNotOwner
	}
	o := c.standing(*now, d.display())
	switch {
	case !now.unsettled(), now.attempts != r.attempts, now.due > early:
		return &o, nil
	case now.leased() && (!r.held || now.status == delivery.StatusDelivering || now.lease > r.lease-asked.Sub(r.read)+takenFor/2):
		o = c.open(*now, d.display(), now.lease) // the lease is another's: ours would end by far sooner
		return &o, nil
	case r.begun && !now.leased():
		// The time of the head start is over: whoever carries the run may be at it.
		o = c.again(*now, d.display(), 0)
		return &o, nil
	case r.held && now.leased() && now.lease < d.deadline():
		o = c.again(*now, d.display(), 0) // it might go on when the lease is over
		return &o, nil
	}
	now.read, now.held, now.begun, now.content = asked, r.held && now.leased(), r.begun, r.content
	*r = *now
	return nil, nil
}

// hold makes sure that a delivery is still ours to attempt. A first attempt is made by
// whoever has the lease, and nobody else: it is taken, where that is not done. An
// outcome says that no attempt is to be made now.
func (c *Core) hold(ctx context.Context, r *row, d *destination) (*workflows.Outcome, error) {
	if o, err := c.lookAgain(ctx, r, d); o != nil || err != nil || r.held || r.attempts > 0 {
		return o, err
	}
	asked := c.o.Now()
	taken, err := c.store.take(ctx, r.run, []string{r.id}, nil, 1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("take the delivery: %w", err)
	case len(taken) == 1:
		now := taken[0]
		now.read, now.held, now.content = asked, true, r.content
		*r = now
		return nil, nil
	}
	if _, _, o, err := c.look(ctx, r.run, r.id); o != nil || err != nil {
		return o, err
	}
	o := c.again(*r, d.display(), laneWait) // somebody is changing it just now
	return &o, nil
}

// errNotOurs ends what a process was at before it stood still: another may be at it.
var errNotOurs = errors.New("this process has stood still, and another may be at it")

// attempt makes the next attempt of a delivery, in a slot that it gives back, and
// records it.
func (c *Core) attempt(ctx context.Context, r row, d *destination) (o workflows.Outcome, err error) {
	held := r.held
	if o, err := c.hold(ctx, &r, d); o != nil || err != nil {
		c.slots.release(r.destination, r.account, len(r.payload))
		return deref(o), err
	}
	if r.held && !held {
		defer func() {
			if err != nil { // whoever comes next need not wait for the lease
				c.giveBack(r.run, []row{r})
			}
		}()
	}
	d = c.destinations.latest(d) // while it waited for its place, the breaker may have opened
	if o, done, err := c.withoutAttempt(ctx, r, d); done || err != nil {
		c.slots.release(r.destination, r.account, len(r.payload))
		return o, err
	}
	made := c.send(ctx, r, d, r.asker())
	defer c.slots.recorded(r.account)
	return c.conclude(ctx, d, made)
}

// giveBack ends leases of deliveries that this process has and is not at.
func (c *Core) giveBack(run string, held []row) {
	ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
	defer cancel()
	if err := c.release(ctx, run, held); err != nil {
		c.o.Logger.Warn("deliveries that were not attempted wait until their leases are over", "run", run, "error", err)
	}
}

// send makes an attempt and gives the destination's part of the slot back. What is
// to be done about its result is decided, and not recorded yet.
func (c *Core) send(ctx context.Context, r row, d *destination, by Asker) (rec *record) {
	now := c.o.Now()
	rec = &record{row: r, number: r.attempts + 1, asker: by, random: c.o.Random()}
	defer func() { c.slots.answered(r.destination, r.account, len(r.payload), rec.result.Total) }()
	// What is wrong with one delivery must not end the process, and with it all others'.
	defer func() {
		if p := recover(); p != nil {
			c.o.Logger.Error("an attempt panicked", "delivery", r.id, "event", r.event, "account", r.account,
				"destination", r.destination, "panic", p, "stack", string(debug.Stack()))
			rec = unable(r, by)
		}
	}()
	headers, err := c.headers(r, d)
	if err != nil {
		c.o.Logger.Error("the headers of a replay cannot be opened", "event", r.event, "error", err)
		return unable(r, by)
	}
	failpoint.Hit(failpoint.Sending)
	rec.result = c.o.Sender.Send(ctx, &sender.Request{
		EventID: r.event, Method: d.method, URL: d.url, Headers: headers, Payload: r.payload,
		Keys: vault.Keys(d.keys, now), Timeout: d.timeout, AllowCIDRs: d.allow,
	})
	// What is never sent is no attempt: there is nothing to number.
	rec.noTry = rec.result.Class.Permanent()
	rec.decision = d.policy.Decide(rec.result, Try{
		Step: r.step, Age: r.age, Asker: by, Sending: d.state == "SENDING", Now: c.o.Now(), Random: rec.random,
	})
	if rec.decision.Status == delivery.StatusParked && by != byProbe && rec.result.Status != gone {
		rec.decision.Reason = whyParked(d)
	}
	secrets := d.hidden
	if len(r.content.headers) > 0 {
		secrets = append(hidden(headers, nil), secrets...)
	}
	redact(&rec.result, secrets)
	rec.requestHeaders, rec.responseHeaders = sentHeaders(rec.result.Sent, headers), receivedHeaders(rec.result.Header, secrets)
	return rec
}

const (
	// internalError is the reason of a delivery that our own side cannot attempt for
	// what is in its row: what is sealed for it does not open, or its attempt panics.
	internalError = "internal_error"
	// unableWait is how long it waits. It keeps its number and its schedule, and
	// nobody behind it waits for it.
	unableWait = time.Minute
)

// unable is the record of an attempt that cannot be made until somebody has mended
// the row, or the program.
func unable(r row, by Asker) *record {
	return &record{row: r, number: r.attempts + 1, asker: by, noTry: true, decision: Decision{
		Status: delivery.StatusRetrying, Reason: internalError, After: unableWait, Step: r.step,
	}}
}

// headers are the destination's, and a replay's own where they have the same name.
func (c *Core) headers(r row, d *destination) ([]sender.Header, error) {
	own, err := vault.OpenEventHeaders(c.o.Box, r.event, r.account, r.content.headers)
	if err != nil || len(own) == 0 {
		return d.headers, err
	}
	return sender.Merge(d.headers, own), nil
}

// conclude records an attempt and tells how the delivery stands.
func (c *Core) conclude(ctx context.Context, d *destination, rec *record) (workflows.Outcome, error) {
	if rec.result.Class.OurSide() {
		return workflows.Outcome{}, fmt.Errorf("attempt %d of %s did not come about: %s", rec.number, rec.row.id, rec.result.Class)
	}
	failpoint.Hit(failpoint.Answered)
	status, err := c.recorder.record(rec)
	if err != nil {
		return workflows.Outcome{}, fmt.Errorf("record attempt %d of %s: %w", rec.number, rec.row.id, err)
	}
	failpoint.Hit(failpoint.Recorded)
	if status == "" {
		return c.overtaken(ctx, rec.row, d)
	}
	if rec.result.Status != 0 || rec.result.Class != "" {
		c.o.Observe(rec.result, rec.decision)
	}
	c.log(d, rec, status)
	r := rec.row
	if !rec.noTry {
		r.attempts = rec.number
	}
	r.status, r.reason, r.due = status, rec.decision.Reason, rec.decision.After
	o := c.standing(r, d.display())
	o.Result, o.Millis = ResultOf(rec.result), rec.result.Total.Milliseconds()
	return o, nil
}

// withoutAttempt settles what must not be sent.
func (c *Core) withoutAttempt(ctx context.Context, r row, d *destination) (o workflows.Outcome, done bool, err error) {
	status, reason := notSent(r, d)
	switch {
	case status != "":
		o, err = c.settle(ctx, r, d, status, reason)
		return o, err == nil, err
	case d.broken != nil:
		return o, false, d.broken
	}
	return o, false, nil
}

// notSent says how a delivery stands that must not be sent, to a destination that
// is gone or does not send now, and why; "" where it may be. What an operator
// asked for is sent in every state. Another account's destination is as good as
// gone: nothing makes such a delivery, and nothing of it would leave.
func notSent(r row, d *destination) (status delivery.Status, reason string) {
	switch {
	case d == nil || d.deleted || d.account != r.account:
		return delivery.StatusCanceled, whyDeleted(d)
	case r.payload == nil:
		return delivery.StatusCanceled, eventDropped
	case d.broken != nil, r.mayRetry(), d.sending(), d.state == "SENDING" && r.attempts > 0:
		return "", ""
	}
	return delivery.StatusParked, whyParked(d)
}

// settle ends or parks a delivery without an attempt.
func (c *Core) settle(ctx context.Context, r row, d *destination, status delivery.Status, reason string) (workflows.Outcome, error) {
	if err := c.store.settle(ctx, r.run, []string{r.id}, status, reason); err != nil {
		return workflows.Outcome{}, fmt.Errorf("settle %s: %w", r.id, err)
	}
	c.tell([]row{r})
	c.o.Logger.LogAttrs(ctx, slog.LevelInfo, "no attempt", slog.String("delivery", r.id), slog.String("event", r.event),
		slog.String("account", r.account), slog.String("destination", r.destination),
		slog.String("status", string(status)), slog.String("reason", reason))
	r.status, r.reason = status, reason
	return c.standing(r, d.display()), nil
}

// settleTogether does so for deliveries of one run to one destination.
func (c *Core) settleTogether(ctx context.Context, all []placing, status delivery.Status, reason string) {
	for part := range slices.Chunk(all, atATime) {
		ids := make([]string, len(part))
		for i, p := range part {
			ids[i] = p.row.id
		}
		first := part[0]
		err := c.store.settle(ctx, first.row.run, ids, status, reason)
		if err == nil {
			c.o.Changes.Note(first.row.account, ids...)
			c.o.Logger.LogAttrs(ctx, slog.LevelInfo, "no attempts", slog.String("run", first.row.run), slog.Int("deliveries", len(part)),
				slog.String("account", first.row.account), slog.String("destination", first.row.destination),
				slog.String("status", string(status)), slog.String("reason", reason))
		}
		for _, p := range part {
			if err != nil {
				p.finish(workflows.Outcome{}, fmt.Errorf("settle %s: %w", p.row.id, err))
				continue
			}
			p.row.status, p.row.reason = status, reason
			p.finish(c.standing(p.row, p.d.display()), nil)
		}
	}
}

// whyDeleted is the reason of a delivery whose destination is gone: the account
// may be, too.
func whyDeleted(d *destination) string {
	if d != nil && d.reason == accountDeleted {
		return accountDeleted
	}
	return destinationDeleted
}

// The reasons of what is canceled because nobody is there any more.
const (
	destinationDeleted = "destination_deleted"
	accountDeleted     = "account_deleted"
	eventDropped       = "event_dropped"
)

// overtaken finds out how a delivery stands whose attempt could not be recorded:
// somebody has recorded that number, or owns the delivery now.
func (c *Core) overtaken(ctx context.Context, r row, d *destination) (workflows.Outcome, error) {
	now, err := c.store.load(ctx, r.id)
	switch {
	case err != nil:
		return workflows.Outcome{}, fmt.Errorf("load the delivery: %w", err)
	case now == nil || now.unsettled() && now.run != r.run:
		return workflows.Outcome{}, workflows.ErrNotOwner
	}
	return c.standing(*now, d.display()), nil
}

// log writes the one line of an attempt. It names the account's things by id
// alone: no URL, no header, no payload. What succeeds at once, as nearly all does,
// is logged for those who look for something: its row tells the same.
func (c *Core) log(d *destination, rec *record, status delivery.Status) {
	level := slog.LevelInfo
	if status == delivery.StatusSucceeded && rec.number == 1 {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if !c.o.Logger.Enabled(ctx, level) {
		return
	}
	r := rec.row
	c.o.Logger.LogAttrs(ctx, level, "attempt",
		slog.String("delivery", r.id), slog.String("event", r.event), slog.String("account", r.account),
		slog.String("destination", d.id), slog.Int("number", rec.number), slog.String("by", string(rec.asker)),
		slog.String("result", ResultOf(rec.result)), slog.Duration("took", rec.result.Total),
		slog.String("status", string(status)), slog.String("reason", rec.decision.Reason),
		slog.Duration("next", rec.decision.After))
}

// standing describes a delivery as its row does.
func (c *Core) standing(r row, label string) workflows.Outcome {
	o := workflows.Outcome{
		DeliveryID: r.id, AccountID: r.account, DestinationID: r.destination, Label: label,
		State: workflows.Settled, Status: string(r.status), Result: r.reason, Attempts: r.attempts,
	}
	if r.unsettled() {
		o.State, o.After = workflows.Again, max(r.due, 0)
	}
	return o
}

func (c *Core) again(r row, label string, after time.Duration) workflows.Outcome {
	o := c.standing(r, label)
	o.State, o.After = workflows.Again, after
	return o
}

func (c *Core) open(r row, label string, until time.Duration) workflows.Outcome {
	o := c.standing(r, label)
	o.State, o.After = workflows.Open, until
	return o
}
