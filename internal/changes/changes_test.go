package changes

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

var quiet = slog.New(slog.DiscardHandler)

// air is a wire in memory: what one says all hear, in order.
type air struct {
	mu   sync.Mutex
	ears []database.Ears
	said map[string]int // statements, by channel
	mute bool
	text strings.Builder // all that was said
}

func (a *air) listen(_ []string, ears database.Ears) func() {
	a.mu.Lock()
	a.ears = append(a.ears, ears)
	a.mu.Unlock()
	ears.Up()
	return func() {}
}

func (a *air) say(_ context.Context, channel string, texts []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mute {
		return errors.New("there is no air")
	}
	if a.said == nil {
		a.said = map[string]int{}
	}
	a.said[channel]++
	for _, e := range a.ears {
		for _, one := range texts {
			a.text.WriteString(one)
			if len(one) > database.MaxNotice {
				panic("too long")
			}
			e.Said(channel, one)
		}
	}
	return nil
}

func (a *air) statements(channel string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.said[channel]
}

func (a *air) all() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}

// listener collects what it hears.
type listener struct {
	mu   sync.Mutex
	ids  map[string]int
	some int
	more chan struct{}
}

func newListener() *listener { return &listener{ids: map[string]int{}, more: make(chan struct{}, 1)} }

func (l *listener) hear(ids []string) {
	l.mu.Lock()
	for _, one := range ids {
		l.ids[one]++
	}
	if ids == nil {
		l.some++
	}
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *listener) heard() (ids, some int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids), l.some
}

func events(n int) []string {
	var m id.Minter
	return m.Events(time.Now(), n)
}

func TestANilBusCarriesNothing(t *testing.T) {
	t.Parallel()
	var b *Bus
	b.Note("acc", "evt_x")
	b.NoteSome("acc", Events)
	b.Watch(Topic{Events, ""}, nil)()
	require.False(t, b.Wanted())
	require.False(t, b.Watched("acc"))
	require.False(t, b.Hears())
}

// Where nobody watches nothing is said, and where somebody does it is said for all
// of a moment together, whatever the number of commits.
func TestWhatNobodyWatchesIsNotSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		one, two := start(a, quiet), start(a, quiet)
		defer one.Close()
		defer two.Close()
		time.Sleep(time.Second)
		jane, joe := id.New(id.Account, time.Now()), id.New(id.Account, time.Now())
		for range 1000 {
			one.Note(jane, events(1)...)
		}
		time.Sleep(time.Second)
		require.False(t, one.Wanted())
		require.Zero(t, a.statements(changed))

		l := newListener()
		stop := two.Watch(Topic{Events, jane}, l.hear)
		time.Sleep(time.Second)
		require.True(t, one.Wanted())
		require.True(t, one.Watched(jane))
		require.False(t, one.Watched(joe))
		_, before := l.heard()
		for range 1000 {
			one.Note(jane, events(1)...)
			one.Note(joe, events(1)...)
			one.Note(jane, id.DeliveryOf(events(1)[0], 0))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		got, some := l.heard()
		require.Equal(t, 1000, got)
		require.Equal(t, before, some)
		require.LessOrEqual(t, a.statements(changed), 1+int(time.Second/pace))
		require.Contains(t, a.all(), shorten(jane))
		require.NotContains(t, a.all(), shorten(joe), "whom nobody watches")

		stop()
		time.Sleep(believed + beat + time.Second) // then the others believe it no more
		require.False(t, one.Wanted())
		require.False(t, two.Wanted())
		said := a.statements(changed)
		one.Note(jane, events(1)...)
		time.Sleep(time.Minute)
		require.Equal(t, said, a.statements(changed))

		here := newListener() // what is watched in one's own process alone is not said either
		defer one.Watch(Topic{Events, jane}, here.hear)()
		one.Note(jane, events(1)...)
		time.Sleep(time.Second)
		got, _ = here.heard()
		require.Equal(t, 1, got)
		require.Equal(t, said, a.statements(changed))
	})
}

// Within a process nobody waits for the wire, and nobody hears twice.
func TestWithinAProcessItIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, w := range map[string]wire{"alone": nil, "with others": &air{}} {
			b := start(w, quiet)
			var other *Bus
			if w != nil {
				other = start(w, quiet)
			}
			jane := id.New(id.Account, time.Now())
			mine, all, rest := newListener(), newListener(), newListener()
			defer other.Watch(Topic{Deliveries, jane}, newListener().hear)() // so that it is said
			defer b.Watch(Topic{Deliveries, jane}, mine.hear)()
			defer b.Watch(Topic{Deliveries, ""}, all.hear)()
			defer b.Watch(Topic{Events, jane}, rest.hear)()
			time.Sleep(time.Second)
			_, before := mine.heard()
			b.Note(jane, id.DeliveryOf(events(1)[0], 3))
			b.NoteSome(jane, Deliveries)
			for _, l := range []*listener{mine, all} {
				ids, some := l.heard()
				require.Equal(t, 1, ids, name)
				require.Equal(t, before+1, some, name)
			}
			ids, _ := rest.heard()
			require.Zero(t, ids)
			time.Sleep(time.Minute)
			require.Equal(t, 1, sum(mine.ids), name)
			require.True(t, b.Hears(), name)
			b.Close()
			if other != nil {
				other.Close()
			}
		}
	})
}

func sum(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// What is announced reaches every other process that makes attempts, soon and once, and
// costs those who change rows nothing.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		serve, worker := start(a, quiet), start(a, quiet)
		defer serve.Close()
		defer worker.Close()
		serve.Announce("event/evt_0")
		synctest.Wait()
		require.False(t, serve.Heeded())
		require.Zero(t, a.statements(changed), "nobody hears it")

		l, rows := newListener(), newListener()
		stop := worker.Watch(Topic{Kind: Runs}, l.hear)
		defer worker.Watch(Topic{Events, ""}, rows.hear)()
		time.Sleep(time.Second)
		require.True(t, serve.Heeded())
		require.False(t, worker.Heeded(), "not by itself")
		worker.Announce("event/evt_0")
		begin := time.Now()
		serve.Announce("event/evt_1")
		synctest.Wait()
		ids, _ := l.heard()
		require.Equal(t, 1, ids)
		require.Equal(t, begin, time.Now(), "at once")

		// Under load what was announced meanwhile is said together.
		before := a.statements(changed)
		for range 100 {
			for range 10 {
				serve.Announce("batch/1")
			}
			time.Sleep(10 * time.Millisecond)
		}
		require.Less(t, a.statements(changed)-before, 100, "for a thousand")
		synctest.Wait()
		l.mu.Lock()
		require.NotZero(t, l.ids["batch/1"])
		require.Zero(t, l.ids["event/evt_0"])
		l.mu.Unlock()
		none, _ := rows.heard()
		require.Zero(t, none)

		stop()
		time.Sleep(believed + beat + time.Second)
		require.False(t, serve.Heeded(), "nobody hears it any more")
	})
}

func TestNobodyWatchesRowsWhereRunsAreHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		one, two := start(a, quiet), start(a, quiet)
		defer one.Close()
		defer two.Close()
		defer two.Watch(Topic{Kind: Runs}, newListener().hear)()
		time.Sleep(time.Second)
		for _, b := range []*Bus{one, two} {
			require.False(t, b.Wanted())
			require.False(t, b.Watched(id.New(id.Account, time.Now())))
		}
	})
}

// Who does not hear himself knows that he is deaf; who hears again looks.
func TestTheDeafKnow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		b := start(a, quiet)
		defer b.Close()
		l := newListener()
		defer b.Watch(Topic{Events, ""}, l.hear)()
		time.Sleep(time.Second)
		require.True(t, b.Hears())
		a.ears[0].Down(errors.New("gone"))
		require.False(t, b.Hears())
		_, before := l.heard()
		a.ears[0].Up()
		time.Sleep(time.Second)
		require.True(t, b.Hears())
		_, after := l.heard()
		require.Equal(t, before+1, after)

		// A pooler between takes LISTEN and brings nothing.
		a.mu.Lock()
		a.mute = true
		a.mu.Unlock()
		time.Sleep(believed + time.Second)
		require.False(t, b.Hears())
	})
}

// Too many to be named are not forgotten.
func TestTooManyAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		one, two := start(a, quiet), start(a, quiet)
		defer one.Close()
		defer two.Close()
		jane := id.New(id.Account, time.Now())
		l := newListener()
		defer two.Watch(Topic{Events, jane}, l.hear)()
		time.Sleep(time.Second)
		_, before := l.heard()
		one.Note(jane, events(1)...)
		synctest.Wait() // it is said, and for a pace nothing more is
		one.Note(jane, events(maxWaiting)...)
		one.Note(jane, events(1)...)
		time.Sleep(time.Second)
		ids, some := l.heard()
		require.Equal(t, 1+maxWaiting, ids)
		require.Equal(t, before+1, some)
	})
}

func TestTextsAreRead(t *testing.T) {
	t.Parallel()
	acc, evt := id.New(id.Account, time.Now()), events(1)[0]
	for _, topic := range []Topic{{Events, acc}, {Deliveries, ""}, {Destinations, acc}, announced} {
		got, ok := readTopic(writeTopic(topic))
		require.True(t, ok)
		require.Equal(t, topic, got)
	}
	all := map[Topic]*heap{}
	want := map[string]bool{}
	for k, one := range map[Kind]string{Events: evt, Deliveries: id.DeliveryOf(evt, 7), Destinations: id.New(id.Destination, time.Now())} {
		all[Topic{k, acc}] = &heap{ids: map[string]struct{}{one: {}}}
		want[one] = true
	}
	for _, text := range writeChanged("me", all) {
		from, words, ok := cut(text)
		require.True(t, ok)
		require.Equal(t, "me", from)
		for _, w := range words {
			topic, ids, ok := readChange(w)
			require.True(t, ok)
			require.Equal(t, acc, topic.Account)
			for _, one := range ids {
				require.True(t, want[one], one)
				delete(want, one)
			}
		}
	}
	require.Empty(t, want)
	runs := &heap{ids: map[string]struct{}{}}
	for _, one := range events(1000) { // so many that it takes several texts
		runs.ids["event/"+one] = struct{}{}
	}
	for _, text := range writeChanged("me", map[Topic]*heap{announced: runs}) {
		require.LessOrEqual(t, len(text), database.MaxNotice)
		_, words, _ := cut(text)
		for _, w := range words {
			topic, ids, ok := readChange(w)
			require.True(t, ok)
			require.Equal(t, announced, topic)
			for _, one := range ids {
				require.Contains(t, runs.ids, one)
				delete(runs.ids, one)
			}
		}
	}
	require.Empty(t, runs.ids)
	for _, bad := range []string{"", "x", "e", "eACC", "e:*x", "x:*", "e" + acc + ":*", "e:" + strings.Repeat("0", 27), "e:,", "d:!", "e:\x00"} {
		if _, ids, ok := readChange(bad); ok {
			require.Nil(t, ids, bad)
		}
	}
}

// Two processes on a Postgres of their own: what one notes the other hears, and again
// when its connection was cut.
func TestOverPostgres(t *testing.T) {
	t.Parallel()
	url := dbtest.PostgresURL(t)
	open := func() *database.DB {
		db, err := database.Open(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	db := open()
	one, two := New(db, quiet), New(open(), quiet)
	defer one.Close()
	defer two.Close()
	jane := id.New(id.Account, time.Now())
	l := newListener()
	defer two.Watch(Topic{Events, jane}, l.hear)()
	eventually := func(what string, f func() bool) {
		t.Helper()
		require.Eventually(t, f, time.Minute, time.Millisecond, what)
	}
	arrives := func() {
		t.Helper()
		eventually("the others know", one.Wanted)
		sent := events(1)[0]
		began := time.Now()
		one.Note(jane, sent)
		eventually("it is heard", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.ids[sent] > 0
		})
		t.Logf("heard after %v", time.Since(began))
	}
	eventually("it hears itself", two.Hears)
	arrives()
	_, before := l.heard()
	_, err := db.Write.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'`)
	require.NoError(t, err)
	eventually("it looks when it hears again", func() bool { _, some := l.heard(); return some > before })
	eventually("it hears again", two.Hears)
	eventually("so does the other", one.Hears)
	arrives()
	for range 100 { // many, with long lists of ids
		one.Note(jane, events(200)...)
	}
	eventually("most of them, and that there are more", func() bool { ids, _ := l.heard(); return ids >= maxWaiting-200 })
}
