package statistics_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"datapusher/ent/statistic"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/statistics"
	"datapusher/internal/testutil/dbtest"
)

func TestMain(m *testing.M) {
	// The scratch Postgres's own connection lives as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

// world has two accounts, each with a destination.
type world struct {
	db                     *database.DB
	now                    time.Time
	jane, joe              string
	toJane, toJane2, toJoe string
	minter                 id.Minter
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{db: db, now: time.Date(2030, 5, 6, 12, 0, 30, 0, time.UTC)}
	system := auth.AsSystem(t.Context())
	for _, p := range []struct {
		account string
		to      []*string
	}{{"jane", []*string{&w.toJane, &w.toJane2}}, {"joe", []*string{&w.toJoe}}} {
		a := db.Ent.Account.Create().SetName(p.account).SetEmail(p.account + "@x").SaveX(system)
		for _, d := range p.to {
			*d = db.Ent.Destination.Create().SetAccountID(a.ID).SetURL("https://x").SetSigningSecrets([]byte{1}).SaveX(system).ID
		}
		if p.account == "jane" {
			w.jane = a.ID
		} else {
			w.joe = a.ID
		}
	}
	return w
}

// process is a counter that writes when it is told to.
func (w *world) process(t *testing.T) *statistics.Counter {
	t.Helper()
	c := statistics.New(statistics.Options{DB: w.db, Now: func() time.Time { return w.now }, Every: -1})
	t.Cleanup(c.Close)
	return c
}

func (w *world) ask(ctx context.Context, t *testing.T, q statistics.Question) *statistics.Report {
	t.Helper()
	r, err := statistics.Ask(ctx, w.db.Ent, q, w.now)
	require.NoError(t, err)
	return r
}

func (w *world) admin(t *testing.T) context.Context {
	return auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin})
}

func as(t *testing.T, account string) context.Context {
	return auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: account, Scopes: []auth.Scope{auth.Read}})
}

// accept counts n events, each with a delivery to each destination.
func (w *world) accept(c *statistics.Counter, n int, account string, to ...string) {
	var accounts []string
	var fanned []statistics.Fanned
	for range n {
		accounts = append(accounts, account)
		for _, d := range to {
			fanned = append(fanned, statistics.Fanned{Account: account, Destination: d})
		}
	}
	c.Accepted(accounts, fanned)
}

// attempt counts one that took so long, of an event that is so old when it ends.
func (w *world) attempt(c *statistics.Counter, account, to string, status int, class string, took, age time.Duration) {
	c.Attempted([]statistics.Attempt{{
		Account: account, Destination: to, Event: w.minter.Events(w.now.Add(-age), 1)[0], Status: status, Class: class, Took: took,
		Ended: w.now, Succeeded: status == 200, Failed: status == 410,
	}})
}

func TestWhatIsCountedIsTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		one, two := w.process(t), w.process(t)
		w.accept(one, 3, w.jane, w.toJane, w.toJane2)
		w.accept(two, 2, w.joe, w.toJoe)
		w.attempt(one, w.jane, w.toJane, 200, "", 10*time.Millisecond, 20*time.Millisecond)
		w.attempt(two, w.jane, w.toJane, 503, "", 10*time.Millisecond, 0)
		w.attempt(two, w.jane, w.toJane, 0, "timeout", 15*time.Second, 0)
		w.attempt(two, w.joe, w.toJoe, 410, "", time.Second, 0)
		require.NoError(t, one.Flush(t.Context()))
		require.NoError(t, two.Flush(t.Context()))
		w.now = w.now.Add(time.Minute)
		w.accept(one, 1, w.jane)
		require.NoError(t, one.Flush(t.Context()))
		require.NoError(t, one.Flush(t.Context()), "again, as it stands")

		all := w.ask(w.admin(t), t, statistics.Question{})
		require.Equal(t, [6]float64{6, 8, 4, 3, 1, 1}, sums(all.Totals))
		require.InDelta(t, 0.25, *all.Totals.SuccessRate, 1e-9)
		require.Len(t, all.Buckets, 61)
		last := all.Buckets[len(all.Buckets)-1]
		require.Equal(t, w.now.Truncate(time.Minute), last.At)
		require.Equal(t, [6]float64{1, 0, 0, 0, 0, 0}, sums(last.Figures))
		require.Nil(t, last.Figures.SuccessRate)
		require.Nil(t, last.Figures.AttemptDuration)
		require.Equal(t, [6]float64{5, 8, 4, 3, 1, 1}, sums(all.Buckets[len(all.Buckets)-2].Figures))
		require.Zero(t, all.Buckets[0].Figures)

		janes := w.ask(as(t, w.jane), t, statistics.Question{})
		require.Equal(t, [6]float64{4, 6, 3, 2, 1, 0}, sums(janes.Totals))
		require.Equal(t, []string{"200 1", "503 1", "timeout 1"}, results(janes))
		require.InEpsilon(t, 10, janes.Totals.AttemptDuration.P50Ms, 0.1, "one without an answer does not count")
		require.InEpsilon(t, 20, janes.Totals.DeliveryDuration.P50Ms, 0.1)
		require.Len(t, janes.AttemptDurations, 1)
		require.Equal(t, janes.Totals, w.ask(w.admin(t), t, statistics.Question{AccountID: w.jane}).Totals)

		one1 := w.ask(as(t, w.jane), t, statistics.Question{DestinationID: w.toJane})
		require.Equal(t, [6]float64{3, 3, 3, 2, 1, 0}, sums(one1.Totals))
		require.Equal(t, [6]float64{3, 3, 0, 0, 0, 0}, sums(w.ask(as(t, w.jane), t, statistics.Question{DestinationID: w.toJane2}).Totals))

		// What is another's has never happened.
		for _, q := range []statistics.Question{{AccountID: w.joe}, {DestinationID: w.toJoe}, {AccountID: w.jane, DestinationID: w.toJoe}} {
			r := w.ask(as(t, w.jane), t, q)
			require.Zero(t, r.Totals, q)
			worst, err := r.Troubled(as(t, w.jane), db.Ent, 10)
			require.NoError(t, err)
			require.Empty(t, worst)
		}
		require.Zero(t, w.ask(w.admin(t), t, statistics.Question{AccountID: w.jane, DestinationID: w.toJoe}).Totals)
		_, err := statistics.Ask(t.Context(), db.Ent, statistics.Question{}, w.now)
		require.Error(t, err, "nobody asks")

		for who, want := range map[context.Context][]string{
			w.admin(t): {w.toJane + " 2", w.toJoe + " 1"}, as(t, w.jane): {w.toJane + " 2"}, as(t, w.joe): {w.toJoe + " 1"},
		} {
			r := w.ask(who, t, statistics.Question{})
			worst, err := r.Troubled(who, db.Ent, 10)
			require.NoError(t, err)
			var got []string
			for _, d := range worst {
				got = append(got, fmt.Sprint(d.DestinationID, " ", d.Figures.FailedAttempts))
			}
			require.Equal(t, want, got)
		}
		worst, err := all.Troubled(w.admin(t), db.Ent, 1)
		require.NoError(t, err)
		require.Len(t, worst, 1)
	})
}

func sums(f statistics.Figures) [6]float64 {
	return [6]float64{f.Events, f.Deliveries, f.Attempts, f.FailedAttempts, f.Succeeded, f.Failed}
}

func results(r *statistics.Report) (all []string) {
	for _, one := range r.Results {
		if one.Status != nil {
			all = append(all, fmt.Sprint(*one.Status, " ", one.Count))
		} else {
			all = append(all, fmt.Sprint(*one.ErrorClass, " ", one.Count))
		}
	}
	return all
}

// Long spans read rows of hours, which are written less often.
func TestHours(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		c := w.process(t)
		began := w.now
		for range 3 * 60 {
			w.accept(c, 1, w.jane, w.toJane)
			w.now = w.now.Add(time.Minute)
			require.NoError(t, c.Flush(t.Context()))
		}
		w.accept(c, 1, w.jane, w.toJane)
		w.now = w.now.Add(time.Second)
		require.NoError(t, c.Flush(t.Context()), "hours are not due")
		week := w.now.Add(-7 * 24 * time.Hour)
		r := w.ask(w.admin(t), t, statistics.Question{From: &week, Step: new(time.Hour)})
		require.EqualValues(t, 180, r.Totals.Events)
		n := len(r.Buckets)
		require.EqualValues(t, []float64{60, 60, 60, 0}, []float64{
			r.Buckets[n-4].Figures.Events, r.Buckets[n-3].Figures.Events, r.Buckets[n-2].Figures.Events, r.Buckets[n-1].Figures.Events,
		})
		short := w.ask(w.admin(t), t, statistics.Question{From: &began})
		require.EqualValues(t, 181, short.Totals.Events)
		c.Accepted(nil, nil)
	})
}

// A process that ends writes what it has; a row that another has written stays.
func TestTheLastCountsAreWritten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for range 2 { // it is started again within the minute
			c := statistics.New(statistics.Options{DB: db, Now: func() time.Time { return w.now }, Every: time.Hour})
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { w.accept(c, 10, w.jane, w.toJane) })
			}
			all.Wait()
			c.Close()
			w.now = w.now.Add(time.Millisecond)
		}
		require.EqualValues(t, 200, w.ask(as(t, w.jane), t, statistics.Question{}).Totals.Events)
		week := w.now.Add(-7 * 24 * time.Hour)
		require.EqualValues(t, 200, w.ask(as(t, w.jane), t, statistics.Question{From: &week}).Totals.Events)
	})
}

// While the database is away, counts stand, and are written once.
func TestCountsOutlastTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	c := w.process(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		w.accept(c, 1, w.jane, w.toJane)
		require.Error(t, c.Flush(gone))
		w.now = w.now.Add(time.Minute)
	}
	require.NoError(t, c.Flush(t.Context()))
	require.EqualValues(t, 3, w.ask(as(t, w.jane), t, statistics.Question{}).Totals.Events)
}

// A clock that is set back does not overwrite what is written.
func TestAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	c := w.process(t)
	began := w.now
	for range 5 {
		w.accept(c, 1, w.jane)
		require.NoError(t, c.Flush(t.Context()))
		w.now = w.now.Add(time.Minute)
	}
	w.now = began
	w.accept(c, 1, w.jane)
	require.NoError(t, c.Flush(t.Context()))
	w.now = began.Add(10 * time.Minute)
	require.EqualValues(t, 6, w.ask(as(t, w.jane), t, statistics.Question{}).Totals.Events)
}

func TestWhatIsKeptNoLonger(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		c := w.process(t)
		w.accept(c, 1, w.jane, w.toJane)
		require.NoError(t, c.Flush(t.Context()))
		w.now = w.now.Add(time.Hour)
		require.NoError(t, c.Flush(t.Context()))
		count := func(hourly bool) int {
			return db.Ent.Statistic.Query().Where(statistic.Hourly(hourly), statistic.AccountIDNotNil()).CountX(w.admin(t))
		}
		require.Equal(t, []int{2, 2}, []int{count(false), count(true)})
		w.now = w.now.Add(statistics.KeepMinutes)
		require.NoError(t, c.Flush(t.Context()))
		require.Equal(t, []int{0, 2}, []int{count(false), count(true)})
		w.now = w.now.Add(statistics.KeepHours)
		require.NoError(t, c.Flush(t.Context()))
		require.Equal(t, []int{0, 0}, []int{count(false), count(true)})
	})
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		one := w.process(t)
		require.NoError(t, one.Flush(t.Context()), "it has counted nothing, and is there")
		w.now = w.now.Add(time.Minute)
		two := w.process(t)
		require.NoError(t, two.Flush(t.Context()))
		told := func(c *statistics.Counter) (all []statistics.Process) {
			found, err := c.Processes(w.admin(t), db.Ent)
			require.NoError(t, err)
			for _, p := range found {
				all = append(all, *p)
			}
			return all
		}
		first, second := w.now.Add(-time.Minute), w.now
		require.Equal(t, []statistics.Process{
			{ID: one.Writer(), StartedAt: time.UnixMilli(first.UnixMilli()), LastSeen: first},
			{ID: two.Writer(), StartedAt: time.UnixMilli(second.UnixMilli()), LastSeen: second, Current: true},
		}, told(two))
		w.now = w.now.Add(10 * time.Minute)
		require.Len(t, told(two), 1, "the other has gone")
	})
}

// What has not changed is not written again, but for once a minute, so that the
// process is seen.
func TestWhatHasNotChangedIsNotWritten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		c := w.process(t)
		w.accept(c, 1, w.jane, w.toJane)
		began := w.now
		written := func() (all []time.Time) {
			require.NoError(t, c.Flush(t.Context()))
			for _, row := range db.Ent.Statistic.Query().Order(statistic.ByID()).AllX(w.admin(t)) {
				all = append(all, row.UpdatedAt.UTC())
			}
			return all
		}
		require.Equal(t, []time.Time{began, began, began}, written(), "the account's, the destination's, all")
		w.now = began.Add(10 * time.Second)
		require.Equal(t, []time.Time{began, began, began}, written())
		w.now = began.Add(59 * time.Second)
		require.Equal(t, []time.Time{began, began, w.now, began}, written())
	})
}

// What a span costs does not depend on how much has happened.
func TestReadingASpanIsAFewStatements(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		db, heard := dbtest.Listen(db)
		w := newWorld(t, db)
		c := w.process(t)
		for range 30 {
			w.accept(c, 100, w.jane, w.toJane)
			w.attempt(c, w.jane, w.toJane, 500, "", time.Second, 0)
			require.NoError(t, c.Flush(t.Context()))
			w.now = w.now.Add(time.Minute)
		}
		var r *statistics.Report
		require.Len(t, heard.ShapesDuring(func() { r = w.ask(as(t, w.jane), t, statistics.Question{}) }), 1)
		require.Len(t, heard.ShapesDuring(func() {
			_, err := r.Troubled(as(t, w.jane), db.Ent, 10)
			require.NoError(t, err)
		}), 2)
		require.EqualValues(t, 3000, r.Totals.Events)
	})
}
