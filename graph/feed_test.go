package graph_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/graph"
	"datapusher/graph/model"
	"datapusher/internal/auth"
	"datapusher/internal/changes"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// processes are several that serve subscriptions, on one database: as many buses
// and feeds as there would be.
type processes struct {
	*world
	account string
	viewer  context.Context
	buses   []*changes.Bus
	feeds   []graph.Feeds
	to      *ent.Destination
	minter  id.Minter
}

// newProcesses starts n. Their looks, which find what the bus has lost, are quick.
func newProcesses(t *testing.T, db *database.DB, n int) *processes {
	t.Helper()
	w := newWorld(t, db)
	a, viewer := w.account(t, "jane@example.com")
	p := &processes{world: w, account: a.ID, viewer: viewer, to: w.destination(t, a.ID)}
	bus := changes.New(db, slog.New(slog.DiscardHandler))
	t.Cleanup(bus.Close)
	for i := range n {
		if i > 0 && db.Postgres() {
			bus = changes.New(db, slog.New(slog.DiscardHandler))
			t.Cleanup(bus.Close)
		}
		f := graph.NewFeeds(db.Ent, bus, 20*time.Millisecond)
		t.Cleanup(f.Close)
		p.buses, p.feeds = append(p.buses, bus), append(p.feeds, f)
	}
	return p
}

// accept stores an event with a delivery. Ids are given some time before the commit,
// as they are in the group commit, and so they cross.
func (p *processes) accept(t *testing.T, bus *changes.Bus, hinted bool, delay time.Duration) (event, delivered string) {
	event = p.minter.Events(time.Now(), 1)[0]
	delivered = id.DeliveryOf(event, 0)
	timer := time.NewTimer(delay) // of the disk
	<-timer.C
	now := time.Now().UTC()
	tx, err := p.db.Ent.Tx(p.system)
	if err == nil {
		err = tx.Event.Create().SetID(event).SetAccountID(p.account).SetPayload([]byte("1")).SetCreatedAt(now).Exec(p.system)
	}
	if err == nil {
		err = tx.Delivery.Create().SetID(delivered).SetAccountID(p.account).SetEventID(event).SetDestinationID(p.to.ID).
			SetRun("event/" + event).SetCreatedAt(now).Exec(p.system)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		t.Error(err)
		return event, delivered
	}
	if hinted {
		bus.Note(p.account, event, delivered)
	}
	return event, delivered
}

// attempt records one as the core does.
func (p *processes) attempt(t *testing.T, of string, status delivery.Status, number int) {
	now := time.Now().UTC()
	tx, err := p.db.Ent.Tx(p.system)
	if err == nil {
		err = tx.Attempt.Create().SetID(id.AttemptOf(of, number)).SetAccountID(p.account).SetDeliveryID(of).SetNumber(number).
			SetStatus(500).SetStartedAt(now).SetDurationUs(1).Exec(p.system)
	}
	if err == nil {
		u := tx.Delivery.UpdateOneID(of).SetStatus(status).SetAttemptCount(number)
		if status == delivery.StatusSucceeded {
			u.SetSettledAt(now)
		} else {
			u.ClearSettledAt()
		}
		err = u.Exec(p.system)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		t.Error(err)
	}
}

// TestResumingLosesNothing: events come in at several processes at once, their ids
// and commits cross, some of what the bus says is lost; a reader breaks off again and
// again, and goes on where it was, here or at another process. It misses none. At the
// process that it came from it gets none twice, and elsewhere those twice at most that
// it would know by their ids.
func TestResumingLosesNothing(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"one process": 1, "two processes": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				p := newProcesses(t, db, n)
				const writers, each = 4, 100
				// The first subscription is there before the first event.
				ctx, cancel := context.WithCancel(p.viewer)
				in, err := p.feeds[0].Events(ctx, nil)
				require.NoError(t, err)

				var wait sync.WaitGroup
				var mu sync.Mutex
				stored := map[string]bool{}
				for w := range writers {
					r := rand.New(rand.NewPCG(1, uint64(w)))
					wait.Go(func() {
						for range each {
							event, _ := p.accept(t, p.buses[r.IntN(n)], r.IntN(10) > 0, time.Duration(r.IntN(20))*time.Millisecond)
							mu.Lock()
							stored[event] = true
							mu.Unlock()
						}
					})
				}
				r := rand.New(rand.NewPCG(2, 3))
				seen, last, twice, broke := map[string]int{}, (*ent.Cursor)(nil), 0, 0
				at := 0
				for len(seen) < writers*each {
					in1 := map[string]bool{}
					for fresh := 1 + r.IntN(40); fresh > 0; {
						var one *model.EventReceivedPayload
						select {
						case one = <-in:
						case <-time.After(patience):
							wait.Wait()
							for e := range stored {
								if seen[e] == 0 {
									t.Errorf("%s was not told", e)
								}
							}
							t.FailNow()
						}
						require.Zero(t, one.Skipped)
						require.False(t, in1[one.Event.ID], "twice in one stream")
						in1[one.Event.ID] = true
						if seen[one.Event.ID]++; seen[one.Event.ID] > 1 {
							twice++
						} else {
							fresh--
						}
						last = &one.Cursor
						if len(seen) == writers*each {
							break
						}
					}
					cancel()
					broke++
					ctx, cancel = context.WithCancel(p.viewer)
					at = r.IntN(n)
					in, err = p.feeds[at].Events(ctx, last)
					require.NoError(t, err)
				}
				cancel()
				wait.Wait()
				require.Len(t, stored, writers*each)
				for e := range stored {
					require.NotZero(t, seen[e])
				}
				if n == 1 {
					require.Zero(t, twice)
				}
				t.Logf("%d events, %d resumptions, %d told twice", len(seen), broke, twice)
			})
		})
	}
}

// TestTheLastStateIsTold: deliveries change at several processes while a reader
// breaks off again and again. In the end it knows how each of them stands.
func TestTheLastStateIsTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProcesses(t, db, 2)
		const all, changed = 50, 400
		var ids []string
		for range all {
			_, d := p.accept(t, nil, false, 0)
			ids = append(ids, d)
		}
		ctx, cancel := context.WithCancel(p.viewer)
		in, err := p.feeds[0].Deliveries(ctx, nil)
		require.NoError(t, err)
		type state struct {
			status   delivery.Status
			attempts int
		}
		done := make(chan map[string]state, 1)
		go func() {
			r := rand.New(rand.NewPCG(5, 6))
			final := map[string]state{}
			for range changed {
				one := ids[r.IntN(all)]
				s := final[one]
				s.attempts++
				s.status = []delivery.Status{delivery.StatusRetrying, delivery.StatusSucceeded}[r.IntN(2)]
				p.attempt(t, one, s.status, s.attempts)
				final[one] = s
				if r.IntN(10) > 0 {
					p.buses[r.IntN(2)].Note(p.account, one)
				}
				timer := time.NewTimer(time.Duration(r.IntN(4)) * time.Millisecond)
				<-timer.C
			}
			done <- final
		}()
		r := rand.New(rand.NewPCG(7, 8))
		known, final := map[string]state{}, map[string]state(nil)
		deadline := time.After(patience)
		var last *ent.Cursor
		right := func() bool {
			if final == nil {
				return false
			}
			for one, s := range final {
				if known[one] != s {
					return false
				}
			}
			return true
		}
		for !right() {
			in1 := map[string]state{}
			for fresh := 1 + r.IntN(30); fresh > 0; {
				select {
				case one := <-in:
					s := state{one.Delivery.Status, one.Delivery.AttemptCount}
					if known[one.Delivery.ID] != s {
						fresh--
					}
					require.NotEqual(t, in1[one.Delivery.ID], s, "told twice in one stream")
					in1[one.Delivery.ID], known[one.Delivery.ID], last = s, s, &one.Cursor
				case final = <-done:
				case <-deadline:
					require.Equal(t, final, known)
				}
				if right() {
					break
				}
			}
			cancel()
			ctx, cancel = context.WithCancel(p.viewer)
			in, err = p.feeds[r.IntN(2)].Deliveries(ctx, last)
			require.NoError(t, err)
		}
		cancel()
	})
}

// TestSlowReadersAreToldWhatTheyMissed: who does not read holds nobody up, and knows
// afterwards how much was left out.
func TestSlowReadersAreToldWhatTheyMissed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProcesses(t, db, 1)
		slow, err := p.feeds[0].Events(p.viewer, nil)
		require.NoError(t, err)
		quick, err := p.feeds[0].Events(p.viewer, nil)
		require.NoError(t, err)
		const all = graph.MaxUnread + 500
		var last string
		made := make(chan struct{})
		go func() {
			defer close(made)
			for range all / 100 { // 100 at a time, so that the feed can keep up
				tx, err := db.Ent.Tx(p.system)
				if err != nil {
					t.Error(err)
					return
				}
				ids := p.minter.Events(time.Now(), 100)
				for _, one := range ids {
					tx.Event.Create().SetID(one).SetAccountID(p.account).SetPayload([]byte("1")).SetCreatedAt(time.Now()).ExecX(p.system)
				}
				if err := tx.Commit(); err != nil {
					t.Error(err)
					return
				}
				p.buses[0].Note(p.account, ids...)
				last = ids[len(ids)-1]
			}
		}()
		const told = all / 100 * 100
		missed := 0
		for n := 0; n+missed < told; n++ {
			one := receive(t, quick)
			missed += one.Skipped
		}
		<-made
		t.Logf("the quick one has missed %d", missed)
		got, skipped := 0, 0
		for {
			one := receive(t, slow)
			got, skipped = got+1, skipped+one.Skipped
			if one.Event.ID == last {
				break
			}
		}
		require.Equal(t, told, got+skipped)
		require.GreaterOrEqual(t, skipped, told-graph.MaxUnread-1-graph.ReadAtOnce)
		require.NotZero(t, skipped)
		p.buses[0].Note(p.account, func() string { e, _ := p.accept(t, nil, false, 0); return e }())
		require.Zero(t, receive(t, slow).Skipped, "it goes on")
	})
}

func receive[T any](t *testing.T, in <-chan T) T {
	t.Helper()
	select {
	case one, ok := <-in:
		require.True(t, ok, "the stream has ended")
		return one
	case <-time.After(patience):
		require.FailNow(t, "nothing has come")
	}
	panic("unreachable")
}

// TestHealthIsTold: how a destination stands, and nothing else of it.
func TestHealthIsTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProcesses(t, db, 2)
		old := p.world.destination(t, p.account).Update().SetState(destination.StatePaused).SetReason("before").SaveX(p.system)
		in, err := p.feeds[1].Destinations(p.viewer, nil)
		require.NoError(t, err)
		change := func(u *ent.DestinationUpdateOne) {
			d := u.SaveX(p.system)
			p.buses[0].Note(p.account, d.ID)
		}
		change(p.to.Update().SetURL("https://example.com/other")) // says nothing of its health
		change(p.to.Update().SetState(destination.StateOpen).SetReason("http_503").SetFailingSince(time.Now()))
		one := receive(t, in)
		require.Equal(t, destination.StateOpen, one.Destination.State)
		require.Equal(t, p.to.ID, one.Destination.ID)
		change(old.Update().SetState(destination.StateSending).ClearReason())
		require.Equal(t, destination.StateSending, receive(t, in).Destination.State)
		p.to.Update().SetState(destination.StateSending).ClearReason().ClearFailingSince().ExecX(p.system) // nobody says so
		require.Equal(t, p.to.ID, receive(t, in).Destination.ID)

		// Whoever comes back somewhere else is told what has changed since.
		again, err := p.feeds[0].Destinations(p.viewer, &one.Cursor)
		require.NoError(t, err)
		got := map[string]bool{}
		for len(got) < 2 {
			got[receive(t, again).Destination.ID] = true
		}
	})
}

// TestNobodySeesAnothersChanges: whatever is asked for, and whatever cursor is given.
func TestNobodySeesAnothersChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProcesses(t, db, 1)
		_, joe := p.world.account(t, "joe@example.org")
		janes, err := p.feeds[0].Events(p.viewer, nil)
		require.NoError(t, err)
		admins, err := p.feeds[0].Events(p.admin, nil)
		require.NoError(t, err)
		joes, err := p.feeds[0].Events(joe, nil)
		require.NoError(t, err)
		event, _ := p.accept(t, p.buses[0], true, 0)
		first := receive(t, janes)
		require.Equal(t, event, first.Event.ID)
		require.Equal(t, event, receive(t, admins).Event.ID)
		again, err := p.feeds[0].Events(joe, &first.Cursor) // jane's cursor
		require.NoError(t, err)
		second, _ := p.accept(t, p.buses[0], true, 0)
		require.Equal(t, second, receive(t, janes).Event.ID)
		require.Equal(t, second, receive(t, admins).Event.ID)
		select {
		case one := <-joes:
			require.Fail(t, "told", one.Event.ID)
		case one := <-again:
			require.Fail(t, "told", one.Event.ID)
		default:
		}
		_, err = p.feeds[0].Deliveries(p.viewer, &first.Cursor)
		require.ErrorContains(t, err, "another subscription's")
		_, err = p.feeds[0].Events(scoped(t, &ent.Account{ID: p.account}, auth.Ingest), nil)
		require.ErrorContains(t, err, "READ")
		_, err = p.feeds[0].Events(t.Context(), nil)
		require.Error(t, err)
	})
}

// TestTheCursorOfAListIsAPlace: what was queried a moment ago is where one goes on.
func TestTheCursorOfAListIsAPlace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProcesses(t, db, 1)
		first, _ := p.accept(t, nil, false, 0)
		second, _ := p.accept(t, nil, false, 0)
		in, err := p.feeds[0].Events(p.viewer, &ent.Cursor{ID: first})
		require.NoError(t, err)
		got := map[string]bool{}
		for !got[second] {
			got[receive(t, in).Event.ID] = true
		}
	})
}
