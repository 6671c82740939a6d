package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"datapusher/internal/dispatch"
	"datapusher/internal/ingest"
	"datapusher/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const pace = 100 * time.Millisecond

// engine notes what it is handed. The real engines are tested in workflows/.
type engine struct {
	workflows.Engine
	mu   sync.Mutex
	runs []workflows.Run
	at   []time.Time
	do   func(context.Context, workflows.Run) error // nil: take it at once
	told func(string)
}

func (e *engine) Dispatch(ctx context.Context, run workflows.Run) error {
	e.mu.Lock()
	e.runs, e.at = append(e.runs, run), append(e.at, time.Now())
	e.mu.Unlock()
	if e.told != nil {
		e.told("dispatch " + run.ID)
	}
	if e.do != nil {
		return e.do(ctx, run)
	}
	return nil
}

func (e *engine) ids() (ids []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		ids = append(ids, r.ID)
	}
	return ids
}

type headStart func(run string, d []ingest.Delivery)

func (h headStart) Begin(run string, d []ingest.Delivery) { h(run, d) }
func (h headStart) Defer(run string)                      { h(run, nil) }

// desk is a dispatcher with what it works with.
type desk struct {
	*dispatch.Dispatcher
	engine *engine
	log    *strings.Builder
}

// run runs a test in a bubble of its own time, with a dispatcher that is closed
// at its end.
func run(t *testing.T, change func(*dispatch.Options), test func(t *testing.T, d desk)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := desk{engine: &engine{}, log: &strings.Builder{}}
		o := dispatch.Options{Engine: d.engine, Pace: pace, Logger: slog.New(slog.NewTextHandler(d.log, nil)), Now: time.Now}
		if change != nil {
			change(&o)
		}
		if e, ok := o.Engine.(*engine); ok {
			d.engine = e
		}
		d.Dispatcher = dispatch.New(o)
		defer d.Close()
		test(t, d)
	})
}

// commit opens a ticket for those events, closes it with one delivery of each
// that sends, and returns the run.
func (d desk) commit(events ...string) string {
	ticket := d.Open(events)
	ticket.Close(deliveries(events...))
	return ticket.Run()
}

func deliveries(events ...string) (all []ingest.Delivery) {
	for _, e := range events {
		all = append(all, ingest.Delivery{ID: "dlv_" + e, EventID: e})
	}
	return all
}

func TestTheFirstCommitLeavesAtOnce(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		begin := time.Now()
		require.Equal(t, "event/evt_1", d.commit("evt_1"))
		synctest.Wait()
		require.Equal(t, []workflows.Run{{
			ID: "event/evt_1", Summary: "1 event(s), 1 delivery(ies)", Details: "dlv_evt_1",
		}}, d.engine.runs)
		require.Equal(t, begin, d.engine.at[0])
	})
}

func TestSeveralAtOnceLeaveAsABatch(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		id := d.commit("evt_1", "evt_2")
		require.Regexp(t, `^batch/[0-9A-Z]{26}$`, id)
		synctest.Wait()
		require.Equal(t, []workflows.Run{{ID: id, Summary: "2 event(s), 2 delivery(ies)", Details: "dlv_evt_1\ndlv_evt_2"}}, d.engine.runs)
	})
}

func TestWhatIsCommittedWithinThePaceSharesARun(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		begin := time.Now()
		d.commit("evt_1")
		time.Sleep(10 * time.Millisecond)
		batch := d.commit("evt_2")
		require.Regexp(t, `^batch/`, batch)
		time.Sleep(80 * time.Millisecond)
		require.Equal(t, batch, d.commit("evt_3", "evt_4"))
		time.Sleep(9 * time.Millisecond)
		synctest.Wait()
		require.Len(t, d.engine.ids(), 1, "not before the pace is over")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"event/evt_1", batch}, d.engine.ids())
		require.Equal(t, begin.Add(pace), d.engine.at[1])
		require.Equal(t, "3 event(s), 3 delivery(ies)", d.engine.runs[1].Summary)

		// The next batch waits for a pace from there.
		next := d.commit("evt_5")
		require.NotEqual(t, batch, next)
		require.Regexp(t, `^batch/`, next)
		time.Sleep(pace)
		synctest.Wait()
		require.Equal(t, begin.Add(2*pace), d.engine.at[2])

		// And when nothing has left for a pace, it is as at the beginning.
		time.Sleep(pace)
		require.Equal(t, "event/evt_6", d.commit("evt_6"))
		synctest.Wait()
		require.Len(t, d.engine.ids(), 4)
	})
}

func TestARunWaitsForTheCommitsThatAreGoingOn(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		first := d.Open([]string{"evt_1"})
		slow, quick := d.Open([]string{"evt_2"}), d.Open([]string{"evt_3"})
		require.Equal(t, slow.Run(), quick.Run())
		quick.Close(deliveries("evt_3"))
		time.Sleep(pace) // sealed
		synctest.Wait()
		require.Empty(t, d.engine.ids())
		other := d.Open([]string{"evt_4"})
		require.NotEqual(t, slow.Run(), other.Run(), "a sealed run takes nothing more")
		slow.Close(deliveries("evt_2"))
		synctest.Wait()
		require.Equal(t, []string{slow.Run()}, d.engine.ids())
		require.Equal(t, "dlv_evt_3\ndlv_evt_2", d.engine.runs[0].Details)
		first.Close(deliveries("evt_1"))
		other.Close(deliveries("evt_4"))
		time.Sleep(pace)
		synctest.Wait()
		require.Equal(t, []string{slow.Run(), "event/evt_1", other.Run()}, d.engine.ids())
	})
}

func TestWhatFailedOrParkedIsNotDispatched(t *testing.T) {
	var begun []string
	options := func(o *dispatch.Options) {
		o.HeadStart = headStart(func(run string, d []ingest.Delivery) {
			for _, one := range d {
				begun = append(begun, one.ID)
			}
		})
	}
	run(t, options, func(t *testing.T, d desk) {
		d.Open([]string{"evt_1"}).Close(nil)
		parked := ingest.Delivery{ID: "dlv_parked", Parked: true}
		d.Open([]string{"evt_2"}).Close([]ingest.Delivery{parked})
		time.Sleep(pace)
		synctest.Wait()
		require.Empty(t, d.engine.ids())
		require.Empty(t, begun)

		time.Sleep(pace)
		ticket := d.Open([]string{"evt_3"})
		ticket.Close(append(deliveries("evt_3"), parked))
		synctest.Wait()
		require.Equal(t, []string{"event/evt_3"}, d.engine.ids())
		require.Equal(t, "dlv_evt_3", d.engine.runs[0].Details)
		require.Equal(t, []string{"dlv_evt_3"}, begun)
	})
}

func TestTheHeadStartBeginsBeforeTheDispatch(t *testing.T) {
	var (
		mu    sync.Mutex
		order []string
	)
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	options := func(o *dispatch.Options) {
		o.Engine = &engine{told: note}
		o.HeadStart = headStart(func(run string, d []ingest.Delivery) { note(fmt.Sprintf("begin %s %d", run, len(d))) })
	}
	run(t, options, func(t *testing.T, d desk) {
		d.commit("evt_1")
		synctest.Wait()
		batch := d.commit("evt_2", "evt_3")
		d.commit("evt_4")
		time.Sleep(pace)
		synctest.Wait()
		require.Equal(t, []string{
			"begin event/evt_1 1", "dispatch event/evt_1", "begin " + batch + " 2", "begin " + batch + " 1", "dispatch " + batch,
		}, order)
	})
}

func TestASlowEngineHoldsNobody(t *testing.T) {
	options := func(o *dispatch.Options) {
		o.Engine = &engine{do: func(ctx context.Context, _ workflows.Run) error { <-ctx.Done(); return ctx.Err() }}
	}
	run(t, options, func(t *testing.T, d desk) {
		begin := time.Now()
		for i := range 3 {
			d.commit(fmt.Sprintf("evt_%d", i))
			time.Sleep(pace)
		}
		require.Equal(t, 3*pace, time.Since(begin), "commits do not wait for the engine")
		synctest.Wait()
		require.Len(t, d.engine.ids(), 3, "nor does the next run")
		time.Sleep(5 * time.Second) // as long as the engine may take
		synctest.Wait()
		require.Equal(t, 3, strings.Count(d.log.String(), "the reconciler will"))
	})
}

func TestWhatTheEngineCannotKeepUpWithIsLeftToTheReconciler(t *testing.T) {
	var gate chan struct{} // of the bubble
	options := func(o *dispatch.Options) {
		gate = make(chan struct{})
		o.Pace = time.Nanosecond
		o.Engine = &engine{do: func(context.Context, workflows.Run) error { <-gate; return nil }}
	}
	run(t, options, func(t *testing.T, d desk) {
		const workers, backlog = 4, 256
		for i := range workers + backlog + 2 {
			d.commit(fmt.Sprintf("evt_%03d", i))
			time.Sleep(time.Nanosecond)
			synctest.Wait()
		}
		require.Equal(t, 2, strings.Count(d.log.String(), "level=WARN"), d.log)
		require.Contains(t, d.log.String(), "run=event/evt_261")
		close(gate)
		d.Close()
		require.Len(t, d.engine.ids(), workers+backlog, "what waits is handed over at the end")
	})
}

func TestCloseHandsOverTheOpenRun(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		d.commit("evt_1")
		open := d.commit("evt_2")
		begin := time.Now()
		d.Close()
		require.Equal(t, begin, time.Now(), "at once")
		require.Equal(t, []string{"event/evt_1", open}, d.engine.ids())
		d.Close()
	})
}

func TestCloseDoesNotWaitLongForAnEngineThatIsAway(t *testing.T) {
	options := func(o *dispatch.Options) {
		o.Pace = time.Nanosecond
		o.Engine = &engine{do: func(ctx context.Context, _ workflows.Run) error { <-ctx.Done(); return ctx.Err() }}
	}
	run(t, options, func(t *testing.T, d desk) {
		for i := range 200 {
			d.commit(fmt.Sprint("evt_", i))
			time.Sleep(time.Nanosecond)
		}
		begin := time.Now()
		d.Close()
		require.LessOrEqual(t, time.Since(begin), 5*time.Second)
	})
}

func TestWhatTheEngineRefusesIsLogged(t *testing.T) {
	options := func(o *dispatch.Options) {
		o.Engine = &engine{do: func(context.Context, workflows.Run) error { return errors.New("no room") }}
	}
	run(t, options, func(t *testing.T, d desk) {
		d.commit("evt_1")
		synctest.Wait()
		require.Contains(t, d.log.String(), "no room")
		require.Contains(t, d.log.String(), "event/evt_1")
	})
}

func TestDetailsAreCutBelowTheEnginesLimit(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		var events []string
		for i := range 1000 {
			events = append(events, fmt.Sprintf("evt_%026d", i))
		}
		d.commit(events...)
		synctest.Wait()
		require.LessOrEqual(t, len(d.engine.runs[0].Details), 20_000)
		require.True(t, strings.HasSuffix(d.engine.runs[0].Details, "\n…"))
		require.Equal(t, "1000 event(s), 1000 delivery(ies)", d.engine.runs[0].Summary)
	})
}

// Commits come from several committers while timers fire; each delivery has to
// leave once, under the run that it was written with.
func TestEveryDeliveryLeavesOnceUnderItsRun(t *testing.T) {
	t.Parallel()
	e := &engine{}
	d := desk{engine: e, Dispatcher: dispatch.New(dispatch.Options{
		Engine: e, Pace: time.Microsecond, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})}
	var (
		mu   sync.Mutex
		want = map[string]string{}
		wg   sync.WaitGroup
	)
	for c := range 4 {
		wg.Go(func() {
			for i := range 60 {
				event := fmt.Sprintf("evt_%d_%d", c, i)
				run := d.commit(event)
				mu.Lock()
				want["dlv_"+event] = run
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	d.Close()
	got := map[string]string{}
	for _, r := range e.runs {
		for id := range strings.SplitSeq(r.Details, "\n") {
			require.NotContains(t, got, id)
			got[id] = r.ID
		}
	}
	require.Equal(t, want, got)
}

// times are when runs left, since the test began.
func (d desk) times(begin time.Time) (all []time.Duration) {
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	for _, at := range d.engine.at {
		all = append(all, at.Sub(begin))
	}
	return all
}

func TestUnderLoadRunsLeaveMoreSlowly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headStart dispatch.HeadStart
		every     time.Duration // an event
		want      []int         // milliseconds
	}{
		"ten a second, each by itself":     {headStart(func(string, []ingest.Delivery) {}), 100 * time.Millisecond, []int{0, 100, 200, 300, 400, 500, 600, 700, 800, 900}},
		"a hundred, begun already":         {headStart(func(string, []ingest.Delivery) {}), 10 * time.Millisecond, []int{0, 100, 600}},
		"a hundred, and waiting for it":    {nil, 10 * time.Millisecond, []int{0, 100, 200, 300, 400, 500, 600, 700, 800, 900}},
		"ten thousand, and waiting for it": {nil, 100 * time.Microsecond, []int{0, 100, 600}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(o *dispatch.Options) { o.HeadStart = c.headStart }, func(t *testing.T, d desk) {
				begin := time.Now()
				for i := 0; time.Since(begin) < 950*time.Millisecond; i++ {
					d.commit(fmt.Sprintf("evt_%d", i))
					time.Sleep(c.every)
				}
				synctest.Wait()
				got := d.times(begin)
				require.Len(t, got, len(c.want), "%v", got)
				for i, at := range c.want {
					require.InDelta(t, at, got[i].Milliseconds(), 60, "%v", got)
				}
			})
		})
	}
}

func TestARunThatIsFullLeavesBeforeItsTime(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) {
		summaries := func() (all []string) {
			synctest.Wait()
			d.engine.mu.Lock()
			defer d.engine.mu.Unlock()
			for _, r := range d.engine.runs {
				all = append(all, r.Summary)
			}
			return all
		}
		d.commit("evt_0")
		many := make([]string, 1000)
		for n := range 6 {
			for i := range many {
				many[i] = fmt.Sprintf("evt_%d_%d", n, i)
			}
			d.commit(many...)
		}
		require.ElementsMatch(t, []string{"1 event(s), 1 delivery(ies)", "5000 event(s), 5000 delivery(ies)"}, summaries())
		time.Sleep(5 * pace)
		require.Contains(t, summaries(), "1000 event(s), 1000 delivery(ies)")
	})
}

// What is deferred is told of, and not begun.
func TestWhatIsDeferredIsNotBegun(t *testing.T) {
	var begun, deferred []string
	start := headStart(func(run string, all []ingest.Delivery) {
		if all == nil {
			deferred = append(deferred, run)
		}
		for _, d := range all {
			begun = append(begun, d.ID)
		}
	})
	run(t, func(o *dispatch.Options) { o.HeadStart = start }, func(t *testing.T, d desk) {
		d.commit("evt_1")
		ticket := d.Open([]string{"evt_2", "evt_3"})
		late := deliveries("evt_2", "evt_3")
		late[0].Deferred, late[1].Deferred = true, true
		ticket.Close(late)
		time.Sleep(pace)
		synctest.Wait()
		require.Equal(t, []string{"dlv_evt_1"}, begun)
		require.Equal(t, []string{ticket.Run()}, deferred)
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		require.Equal(t, "2 event(s), 2 delivery(ies)", d.engine.runs[1].Summary)
	})
}

// crier notes what is announced.
type crier struct {
	heeded bool
	mu     sync.Mutex
	runs   []string
}

func (c *crier) Heeded() bool { return c.heeded }
func (c *crier) Announce(run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = append(c.runs, run)
}

// A process that makes no attempts announces each commit of which something is to be
// sent, when it is there, and does not wait for the run to leave.
func TestWhatIsCommittedIsAnnounced(t *testing.T) {
	c := &crier{heeded: true}
	run(t, func(o *dispatch.Options) { o.Crier = c }, func(t *testing.T, d desk) {
		d.commit("evt_1")
		require.Equal(t, []string{"event/evt_1"}, c.runs)
		batch := d.commit("evt_2")
		ticket := d.Open([]string{"evt_3"})
		require.Equal(t, []string{"event/evt_1", batch}, c.runs, "not before its commit")
		ticket.Close(deliveries("evt_3"))
		require.Equal(t, []string{"event/evt_1", batch, batch}, c.runs)
		d.Open([]string{"evt_4"}).Close(nil)
		require.Len(t, c.runs, 3, "nothing is to be sent")
		synctest.Wait()
		require.Equal(t, []string{"event/evt_1"}, d.engine.ids())
	})
}

func TestWhoBeginsItAnnouncesNothing(t *testing.T) {
	c := &crier{heeded: true}
	run(t, func(o *dispatch.Options) {
		o.Crier, o.HeadStart = c, headStart(func(string, []ingest.Delivery) {})
	}, func(t *testing.T, d desk) {
		d.commit("evt_1")
		require.Empty(t, c.runs)
	})
}

// Whether somebody hears it decides how soon the engine has to have it.
func TestRunsLeaveSoonWhereNobodyHears(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		heeded bool
		next   time.Duration
	}{
		"somebody hears":   {true, pace},
		"nobody hears now": {false, pace / 5},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(o *dispatch.Options) {
				o.Crier, o.Waiting = &crier{heeded: c.heeded}, pace/5
			}, func(t *testing.T, d desk) {
				begin := time.Now()
				d.commit("evt_1")
				d.commit("evt_2")
				time.Sleep(pace)
				synctest.Wait()
				require.Equal(t, []time.Duration{0, c.next}, d.times(begin))
			})
		})
	}
}
