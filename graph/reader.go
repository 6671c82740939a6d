package graph

import (
	"context"
	"sync"
	"time"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/ent/event"
	"datapusher/graph/model"
	"datapusher/internal/auth"
	"datapusher/internal/changes"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// maxUnread changes wait for a reader. Who is further behind misses the oldest.
const maxUnread = 1024

// interest is what a subscription asks for; nil: any, and from now on.
type interest struct {
	account, event, destination *string
	after                       *ent.Cursor
}

// notice is a change as a reader gets it.
type notice struct {
	*change
	cursor  ent.Cursor
	skipped int
}

// stream is what changes of a kind and is of interest, as payloads, until ctx ends.
func stream[T any](ctx context.Context, s *feeds, k changes.Kind, in interest, payload func(notice) T) (<-chan T, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	if c := resumed(ctx); c != nil {
		in.after = c
	}
	after, err := readPlace(kinds[k], in.after)
	if err != nil {
		return nil, err
	}
	topic, filter, something, err := s.topicOf(ctx, k, in)
	if err != nil {
		return nil, err
	}
	out := make(chan T)
	if !something {
		context.AfterFunc(ctx, func() { close(out) })
		return out, nil
	}
	r := &reader{filter: filter, wake: make(chan struct{}, 1), newest: map[string]*change{}}
	if r.feed, err = s.get(ctx, topic); err != nil {
		return nil, unreadable(err)
	}
	known := r.feed.join(r, after)
	if err := r.feed.prime(ctx, filter); err != nil {
		r.feed.leave(r)
		return nil, unreadable(err)
	}
	marks, _ := ctx.Value(marksKey{}).(*marks)
	go func() {
		defer close(out)
		defer r.feed.leave(r)
		r.run(ctx, after, known, func(n notice) bool {
			marks.push(n.cursor)
			select {
			case out <- payload(n):
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	return out, nil
}

func unreadable(err error) error {
	return problem.Wrap(err, problem.Unavailable, "the database does not answer now: subscribe again")
}

// topicOf finds the feed that has what is of interest. What the viewer does not see
// is as if it were not: nothing comes. Accounts see theirs alone, so that their feed
// needs no looking up.
func (s *feeds) topicOf(ctx context.Context, k changes.Kind, in interest) (t changes.Topic, f filter, something bool, err error) {
	t.Kind = k
	v := auth.From(ctx)
	if !v.Everything() {
		t.Account = v.AccountID
	}
	if in.account != nil {
		if !id.Is(id.Account, *in.account) || !v.Owns(*in.account) {
			return t, f, false, nil
		}
		t.Account = *in.account
	}
	if in.event != nil {
		if !id.Is(id.Event, *in.event) {
			return t, f, false, nil
		}
		if f.event = *in.event; t.Account == "" {
			e, err := s.store.ent.Event.Query().Where(event.ID(f.event)).Select(event.FieldAccountID).Only(ctx)
			if err != nil {
				return t, f, false, ent.MaskNotFound(err)
			}
			t.Account = e.AccountID
		}
	}
	if in.destination != nil {
		if !id.Is(id.Destination, *in.destination) {
			return t, f, false, nil
		}
		if f.destination = *in.destination; t.Account == "" {
			d, err := s.store.ent.Destination.Query().Where(destination.ID(f.destination)).Select(destination.FieldAccountID).Only(ctx)
			if err != nil {
				return t, f, false, ent.MaskNotFound(err)
			}
			t.Account = d.AccountID
		}
	}
	return t, f, true, nil
}

// reader is a subscription that reads a feed. What it has not read yet waits, up to
// a bound; beyond it the oldest are left out and counted.
type reader struct {
	feed   *feed
	filter filter
	wake   chan struct{}

	mu      sync.Mutex
	unread  []*change
	newest  map[string]*change // of each row in unread: it stands for what came before
	skipped int
}

// put is called by the feed.
func (r *reader) put(c *change) {
	r.mu.Lock()
	if len(r.unread) >= maxUnread {
		if _, stands := r.shift(); stands {
			r.skipped++
		}
	}
	r.unread = append(r.unread, c)
	r.newest[c.id] = c
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// miss notes what the feed could not read in time. Of which destination it would
// have been, nobody knows.
func (r *reader) miss(ids []string) {
	n := len(ids)
	if r.filter.event != "" {
		n = 0
		from, to := id.FanOut(r.filter.event)
		for _, one := range ids {
			if one >= from && one < to {
				n++
			}
		}
	}
	r.mu.Lock()
	r.skipped += n
	r.mu.Unlock()
}

// shift takes the oldest out, and tells whether the row has not changed since.
func (r *reader) shift() (c *change, stands bool) {
	c, r.unread = r.unread[0], r.unread[1:]
	if stands = r.newest[c.id] == c; stands {
		delete(r.newest, c.id)
	}
	return c, stands
}

// next is what to tell now; nil: nothing.
func (r *reader) next() (c *change, skipped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.unread) > 0 {
		if c, stands := r.shift(); stands {
			skipped, r.skipped = r.skipped, 0
			return c, skipped
		}
	}
	return nil, 0
}

func (r *reader) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.unread) > 0
}

// begin forgets what has come so far.
func (r *reader) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread, r.skipped = nil, 0
	clear(r.newest)
}

// run tells what comes, until there is nobody to tell. Who comes back to a feed
// that does not know him is told first what the tables say.
func (r *reader) run(ctx context.Context, after *place, known bool, tell func(notice) bool) {
	var before *memory // what the tables said; nil: not needed any more
	if after != nil && !known {
		var ok bool
		if before, ok = r.catchUp(ctx, *after, tell); !ok {
			return
		}
	}
	caught := time.Now()
	for {
		if !r.any() {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if r.feed.pace.Wait(ctx) != nil {
			return
		}
		c, skipped := r.next()
		if c == nil {
			continue
		}
		if before != nil {
			// Told anyway where it stood otherwise: the feed may have read it before, and then
			// it comes once more as it is.
			if state, found := before.change(c); found && state == c.state && skipped == 0 {
				continue
			}
			if time.Since(caught) > 2*overlap {
				before = nil
			}
		}
		at := place{found: c.found, feed: r.feed.name, seq: c.seq}
		if !tell(notice{c, at.cursor(r.feed.kind), skipped}) {
			return
		}
	}
}

// catchUp tells what has changed since a place, page by page as fast as it is read.
// It begins somewhat earlier, since ids and commits cross. At the end what the feed
// has brought meanwhile is forgotten, and the newest rows are looked at once more:
// what they lack the feed has yet to bring.
func (r *reader) catchUp(ctx context.Context, after place, tell func(notice) bool) (before *memory, ok bool) {
	m := memory{}
	k, since := r.feed.kind, after.found.Add(-overlap)
	for last := false; ; last = true {
		for page := ""; ; {
			rows, next, err := r.page(ctx, since, page)
			if err != nil {
				return nil, false
			}
			for _, c := range rows {
				if state, found := m.change(c); found && state == c.state {
					continue
				}
				if c.found.Before(after.found) {
					c.found = after.found
				}
				if r.feed.pace.Wait(ctx) != nil || !tell(notice{c, place{found: c.found}.cursor(k), 0}) {
					return nil, false
				}
			}
			if page = next; page == "" {
				break
			}
		}
		if last {
			return &m, true
		}
		r.begin()
		if recent := time.Now().Add(-overlap); recent.After(since) {
			since = recent
		}
	}
}

// page reads a page, however long that takes.
func (r *reader) page(ctx context.Context, since time.Time, page string) (rows []*change, next string, err error) {
	for {
		_, err = r.feed.store.at(auth.AsSystem(ctx), func(ctx context.Context) ([]*change, error) {
			rows, next, err = r.feed.kind.since(ctx, r.feed.store.ent, r.feed.topic.Account, r.filter, since, page)
			return nil, err
		})
		if err == nil || ctx.Err() != nil {
			return rows, next, err
		}
		r.feed.failed(err)
		timer := time.NewTimer(r.feed.every)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, "", ctx.Err()
		}
	}
}

// What a subscription tells of a change.

func deliveryUpdated(n notice) *model.DeliveryUpdatedPayload {
	return &model.DeliveryUpdatedPayload{Delivery: n.row.(*ent.Delivery), At: n.at, Cursor: n.cursor, Skipped: n.skipped}
}

func eventReceived(n notice) *model.EventReceivedPayload {
	return &model.EventReceivedPayload{Event: n.row.(*ent.Event), At: n.at, Cursor: n.cursor, Skipped: n.skipped}
}

func destinationHealthChanged(n notice) *model.DestinationHealthChangedPayload {
	return &model.DestinationHealthChangedPayload{Destination: n.row.(*ent.Destination), At: n.at, Cursor: n.cursor, Skipped: n.skipped}
}
