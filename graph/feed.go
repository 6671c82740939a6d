package graph

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/changes"
)

const (
	// readAtOnce rows are read in one go for all who read a feed.
	readAtOnce = 128
	// readPace is the shortest time between two of them: a feed reads at most some
	// 5,000 rows a second, whatever happens.
	readPace = 25 * time.Millisecond
	// maxPending ids wait to be read; of more the newest are.
	maxPending = 4 * readAtOnce
	// toldPerSecond payloads leave a process at most, over all subscriptions, so that
	// those who only look leave the processors to those who send.
	toldPerSecond = 4000
	// remembered is how many changes of a feed are there for those who come back.
	remembered = 1024
	// linger is how long a feed goes on when the last of its readers has left.
	linger = 30 * time.Second
	// overlap is how far before a moment one looks to miss nothing: an id may be that
	// much older than its commit.
	overlap = 10 * time.Second
	// looksBetween is how many looks are left out where the bus tells what changes.
	looksBetween = 10
	// maxFilters of readers are looked for in one go.
	maxFilters = 50
	// lookAtOnce bounds the statements of all feeds of a process together: the more
	// there are, the longer each of them waits, and the database does not notice.
	lookAtOnce = 4
	// lookTime bounds one of them.
	lookTime = 5 * time.Second
)

// change is something that has changed, as it was found. All who read a feed
// share it: nobody may change it.
type change struct {
	seq   uint64    // its place in the feed
	found time.Time // by this process's clock
	at    time.Time // when it has changed

	id, account, event, destination string // event and destination: of a delivery

	state any // comparable: what is new where it differs
	row   any // *ent.Event, *ent.Delivery or *ent.Destination
}

// feeds are what subscriptions of this process read: a feed for each topic that
// somebody is interested in.
type feeds struct {
	bus    *changes.Bus // nil: there is none, so that feeds look by themselves
	store  *store
	every  time.Duration // between two looks
	pace   *rate.Limiter // of payloads
	logger *slog.Logger
	moan   rate.Sometimes

	ctx  context.Context // ends with close
	stop context.CancelFunc

	mu   sync.Mutex
	open map[changes.Topic]*feed
	done sync.WaitGroup
}

func newFeeds(client *ent.Client, bus *changes.Bus, every time.Duration, logger *slog.Logger) *feeds {
	f := &feeds{
		bus: bus, every: every, pace: rate.NewLimiter(toldPerSecond, toldPerSecond/10), logger: logger,
		open:  map[changes.Topic]*feed{},
		moan:  rate.Sometimes{Interval: 10 * time.Second},
		store: &store{ent: client, places: make(chan struct{}, lookAtOnce)},
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

func (s *feeds) close() {
	s.mu.Lock()
	s.stop() // under the lock: none is added to those that are waited for
	s.mu.Unlock()
	s.done.Wait()
}

// feed finds out what changes of a topic, once for all who read it: by the ids
// that the bus brings, and by looking, at what is new mostly, in case the bus has
// lost some.
type feed struct {
	*feeds
	topic changes.Topic
	kind  *kind
	name  uint32    // is in cursors: no other feed has it
	began time.Time // what is older has not changed by being found
	wake  chan struct{}
	ready chan struct{} // closed when it has had its first look, or has failed
	err   error         // of that look

	memory memory

	mu      sync.Mutex
	pending map[string]struct{} // ids to be read
	around  bool                // something has changed, and nobody knows what
	last    uint64              // change
	ring    []*change           // the last ones, the oldest first
	readers map[*reader]struct{}
	left    time.Time // when the last reader has left; zero: there is one
}

// get finds the feed of a topic, or begins it. Its reader has to leave it.
func (s *feeds) get(ctx context.Context, topic changes.Topic) (*feed, error) {
	s.mu.Lock()
	f := s.open[topic]
	if f == nil {
		if s.ctx.Err() != nil {
			s.mu.Unlock()
			return nil, s.ctx.Err()
		}
		f = &feed{
			feeds: s, topic: topic, kind: kinds[topic.Kind], name: randomName(), began: time.Now(),
			wake: make(chan struct{}, 1), ready: make(chan struct{}),
			pending: map[string]struct{}{}, readers: map[*reader]struct{}{},
		}
		s.open[topic] = f
		s.done.Go(f.run)
	}
	f.expect()
	s.mu.Unlock()
	select {
	case <-f.ready:
		return f, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func randomName() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

func (f *feed) run() {
	ctx := auth.AsSystem(f.ctx)
	stop := f.bus.Watch(f.topic, f.hint)
	defer stop()
	now, err := f.store.look(ctx, f.kind, f.topic.Account, filter{}, f.began.Add(-overlap))
	f.memory.learn(now)
	if f.err = err; err != nil {
		f.drop()
	}
	close(f.ready)
	if err != nil {
		return
	}
	ticker := time.NewTicker(f.every)
	defer ticker.Stop()
	for ticks := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			f.read(ctx)
			f.rest(ctx)
		case <-ticker.C:
			if f.deserted() {
				return
			}
			// Soon after the beginning, too: the others may not have known yet.
			if ticks++; ticks == 1 || ticks%looksBetween == 0 || !f.bus.Hears() {
				f.lookAround(ctx)
			}
		}
	}
}

// prime learns how deliveries stand that a new reader asks for: from then on they
// have changed where they differ.
func (f *feed) prime(ctx context.Context, one filter) error {
	if f.topic.Kind != changes.Deliveries || one == (filter{}) {
		return nil
	}
	rows, err := f.store.look(auth.AsSystem(ctx), f.kind, f.topic.Account, one, time.Time{})
	f.memory.learn(rows)
	return err
}

// rest keeps the pace.
func (f *feed) rest(ctx context.Context) {
	timer := time.NewTimer(min(readPace, f.every))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// hint is what the bus calls.
func (f *feed) hint(ids []string) {
	f.mu.Lock()
	for _, one := range ids {
		f.pending[one] = struct{}{}
	}
	f.around = f.around || ids == nil
	f.mu.Unlock()
	f.soon()
}

func (f *feed) soon() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take takes ids to be read, the oldest first.
func (f *feed) take() (ids []string, around bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids = slices.Sorted(maps.Keys(f.pending))
	if over := len(ids) - maxPending; over > 0 {
		missed := ids[:over:over]
		if f.topic.Kind == changes.Events { // a look may have told of them, and does no more
			missed = slices.DeleteFunc(slices.Clone(missed), func(one string) bool {
				_, known := f.memory.swap(one, eventState, false)
				return known
			})
		}
		for r := range f.readers {
			r.miss(missed)
		}
		ids = ids[over:]
	}
	rest := ids[min(readAtOnce, len(ids)):]
	ids = ids[:len(ids)-len(rest)]
	f.pending = make(map[string]struct{}, len(rest))
	for _, one := range rest {
		f.pending[one] = struct{}{}
	}
	around, f.around = f.around, false
	if len(rest) > 0 {
		f.soon()
	}
	return ids, around
}

// read tells what the bus has hinted at.
func (f *feed) read(ctx context.Context) {
	ids, around := f.take()
	if len(ids) > 0 {
		rows, err := f.store.read(ctx, f.kind, f.topic.Account, ids)
		if err != nil {
			f.failed(err)
			f.hint(ids) // once more
			return
		}
		f.tell(f.kind.differ(&f.memory, rows, time.Time{}))
	}
	if around {
		f.lookAround(ctx)
	}
}

// lookAround tells what nobody has hinted at: of the topic, and of what readers ask
// for in particular.
func (f *feed) lookAround(ctx context.Context) {
	for one := range f.filters() {
		rows, err := f.store.look(ctx, f.kind, f.topic.Account, one, time.Now().Add(-overlap))
		if err != nil { // the next look tells what this one has missed
			f.failed(err)
			return
		}
		f.tell(f.kind.differ(&f.memory, rows, f.began.Add(-overlap)))
	}
}

// filters are what to look for: everything, and deliveries that readers ask for, of
// whom a few have their turn where there are many.
func (f *feed) filters() map[filter]bool {
	all := map[filter]bool{{}: true}
	if f.topic.Kind != changes.Deliveries {
		return all
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.readers {
		if all[r.filter] = true; len(all) > maxFilters {
			break
		}
	}
	return all
}

func (f *feed) failed(err error) {
	if f.ctx.Err() == nil {
		f.moan.Do(func() {
			f.logger.Warn("cannot look for what has changed, for subscriptions; trying again", "error", err)
		})
	}
}

// tell hands changes to everybody whom they concern.
func (f *feed) tell(all []*change) {
	if len(all) == 0 {
		return
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range all {
		f.last++
		c.seq, c.found = f.last, now
		f.ring = append(f.ring, c)
		for r := range f.readers {
			if r.filter.fits(c) {
				r.put(c)
			}
		}
	}
	if over := len(f.ring) - remembered; over > 0 {
		f.ring = slices.Delete(f.ring, 0, over)
	}
}

// deserted reports whether nobody has read the feed for a while. Then it is closed.
func (f *feed) deserted() bool {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left.IsZero() || time.Since(f.left) < linger {
		return false
	}
	delete(f.open, f.topic)
	return true
}

// expect keeps a feed that nobody reads open for a reader who is about to join.
func (f *feed) expect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) == 0 {
		f.left = time.Now()
	}
}

func (f *feed) drop() {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	delete(f.open, f.topic)
}

// join adds a reader. Where the feed remembers what the reader was told last, the
// reader gets what has come since, and nothing is missing.
func (f *feed) join(r *reader, after *place) (known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers[r] = struct{}{}
	f.left = time.Time{}
	if after == nil || after.feed != f.name || after.seq > f.last || after.seq+1+uint64(len(f.ring)) < f.last+1 {
		return false
	}
	for _, c := range f.ring {
		if c.seq > after.seq && r.filter.fits(c) {
			r.put(c)
		}
	}
	return true
}

func (f *feed) leave(r *reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
	if len(f.readers) == 0 {
		f.left = time.Now()
	}
}

// memory is what was known last of rows: the newest twenty thousand or so.
type memory struct {
	mu         sync.Mutex
	young, old map[string]any
}

const generation = 20_000

// learn takes in rows of which nothing is known.
func (m *memory) learn(rows []*change) {
	for _, c := range rows {
		m.swap(c.id, c.state, false)
	}
}

// change takes in how a row stands, and tells how it stood.
func (m *memory) change(c *change) (before any, known bool) { return m.swap(c.id, c.state, true) }

func (m *memory) swap(id string, state any, anyway bool) (before any, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, known = m.young[id]; !known {
		before, known = m.old[id]
	}
	if known && !anyway {
		return before, known
	}
	if len(m.young) >= generation {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = map[string]any{}
	}
	m.young[id] = state
	return before, known
}
