package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/failpoint"
	"datapusher/internal/problem"
	"datapusher/internal/statistics"
)

// patience is how long a batch is tried before its senders are told to come
// again. Their own time-outs are longer.
const patience = 10 * time.Second

// committer turns what waits in the queue into batches and commits them, one
// after the other.
type committer struct {
	*Ingest
	store store
	fan   float64 // deliveries of an event, on average of late
}

// maxDeliveries is about how many deliveries a commit makes at most, unless a
// single event has more: they all begin at once.
const maxDeliveries = 1024

func (c *committer) run() {
	defer c.store.close()
	for {
		batch := c.next()
		if len(batch) == 0 {
			return
		}
		c.commit(batch)
	}
}

// next takes a batch and gives it ids, in the order of the queue.
func (c *committer) next() []*item {
	batch := c.queue.take(c.maxBatch(), c.o.MaxBatchBytes)
	c.mint(batch)
	return batch
}

// maxBatch is how many events the next commit takes.
func (c *committer) maxBatch() int {
	return max(min(c.o.MaxBatch, int(maxDeliveries/max(c.fan, 1))), 1)
}

// commit settles every call of the batch.
func (c *committer) commit(batch []*item) {
	ctx, cancel := context.WithTimeout(context.Background(), c.o.patience)
	defer cancel()
	for len(batch) > 0 {
		leaders, followers := split(batch)
		losers := c.insert(ctx, leaders)
		batch = c.answerFromWinners(ctx, append(losers, followers...))
		c.mint(batch) // an id names one run at most
	}
}

// split parts a batch into the first call of each idempotency key and those that
// repeat it: one statement cannot claim the same key twice.
func split(batch []*item) (leaders, followers []*item) {
	var seen map[string]bool
	for i, it := range batch {
		switch {
		case it.key == "":
		case seen[it.key]:
			followers = append(followers, it)
			continue
		case seen == nil:
			seen = make(map[string]bool, len(batch)-i)
			fallthrough
		default:
			seen[it.key] = true
		}
		leaders = append(leaders, it)
	}
	return leaders, followers
}

// insert commits the calls in one transaction and answers them; those whose
// idempotency key was taken before come back.
func (c *committer) insert(ctx context.Context, batch []*item) (losers []*item) {
	ticket := c.o.Runs.Open(idsOf(batch))
	began := c.o.Now()
	run := under{run: ticket.Run()}
	if c.o.TxInsert != nil {
		run.handOver = ticket.Arguments()
	}
	rows, err := c.insertOnce(ctx, batch, run)
	if err == nil {
		failpoint.Hit(failpoint.Committed)
		return c.answer(batch, rows, ticket, began)
	}
	ticket.Close(nil)
	if database.Classify(err) == database.Row || database.Classify(err) == database.Duplicate {
		if len(batch) > 1 {
			// Somebody's row is refused: halve until it stands alone.
			c.mint(batch)
			half := len(batch) / 2
			return append(c.insert(ctx, batch[:half]), c.insert(ctx, batch[half:])...)
		}
		c.o.Logger.Error("the database refused an event", "account", batch[0].AccountID, "error", err)
		batch[0].done(Receipt{}, problem.Wrap(err, problem.Invalid, "the database cannot store this event"))
		return nil
	}
	c.o.Logger.Error("a batch of events could not be committed", "events", len(batch), "error", err)
	for _, it := range batch {
		it.done(Receipt{}, problem.Wrap(err, problem.Unavailable, "the event could not be stored now; send it again with the same Idempotency-Key"))
	}
	return nil
}

// insertOnce makes sure that the batch is committed exactly once, whatever
// happens to the connection: the ids tell whether an attempt whose answer was
// lost took effect.
func (c *committer) insertOnce(ctx context.Context, batch []*item, run under) ([]row, error) {
	unsure := false
	var cause error // not the end of patience, which says nothing
	for try := 0; ; try++ {
		rows, err := c.store.insert(ctx, batch, run)
		if cause == nil || ctx.Err() == nil {
			cause = err
		}
		switch database.Classify(err) {
		case database.None:
			if !unsure {
				return rows, nil
			}
		case database.Row:
			return nil, err
		case database.Duplicate:
			if !unsure {
				// Another process minted the same id in the same millisecond.
				if try > 2 {
					return nil, err
				}
				c.mint(batch)
				continue
			}
		case database.Lost:
			unsure = true
		}
		if unsure {
			// After a success, too: the lost one may have been committed in between,
			// so that the second one found the batch's own idempotency keys taken.
			all, rerr := c.store.readBack(ctx, batch)
			if rerr == nil || err == nil && errors.Is(rerr, errNothing) {
				return all, nil
			}
			if err == nil {
				cause = rerr
			}
		}
		if ctx.Err() != nil {
			return nil, cause
		}
		pause(ctx, try)
	}
}

// pause waits a little longer each time, at random, so that two batches that
// met in a deadlock do not meet again.
func pause(ctx context.Context, try int) {
	d := min(time.Millisecond<<min(try, 8), 250*time.Millisecond)
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (c *committer) mint(batch []*item) {
	if len(batch) == 0 {
		return
	}
	for i, id := range c.minter.Events(c.o.Now(), len(batch)) {
		batch[i].id = id
	}
}

func idsOf(batch []*item) []string {
	ids := make([]string, len(batch))
	for i, it := range batch {
		ids[i] = it.id
	}
	return ids
}

// answer hands the committed deliveries to their run and tells the senders.
func (c *committer) answer(batch []*item, rows []row, ticket Ticket, began time.Time) (losers []*item) {
	took := c.o.Now().Sub(began)
	byID := make(map[string]*item, len(batch))
	for _, it := range batch {
		byID[it.id] = it
	}
	stored := make([]string, 0, len(batch)) // their accounts
	deliveries := make([]Delivery, 0, len(rows))
	fanned := make([]statistics.Fanned, 0, len(rows))
	for _, r := range rows {
		it := byID[r.event]
		if it.result.Receipt.EventID == "" {
			it.result.Receipt.EventID = it.id
			stored = append(stored, it.AccountID)
		}
		if r.delivery == "" {
			continue
		}
		it.result.Receipt.Deliveries++
		fanned = append(fanned, statistics.Fanned{Account: it.AccountID, Destination: r.destination})
		deliveries = append(deliveries, Delivery{
			ID: r.delivery, EventID: it.id, AccountID: it.AccountID, DestinationID: r.destination,
			Parked: r.parked, Deferred: it.defers, Payload: it.Payload, CreatedAt: r.created, Since: began,
		})
	}
	if len(stored) > 0 {
		c.fan += (float64(len(deliveries))/float64(len(stored)) - c.fan) / 4
	}
	c.o.Observe(len(stored), took) // before anybody is told, and without what repeats a key
	c.o.Statistics.Accepted(stored, fanned)
	if batch[0].defers { // then all of it does
		c.o.Deferred(len(stored), c.queue.length())
	}
	ticket.Close(deliveries)
	failpoint.Hit(failpoint.Dispatched)
	for _, it := range batch {
		if it.result.Receipt.EventID != "" {
			it.done(it.result.Receipt, nil)
		} else {
			losers = append(losers, it)
		}
	}
	c.tell(byID, rows)
	return losers
}

// tell lets those who watch know of what was stored.
func (c *committer) tell(byID map[string]*item, rows []row) {
	if !c.o.Changes.Wanted() {
		return
	}
	stored := map[string][]string{}
	for i, r := range rows {
		account := byID[r.event].AccountID
		ids, known := stored[account]
		if !known && c.o.Changes.Watched(account) {
			ids = make([]string, 0, 2*len(rows))
		}
		if ids != nil {
			if i == 0 || rows[i-1].event != r.event {
				ids = append(ids, r.event)
			}
			if r.delivery != "" {
				ids = append(ids, r.delivery)
			}
		}
		stored[account] = ids
	}
	for account, ids := range stored {
		c.o.Changes.Note(account, ids...)
	}
}

// answerFromWinners gives calls that repeat an idempotency key the first one's
// event. Those whose winner is gone (it failed, or its key expired this moment)
// come back, to be inserted after all.
func (c *committer) answerFromWinners(ctx context.Context, losers []*item) (again []*item) {
	if len(losers) == 0 {
		return nil
	}
	winners, err := c.store.winners(ctx, losers)
	for _, it := range losers {
		w, ok := winners[it.key]
		switch {
		case err != nil:
			it.done(Receipt{}, problem.Wrap(err, problem.Unavailable, "the event could not be looked up now; send it again with the same Idempotency-Key"))
		case !ok:
			again = append(again, it)
		case string(w.hash) != string(it.hash):
			it.done(Receipt{}, problem.New(problem.Conflict, "the Idempotency-Key stands for another body"))
		default:
			it.done(Receipt{EventID: w.event, Deliveries: w.deliveries, Duplicate: true}, nil)
		}
	}
	return again
}
