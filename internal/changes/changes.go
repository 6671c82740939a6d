// Package changes lets those who watch an account know that something of it has
// changed, in whichever process that happened.
//
// Only ids go around: what has changed is read from the tables by whoever wants to
// know. Nobody relies on it, either: an id may be lost with a connection, so that
// those who watch look at the tables now and then as well.
//
// Where nobody watches it costs the hot path one look at a pointer. Processes say
// what is watched in them, so that the others say what has changed of that alone:
// after the commit, and in one statement for all of a moment, whatever the number
// of events. Within a process, as always on SQLite, nothing is said at all.
package changes

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"datapusher/internal/database"
	"datapusher/internal/id"
)

const (
	// pace is the shortest time between two statements of a process that say what has
	// changed.
	pace = 25 * time.Millisecond
	// quickPace is that for what is announced one by one: somebody waits for it.
	quickPace = 5 * time.Millisecond
	// beat is how often a process says again what is watched in it, which it also
	// hears itself.
	beat = 5 * time.Second
	// believed is how long others believe that something is watched, and this process
	// that it hears.
	believed = 3 * beat
	// sayTime bounds one statement.
	sayTime = 5 * time.Second
	// maxWaiting ids of a topic wait to be said; what comes on top is not named.
	maxWaiting = 4096
)

// Kind is the kind of a row.
type Kind byte

// The kinds that can be watched.
const (
	Events       Kind = 'e'
	Deliveries   Kind = 'd'
	Destinations Kind = 's'
	// Runs are no rows, and of no account: who has committed deliveries under a run, and
	// makes no attempts, announces it to those who do.
	Runs Kind = 'r'
)

var kinds = map[id.Prefix]Kind{id.Event: Events, id.Delivery: Deliveries, id.Destination: Destinations}

var prefixes = map[Kind]id.Prefix{Events: id.Event, Deliveries: id.Delivery, Destinations: id.Destination, Runs: ""}

// Topic is what can be watched: rows of one kind, of one account or ("") of all.
type Topic struct {
	Kind    Kind
	Account string
}

// announced is what nobody watches of a row: it costs the hot path nothing.
var announced = Topic{Kind: Runs}

// Bus carries the ids of what has changed to those who watch. A nil Bus carries
// nothing.
type Bus struct {
	self   string // names this process to the others
	wire   wire   // to the others; nil: there are none
	logger *slog.Logger
	moan   rate.Sometimes

	wanted atomic.Pointer[map[Topic]want] // nil: nobody wants to know anything of rows
	heeded atomic.Bool                    // another process watches what is announced
	calls  atomic.Int64                   // that announced something and are not said yet

	mu      sync.Mutex
	here    map[*watch]struct{}
	there   map[Topic]time.Time // what others watch, and until when that is believed
	waiting map[Topic]*heap     // of an account each, to be said to the others
	tell    bool                // say soon what is watched here
	ask     bool                // say soon that the others shall
	heard   time.Time           // when this process has last heard itself

	now  chan struct{} // something is to be said
	stop context.CancelFunc
	done sync.WaitGroup
}

// watch is one who watches.
type watch struct {
	topic Topic
	hear  func(ids []string)
}

// want is who wants to know of a topic.
type want struct {
	here  []*watch
	there bool
}

// heap is what has changed and waits to be said.
type heap struct {
	ids  map[string]struct{}
	more bool // and more than that
}

// wire carries texts between processes.
type wire interface {
	listen(channels []string, ears database.Ears) (stop func())
	say(ctx context.Context, channel string, texts []string) error
}

type postgres struct{ *database.DB }

func (p postgres) listen(channels []string, ears database.Ears) func() {
	return p.Listen(channels, ears).Close
}

func (p postgres) say(ctx context.Context, channel string, texts []string) error {
	return p.Notify(ctx, channel, texts)
}

// New begins to carry. On Postgres it holds a connection of its own. Close ends it.
func New(db *database.DB, logger *slog.Logger) *Bus {
	if db.Postgres() {
		return start(postgres{db}, logger)
	}
	return start(nil, logger)
}

func start(w wire, logger *slog.Logger) *Bus {
	b := &Bus{
		self: rand.Text()[:12], wire: w, logger: logger, moan: rate.Sometimes{Interval: time.Minute},
		here: map[*watch]struct{}{}, there: map[Topic]time.Time{}, waiting: map[Topic]*heap{}, now: make(chan struct{}, 1),
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	if w != nil {
		deaf := w.listen([]string{watched, changed}, database.Ears{Said: b.said, Up: b.up, Down: b.down})
		b.done.Go(func() {
			defer deaf()
			b.run(ctx)
		})
	}
	return b
}

// Close ends it: nobody hears anything afterwards.
func (b *Bus) Close() {
	b.stop()
	b.done.Wait()
	b.wanted.Store(nil)
	b.heeded.Store(false)
}

// Wanted reports whether anybody watches anything. It is for those who would have
// to gather the ids first.
func (b *Bus) Wanted() bool { return b != nil && b.wanted.Load() != nil }

// Watched reports whether anybody watches anything of an account.
func (b *Bus) Watched(account string) bool {
	if b == nil {
		return false
	}
	all := b.wanted.Load()
	if all == nil {
		return false
	}
	for _, k := range []Kind{Events, Deliveries, Destinations} {
		for _, of := range []string{account, ""} {
			if _, watched := (*all)[Topic{k, of}]; watched {
				return true
			}
		}
	}
	return false
}

// Note says that rows of an account have changed, after the commit.
func (b *Bus) Note(account string, ids ...string) {
	if !b.Watched(account) {
		return
	}
	by := map[Kind][]string{}
	for _, one := range ids {
		if k := kinds[id.Prefix(one[:min(3, len(one))])]; k != 0 {
			by[k] = append(by[k], one)
		}
	}
	for k, some := range by {
		b.note(Topic{k, account}, some)
	}
}

// NoteSome says that rows of an account have changed, and not which.
func (b *Bus) NoteSome(account string, k Kind) {
	if b.Wanted() {
		b.note(Topic{k, account}, nil)
	}
}

// Announce says that there is something new under a run, after the commit.
func (b *Bus) Announce(run string) {
	if b.Heeded() {
		b.calls.Add(1)
		b.later(announced, []string{run})
	}
}

// Heeded reports whether another process, most probably, hears what is announced.
func (b *Bus) Heeded() bool { return b != nil && b.heeded.Load() }

func (b *Bus) note(t Topic, ids []string) {
	if b.inform(t, ids) {
		b.later(t, ids)
	}
}

// inform tells those who watch in this process, and whether somebody does elsewhere.
func (b *Bus) inform(t Topic, ids []string) (elsewhere bool) {
	all := b.wanted.Load()
	if all == nil {
		return false
	}
	one, everything := (*all)[t], (*all)[Topic{Kind: t.Kind}]
	for _, w := range one.here {
		w.hear(ids)
	}
	for _, w := range everything.here {
		w.hear(ids)
	}
	return one.there || everything.there
}

// later has the others told.
func (b *Bus) later(t Topic, ids []string) {
	b.mu.Lock()
	h := b.waiting[t]
	if h == nil {
		h = &heap{ids: map[string]struct{}{}}
		b.waiting[t] = h
	}
	h.more = h.more || ids == nil || len(h.ids)+len(ids) > maxWaiting
	if len(h.ids)+len(ids) <= maxWaiting {
		for _, one := range ids {
			h.ids[one] = struct{}{}
		}
	}
	b.mu.Unlock()
	b.soon()
}

// soon has what waits said as soon as the pace allows.
func (b *Bus) soon() {
	select {
	case b.now <- struct{}{}:
	default:
	}
}

// Watch has hear called with the ids of what changes, by several goroutines; nil
// says that something has, and not what. It must not block. stop ends it.
func (b *Bus) Watch(t Topic, hear func(ids []string)) (stop func()) {
	if b == nil {
		return func() {}
	}
	w := &watch{t, hear}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.here[w] = struct{}{}
	b.tell = true
	b.settle()
	b.soon()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.here, w)
		b.settle()
	}
}

// settle works out anew who wants to know what. It is called with the lock held.
func (b *Bus) settle() {
	all := map[Topic]want{}
	for w := range b.here {
		one := all[w.topic]
		one.here = append(one.here, w)
		all[w.topic] = one
	}
	for t := range b.there {
		one := all[t]
		one.there = true
		all[t] = one
	}
	b.heeded.Store(all[announced].there)
	delete(all, announced)
	if len(all) == 0 {
		b.wanted.Store(nil)
		return
	}
	b.wanted.Store(&all)
}

// Hears reports whether what other processes say is heard here now. Where not,
// those who watch have to look at the tables more often.
func (b *Bus) Hears() bool {
	if b == nil {
		return false
	}
	if b.wire == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.heard) < believed
}

// run says what is to be said, until ctx ends.
func (b *Bus) run(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.now:
		case <-ticker.C:
			b.forget()
		}
		announcements := b.calls.Swap(0)
		b.speak(ctx)
		wait := time.NewTimer(nextPace(announcements))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
	}
}

// nextPace is the time until more is said, after so many announcements.
func nextPace(announcements int64) time.Duration {
	if announcements == 0 {
		return pace
	}
	return min(time.Duration(announcements)*quickPace, pace)
}

// forget drops what others no longer watch, and has said again what is watched
// here.
func (b *Bus) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(b.there, func(_ Topic, until time.Time) bool { return now.After(until) })
	b.tell = len(b.here) > 0
	b.settle()
}

func (b *Bus) speak(ctx context.Context) {
	b.mu.Lock()
	waiting := b.waiting
	b.waiting = map[Topic]*heap{}
	var topics []Topic
	if b.tell {
		own := map[Topic]bool{}
		for w := range b.here {
			own[w.topic] = true
		}
		topics = slices.Collect(maps.Keys(own))
	}
	ask := b.ask
	b.tell, b.ask = false, false
	b.mu.Unlock()

	if ask || len(topics) > 0 {
		b.say(ctx, watched, writeWatched(b.self, ask, topics))
	}
	if len(waiting) > 0 {
		b.say(ctx, changed, writeChanged(b.self, waiting))
	}
}

func (b *Bus) say(ctx context.Context, channel string, texts []string) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	if err := b.wire.say(ctx, channel, texts); err != nil && ctx.Err() == nil {
		b.moan.Do(func() {
			b.logger.Warn("other processes cannot be told what has changed; they look by themselves", "error", err)
		})
	}
}

// up asks the others what they watch, and hears itself do so.
func (b *Bus) up() {
	b.mu.Lock()
	b.ask, b.tell = true, true
	b.mu.Unlock()
	b.soon()
}

func (b *Bus) down(err error) {
	b.mu.Lock()
	b.heard = time.Time{}
	b.mu.Unlock()
	b.moan.Do(func() {
		b.logger.Warn("what other processes change is not heard now; whoever watches looks by himself", "error", err)
	})
}

func (b *Bus) said(channel, text string) {
	from, words, ok := cut(text)
	if !ok {
		return
	}
	if channel == changed {
		if from != b.self { // who watches here has been told before
			for _, one := range words {
				if t, ids, ok := readChange(one); ok {
					b.hear(t, ids)
				}
			}
		}
		return
	}
	if from == b.self {
		b.hearsItself()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range words {
		if one == question {
			b.tell = len(b.here) > 0
			b.soon()
		} else if t, ok := readTopic(one); ok {
			b.there[t] = time.Now().Add(believed)
		}
	}
	b.settle()
}

// hear passes on what another process has said.
func (b *Bus) hear(t Topic, ids []string) {
	if t != announced {
		b.inform(t, ids)
		return
	}
	b.mu.Lock()
	here := slices.Collect(maps.Keys(b.here))
	b.mu.Unlock()
	for _, w := range here {
		if w.topic == announced {
			w.hear(ids)
		}
	}
}

// hearsItself notes that the connection carries. After a time when it did not,
// whoever watches has to look.
func (b *Bus) hearsItself() {
	b.mu.Lock()
	deaf := time.Since(b.heard) >= believed
	b.heard = time.Now()
	here := slices.Collect(maps.Keys(b.here))
	b.mu.Unlock()
	if deaf {
		for _, w := range here {
			w.hear(nil)
		}
	}
}
