package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/ingest"
	"datapusher/internal/problem"
)

// named makes events of one account from names such as a1: the letter is the account's.
func named(names ...string) []ingest.Event {
	events := make([]ingest.Event, len(names))
	for i, name := range names {
		events[i] = ingest.Event{AccountID: name[:1], Payload: []byte(name)}
	}
	return events
}

func names(events []ingest.Event) string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = string(e.Payload)
	}
	return strings.Join(all, " ")
}

func TestTheAccountsTakeTurns(t *testing.T) {
	t.Parallel()
	const take = "take "
	for name, steps := range map[string][]string{
		"one account":                    {"a1 a2", "a3", take + "a1 a2 a3"},
		"rounds":                         {"a1 a2 a3 a4", "b1 b2", "c1", take + "a1 b1 c1 a2 b2 a3 a4"},
		"a round goes on in the next":    {"a1 a2 a3", "b1 b2", "c1", "take2 a1 b1", "take2 c1 a2", "take2 b2 a3"},
		"who comes later":                {"a1 a2 a3 a4", "take1 a1", "b1 b2", "take2 a2 b1", "c1", take + "a3 b2 c1 a4"},
		"who comes back":                 {"a1", "b1 b2", "take1 a1", "a2", take + "b1 a2 b2"},
		"a flood":                        {"a1 a2 a3 a4 a5 a6", "take2 a1 a2", "b1", "take2 a3 b1", "c1", "take2 a4 c1", take + "a5 a6"},
		"the last line of the ring ends": {"a1 a2", "b1", "c1", "take3 a1 b1 c1", "d1", take + "a2 d1"},
		"bytes":                          {"a-of-ten-- a-of-ten--", "b1 b2", "bytes12 a-of-ten-- b1", "bytes1 a-of-ten--", "bytes3 b2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := ingest.NewQueue(100, 1000)
			for _, step := range steps {
				word, rest, _ := strings.Cut(step, " ")
				maxItems, maxBytes := 100, 1000
				switch {
				case step == "", !strings.HasPrefix(word, "take") && !strings.HasPrefix(word, "bytes"):
					require.NoError(t, q.Push(named(strings.Fields(step)...)...))
					continue
				case strings.HasPrefix(word, "bytes"):
					_, err := fmt.Sscanf(word, "bytes%d", &maxBytes)
					require.NoError(t, err)
				case word != "take":
					_, err := fmt.Sscanf(word, "take%d", &maxItems)
					require.NoError(t, err)
				}
				require.Equal(t, rest, names(q.Take(maxItems, maxBytes)), step)
			}
			items, bytes, _ := q.Waiting()
			require.Zero(t, items)
			require.Zero(t, bytes)
		})
	}
}

// Of 16 places an account gets 12 while nobody else waits. Of what is left then,
// each gets as many as are free.
func TestAFloodLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	for what, q := range map[string]*ingest.Queue{"items": ingest.NewQueue(16, 1000), "bytes": ingest.NewQueue(1000, 32)} { // 2 bytes each
		refused := func(text string, names ...string) {
			t.Helper()
			before, _, _ := q.Waiting()
			err := q.Push(named(names...)...)
			require.Equal(t, problem.Unavailable, problem.CodeOf(err), what)
			require.ErrorContains(t, err, text, what)
			after, _, _ := q.Waiting()
			require.Equal(t, before, after)
		}
		const crowded, full = "of this account", "more events arrive"
		require.NoError(t, q.Push(named(slices.Repeat([]string{"a1"}, 11)...)...), what)
		refused(crowded, "a1", "a1")
		require.NoError(t, q.Push(named("a1")...), what)
		refused(crowded, "a1") // 12 wait, 4 are free
		require.NoError(t, q.Push(named("b1", "b1")...), what)
		refused(crowded, "b1") // 2 are free, 3 would be its
		require.NoError(t, q.Push(named("c1")...), what)
		refused(crowded, "c1")
		refused(crowded, "a1")
		refused(full, "d1", "d1")
		require.NoError(t, q.Push(named("d1")...), what)
		refused(full, "e1")
		require.Equal(t, "a1 b1 c1 d1 a1 b1 a1", names(q.Take(7, 1000)), what)
		refused(crowded, "a1", "a1", "a1", "a1") // 9 wait of it, 7 are free
		require.NoError(t, q.Push(named("a1", "a1", "a1")...), what)
		refused(crowded, "a1")
		require.NoError(t, q.Push(named("e1", "e1", "e1", "e1")...), what)
		refused(full, "f1")
	}
}

// Any sequence does what a plain list of lists would.
func TestTheQueueAgainstAModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		maxItems, maxBytes := 1+r.IntN(40), 20+r.IntN(400)
		q := ingest.NewQueue(maxItems, maxBytes)
		var m model
		for step := range 300 {
			if r.IntN(3) > 0 {
				account := string(rune('a' + min(r.IntN(6), r.IntN(6))))
				var events []ingest.Event
				for range 1 + r.IntN(1+r.IntN(8)) {
					name := fmt.Sprintf("%s%d-%s", account, step, strings.Repeat("x", r.IntN(12)))
					events = append(events, named(name)...)
				}
				err := q.Push(events...)
				require.Equal(t, m.push(events, maxItems, maxBytes), err == nil, "seed %d, step %d: %v", seed, step, err)
			} else if len(m.lines) > 0 {
				n, size := 1+r.IntN(12), 1+r.IntN(100)
				require.Equal(t, names(m.take(n, size)), names(q.Take(n, size)), "seed %d, step %d", seed, step)
			}
			items, bytes, accounts := q.Waiting()
			require.Equal(t, [2]int{m.items, m.bytes}, [2]int{items, bytes})
			require.True(t, items <= maxItems && bytes <= maxBytes && accounts <= maxItems, "seed %d, step %d", seed, step)
		}
		q.Close()
		require.Equal(t, names(m.take(1000, 100_000)), names(q.Take(1000, 100_000)))
		require.Empty(t, q.Take(1, 1))
	}
}

// model has the lines in the order of their turns.
type model struct {
	lines        [][]ingest.Event
	items, bytes int
}

func sizeOf(events []ingest.Event) (n int) {
	for _, e := range events {
		n += len(e.Payload)
	}
	return n
}

func (m *model) push(events []ingest.Event, maxItems, maxBytes int) bool {
	at := slices.IndexFunc(m.lines, func(l []ingest.Event) bool { return l[0].AccountID == events[0].AccountID })
	var own []ingest.Event
	if at >= 0 {
		own = m.lines[at]
	}
	fits := func(waiting, own, more, most int) bool {
		return waiting+more <= most && (waiting+more <= most-most/4 || own+more <= most-waiting)
	}
	if !fits(m.items, len(own), len(events), maxItems) || !fits(m.bytes, sizeOf(own), sizeOf(events), maxBytes) {
		return false
	}
	m.items, m.bytes = m.items+len(events), m.bytes+sizeOf(events)
	if at < 0 {
		m.lines = append(m.lines, events)
	} else {
		m.lines[at] = append(own, events...)
	}
	return true
}

func (m *model) take(maxItems, maxBytes int) (batch []ingest.Event) {
	for len(m.lines) > 0 && len(batch) < maxItems && sizeOf(batch) < maxBytes {
		l := m.lines[0]
		batch, m.lines = append(batch, l[0]), m.lines[1:]
		if len(l) > 1 {
			m.lines = append(m.lines, l[1:])
		}
	}
	m.items, m.bytes = m.items-len(batch), m.bytes-sizeOf(batch)
	return batch
}

// Accounts that come and go leave no more behind than wait at the same time.
func TestTheQueueForgetsAccounts(t *testing.T) {
	t.Parallel()
	q := ingest.NewQueue(8, 1000)
	for i := range 1000 {
		for j := range 9 {
			err := q.Push(ingest.Event{AccountID: fmt.Sprint(i, j), Payload: []byte("1")})
			require.Equal(t, j < 8, err == nil)
		}
		require.Len(t, q.Take(8, 1000), 8)
		items, _, accounts := q.Waiting()
		require.Zero(t, items)
		require.LessOrEqual(t, accounts, 8)
	}
}

// Nobody waits for a timer, and nobody sleeps while there is something to take.
func TestWhoWaitsIsWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := ingest.NewQueue(100, 1000)
		var mu sync.Mutex
		var taken []string
		left := 0
		for range 3 {
			go func() {
				for {
					batch := names(q.Take(2, 1000))
					mu.Lock()
					if batch == "" {
						left++
						mu.Unlock()
						return
					}
					taken = append(taken, batch)
					n := len(taken)
					mu.Unlock()
					if n <= 3 {
						<-t.Context().Done() // it commits, until the test ends
					}
				}
			}()
		}
		synctest.Wait()
		require.Empty(t, taken)
		for _, want := range []string{"a1", "b1"} {
			require.NoError(t, q.Push(named(want)...))
			synctest.Wait()
			require.Equal(t, want, taken[len(taken)-1])
		}
		require.NoError(t, q.Push(named("a1", "a2", "a3", "a4")...))
		synctest.Wait()
		require.Len(t, taken, 3, "the one that is left took two")
		require.NoError(t, q.Push(named("b2")...))
		q.Close()
		require.Equal(t, problem.Unavailable, problem.CodeOf(q.Push(named("c1")...)))
		require.Zero(t, left)
	})
}

func TestAPushOfManyWakesAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := ingest.NewQueue(100, 1000)
		var all sync.WaitGroup
		batches := make([]string, 3)
		for i := range batches {
			all.Go(func() { batches[i] = names(q.Take(2, 1000)) })
		}
		synctest.Wait()
		require.NoError(t, q.Push(named("a1", "a2", "a3", "a4", "a5")...))
		all.Wait() // a committer that were not woken would be a deadlock
		slices.Sort(batches)
		require.Equal(t, []string{"a1 a2", "a3 a4", "a5"}, batches)
		for range 3 {
			all.Go(func() { require.Empty(t, q.Take(2, 1000)) })
		}
		synctest.Wait()
		q.Close()
		all.Wait()
	})
}

func TestTheOrderOfAnAccountHoldsWhoeverSends(t *testing.T) {
	t.Parallel()
	q := ingest.NewQueue(1<<20, 1<<30)
	const accounts, events = 8, 2000
	var all sync.WaitGroup
	for a := range accounts {
		all.Go(func() {
			for i := range events {
				if err := q.Push(ingest.Event{AccountID: fmt.Sprint(a), Payload: fmt.Append(nil, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		all.Wait()
		q.Close()
	}()
	next := map[string]int{}
	for batch := q.Take(64, 1<<20); len(batch) > 0; batch = q.Take(64, 1<<20) {
		for _, e := range batch {
			require.Equal(t, fmt.Sprint(next[e.AccountID]), string(e.Payload))
			next[e.AccountID]++
		}
	}
	require.Len(t, next, accounts)
	for a, n := range next {
		require.Equal(t, events, n, a)
	}
}

// BenchmarkQueue is what it costs an event to pass through the queue, beside a
// channel, which knows no accounts.
func BenchmarkQueue(b *testing.B) {
	for name, start := range ingest.Passes() {
		for _, accounts := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/%d accounts", name, accounts), func(b *testing.B) {
				put, take := start()
				events := make([]ingest.Event, accounts)
				for i := range events {
					events[i] = ingest.Event{AccountID: fmt.Sprintf("acc_%026d", i), Payload: make([]byte, 1000)}
				}
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; {
					n := min(2000, b.N-done)
					for i := range n {
						put(&events[(done+i)%accounts])
					}
					for left := n; left > 0; {
						left -= take(256)
					}
					done += n
				}
			})
		}
	}
}

// A single event of an account that is busy waits and is passed by; what came in
// bulk goes when nothing else does.
func TestBusyAccountsArePassedBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := ingest.NewQueue(100, 1000)
		var free atomic.Bool // account a
		q.Busy(func(account string) bool { return account == "b" || account == "a" && !free.Load() })
		require.NoError(t, q.Push(named("a1")...))
		require.NoError(t, q.Push(named("b1", "b2", "b3")...))
		require.NoError(t, q.Push(named("c1")...))
		require.Equal(t, "c1", names(q.Take(100, 1000)))
		require.Equal(t, "b1 b2", names(q.Take(2, 1000)), "in bulk, nothing else may go")
		require.NoError(t, q.Push(named("c2")...))
		require.Equal(t, "c2", names(q.Take(100, 1000)), "what need not be deferred is first")
		require.Equal(t, "b3", names(q.Take(100, 1000)))
		taken := make(chan string)
		go func() { taken <- names(q.Take(100, 1000)) }()
		time.Sleep(time.Second)
		select {
		case got := <-taken:
			t.Fatal(got)
		default:
		}
		free.Store(true)
		require.Equal(t, "a1", <-taken)
		free.Store(false)
		require.NoError(t, q.Push(named("a2")...))
		q.Close()
		require.Equal(t, "a2", names(q.Take(100, 1000)), "at the end nobody waits for anybody")
		require.Empty(t, q.Take(100, 1000))
	})
}

// What is more than can be taken is refused after a second, and that account's alone.
func TestALineThatDoesNotMoveTakesNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := ingest.NewQueue(100, 1000)
		require.NoError(t, q.Push(named("a1")...))
		time.Sleep(time.Second)
		require.NoError(t, q.Push(named("a2")...))
		time.Sleep(time.Millisecond)
		require.Equal(t, problem.Unavailable, problem.From(q.Push(named("a3")...)).Code)
		require.NoError(t, q.Push(named("b1")...))
		require.Equal(t, "a1", names(q.Take(1, 1000)))
		require.NoError(t, q.Push(named("a4")...))
		require.Equal(t, "b1 a2 a4", names(q.Take(100, 1000)))
	})
}

// Of what comes in bulk a request's worth is begun at once; what is beyond that in
// the same second is deferred, in batches of its own that take turns with what
// others send.
func TestMuchBulkIsDeferred(t *testing.T) {
	t.Parallel()
	const ahead = 1024
	synctest.Test(t, func(t *testing.T) {
		q := ingest.NewQueue(10_000, 1<<20)
		q.Busy(func(string) bool { return false })
		push := func(account string, n int) {
			require.NoError(t, q.Push(named(slices.Repeat([]string{account + "1"}, n)...)...))
		}
		take := func(most, want int, deferred bool) {
			t.Helper()
			n, d := q.TakeKind(most)
			require.Equal(t, want, n)
			require.Equal(t, deferred, d)
		}
		push("a", 1000)
		take(2000, 1000, false)
		push("a", 3000)
		take(2000, ahead-1000, false)
		for range 100 {
			push("b", 1)
		}
		take(10, 10, true)
		for range 25 { // b's single events and a's bulk in turn
			take(2, 2, false)
			take(10, 10, true)
		}
		take(50, 50, false)
		take(5000, 3000-24-260, true)

		time.Sleep(100 * time.Millisecond) // a tenth of a second's worth
		push("a", 1000)
		take(5000, 102, false)
		take(5000, 898, true)
		time.Sleep(time.Hour)
		push("a", 1025)
		take(5000, 1024, false)
		take(5000, 1, true)
	})
}
