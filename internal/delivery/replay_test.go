package delivery_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// replay makes a replay of everything an account has until now.
func (w *world) replay(t testing.TB, account string, change func(*ent.ReplayCreate)) *ent.Replay {
	t.Helper()
	now := time.Now().UTC()
	c := w.db.Ent.Replay.Create().SetAccountID(account).SetActor("admin").SetRate(100).SetMatched(0).
		SetFromTime(now.Add(-24 * time.Hour)).SetToTime(now)
	change(c)
	return c.SaveX(auth.AsSystem(t.Context()))
}

func (w *world) replays(t testing.TB, id string) *ent.Replay {
	t.Helper()
	return w.db.Ent.Replay.GetX(auth.AsSystem(t.Context()), id)
}

// finish takes turns of a replay until it is done, and makes the first attempts of
// what it hands over.
func (w *world) finish(t testing.TB, replayID string) {
	t.Helper()
	for range 1000 {
		_, done, err := w.Step(t.Context(), workflows.Replay(replayID))
		require.NoError(t, err)
		runs, _ := w.engine.taken()
		for _, r := range runs {
			_, err := w.First(t.Context(), r.ID)
			require.NoError(t, err)
		}
		if done {
			return
		}
	}
	require.Fail(t, "the replay does not end")
}

func TestAReplaySendsWhatMatchesOnceMore(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(200), receiver.Status(500), receiver.Status(200))
		account, stranger := w.account(t), w.account(t)
		d := w.destination(t, account, r.URL)
		w.destination(t, stranger, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, 0, account, numbers(120)...)
		_, err := w.First(t.Context(), run)
		require.NoError(t, err)
		w.commit(t, run, 0, stranger, `"another's"`)
		require.Equal(t, 119, w.count(t, "deliveries WHERE status = 'SUCCEEDED'"))
		r.Script(receiver.Status(200))
		before := len(r.Requests())

		rep := w.replay(t, account, func(c *ent.ReplayCreate) { c.SetStatuses([]string{"SUCCEEDED"}) })
		w.finish(t, rep.ID)
		rep = w.replays(t, rep.ID)
		require.EqualValues(t, "COMPLETED", rep.Status)
		require.Equal(t, 119, rep.Replayed)
		require.Equal(t, 119, rep.Deliveries)
		require.Zero(t, rep.Skipped)
		require.NotNil(t, rep.FinishedAt)
		require.Len(t, r.Requests(), before+119)
		require.Equal(t, 119, w.count(t, "events WHERE replay_id = $1 AND account_id = $2", rep.ID, account))
		require.Equal(t, 119, w.count(t, `events c JOIN events o ON o.id = c.replay_of AND o.payload = c.payload
WHERE c.replay_id = $1 AND c.id <> o.id AND o.replay_id IS NULL`, rep.ID))
		require.Equal(t, 119, w.count(t, "attempts WHERE asked_by = 'REPLAY'"))
		require.Equal(t, 1, w.count(t, "deliveries WHERE id = $1", all[0].ID), "the originals stay")
		require.Zero(t, w.count(t, "deliveries WHERE destination_id <> $1 AND account_id = $2", d, account))

		w.finish(t, rep.ID) // woken once more
		require.Len(t, r.Requests(), before+119)
	})
}

// What an original was sent with beside its destination's headers, it is sent
// with again.
func TestABulkReplayKeepsAnEventsOwnHeaders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		sealed, err := vault.SealEventHeaders(w.box, d.EventID, d.AccountID, []sender.Header{{Name: "X-Again", Value: "yes"}})
		require.NoError(t, err)
		w.exec(t, "UPDATE events SET headers = $1", sealed)
		w.first(t, run)
		w.finish(t, w.replay(t, d.AccountID, func(*ent.ReplayCreate) {}).ID)
		got := r.Requests()
		require.Len(t, got, 2)
		require.Equal(t, "yes", got[0].Header.Get("X-Again"))
		require.Equal(t, "yes", got[1].Header.Get("X-Again"))
	})
}

// To another destination; those that are gone are counted as skipped, those that
// do not send park.
func TestAReplayToOtherDestinations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.inOrder(t, account, numbers(3)...) // nobody got it
		later, paused, gone := w.destination(t, account, r.URL), w.destination(t, account, r.URL), w.destination(t, account, r.URL)
		theirs := w.destination(t, w.account(t), r.URL)
		w.state(t, paused, destination.StatePaused)
		w.exec(t, "UPDATE destinations SET deleted_at = $1 WHERE id = $2", time.Now().UTC(), gone)

		rep := w.replay(t, account, func(c *ent.ReplayCreate) { c.SetTargetIds([]string{later, paused, gone, theirs}) })
		w.finish(t, rep.ID)
		rep = w.replays(t, rep.ID)
		require.Equal(t, []int{3, 6, 0}, []int{rep.Replayed, rep.Deliveries, rep.Skipped})
		require.Equal(t, numbers(3), sortedBodies(r))
		require.Equal(t, 3, w.count(t, "deliveries WHERE destination_id = $1 AND status = 'PARKED' AND parked_at IS NOT NULL AND run = ''", paused))

		rep = w.replay(t, account, func(c *ent.ReplayCreate) { c.SetTargetIds([]string{gone}) })
		w.finish(t, rep.ID)
		rep = w.replays(t, rep.ID)
		require.Equal(t, []int{0, 0, 6}, []int{rep.Replayed, rep.Deliveries, rep.Skipped})
		require.Zero(t, w.count(t, "events WHERE replay_id = $1", rep.ID))
	})
}

// A replay that is paused rests; each turn keeps to the rate; a turn that dies
// before its commit has done nothing, and one after it has done its part.
func TestAReplayGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		w.inOrder(t, account, numbers(25)...)
		rep := w.replay(t, account, func(c *ent.ReplayCreate) { c.SetRate(20) })
		w.engine.refuse = func(string) error { return errors.New("away") }
		again, done, err := w.ReplayOnce(t.Context(), rep.ID)
		require.NoError(t, err, "they are committed: the reconciler hands them over")
		require.False(t, done)
		require.Equal(t, 500*time.Millisecond, again)
		w.engine.refuse = nil
		require.Equal(t, 10, w.replays(t, rep.ID).Replayed)

		w.exec(t, "UPDATE replays SET status = 'PAUSED'")
		_, done, err = w.ReplayOnce(t.Context(), rep.ID)
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, 10, w.replays(t, rep.ID).Replayed)
		w.exec(t, "UPDATE replays SET status = 'RUNNING', updated_at = $1", time.Now().UTC().Add(-time.Minute))
		w.exec(t, "UPDATE deliveries SET next_attempt_at = $1, lease_until = $1 WHERE event_id IN (SELECT id FROM events WHERE replay_id IS NOT NULL)",
			time.Now().UTC().Add(-11*time.Second))
		w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE event_id IN (SELECT id FROM events WHERE replay_id IS NULL)",
			time.Now().UTC().Add(time.Hour))
		require.NoError(t, w.ReconcileOnce(t.Context()))
		runs, woken := w.engine.taken()
		require.Len(t, runs, 1)
		require.Equal(t, []string{workflows.Replay(rep.ID)}, woken)
		_, err = w.First(t.Context(), runs[0].ID)
		require.NoError(t, err)
		w.finish(t, rep.ID)
		require.Equal(t, 25, w.replays(t, rep.ID).Replayed)
		require.Equal(t, numbers(25), sortedBodies(r), "each once")
	})
}

// A step takes turns at the replay's rate, whatever the engine's clock is like, and
// hears of a pause between two of them.
func TestAReplayKeepsToItsRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	r := receiver.New(t)
	account := w.account(t)
	w.destination(t, account, r.URL)
	w.inOrder(t, account, numbers(30)...)
	rep := w.replay(t, account, func(c *ent.ReplayCreate) { c.SetRate(20) })
	began := time.Now()
	w.finish(t, rep.ID)
	require.Equal(t, 30, w.replays(t, rep.ID).Replayed)
	require.GreaterOrEqual(t, time.Since(began), 900*time.Millisecond, "30 events at 20 a second, the first 10 at once")

	rep = w.replay(t, account, func(c *ent.ReplayCreate) { c.SetRate(1) })
	stepped := make(chan bool)
	go func() {
		for {
			if _, done, err := w.Step(t.Context(), workflows.Replay(rep.ID)); done || err != nil {
				stepped <- done
				return
			}
		}
	}()
	require.Eventually(t, func() bool { return w.replays(t, rep.ID).Replayed > 0 }, time.Minute, time.Millisecond)
	w.exec(t, "UPDATE replays SET status = 'PAUSED' WHERE id = $1", rep.ID)
	require.True(t, <-stepped)
	require.Less(t, w.replays(t, rep.ID).Replayed, 30)
}

// Two workers at the same replay: one's turn counts.
func TestTwoTurnsOfAReplayAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		account := w.account(t)
		w.destination(t, account, "http://127.0.0.1:1/")
		w.inOrder(t, account, numbers(40)...)
		rep := w.replay(t, account, func(c *ent.ReplayCreate) { c.SetRate(10) })
		other := w.core(t)
		errs := make(chan error)
		for _, c := range []*delivery.Core{w.Core, other} {
			go func() {
				for {
					_, done, err := c.Step(t.Context(), workflows.Replay(rep.ID))
					if err != nil || done {
						errs <- err
						return
					}
				}
			}()
		}
		require.NoError(t, <-errs)
		require.NoError(t, <-errs)
		require.Equal(t, 40, w.replays(t, rep.ID).Replayed)
		require.Equal(t, 40, w.count(t, "events WHERE replay_id = $1", rep.ID))
		require.Equal(t, 40, w.count(t, "deliveries d JOIN events e ON e.id = d.event_id WHERE e.replay_id = $1", rep.ID))
	})
}
