package pusher_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/ent/replay"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestReplayEvents(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		e := w.event(a.ID, "1")
		w.delivery(e, d, nil)
		w.event(a.ID, "2")
		w.now = w.now.Add(time.Second)
		w.engine.forget()

		// The defaults.
		got, count, err := w.ReplayEvents(jane, pusher.ReplayEventsInput{})
		require.NoError(t, err)
		require.Equal(t, 2, count)
		require.Equal(t, 2, got.Matched)
		require.Equal(t, a.ID, got.AccountID)
		require.Equal(t, replay.StatusRunning, got.Status)
		require.InEpsilon(t, 100, got.Rate, 1e-9)
		require.True(t, got.FromTime.Equal(w.now.AddDate(0, 0, -30)))
		require.True(t, got.ToTime.Equal(w.now))
		require.True(t, got.CreatedAt.Equal(w.now))
		require.Empty(t, got.Statuses)
		require.Empty(t, got.TargetIds)
		require.Equal(t, tokenID(jane), got.Actor)
		require.Equal(t, []string{"replay/" + got.ID}, w.engine.woken)
		require.Equal(t, []string{"REPLAY " + tokenID(jane) + ": "}, w.did(got.ID))

		// Everything given.
		from, later := w.now.Add(-time.Hour), w.now.Add(time.Hour)
		got, count, err = w.ReplayEvents(w.admin, pusher.ReplayEventsInput{
			Filter: pusher.ReplayFilterInput{
				AccountID: &a.ID, DestinationID: &d.ID, From: &from, To: &later, EventType: new("order.paid"),
				Statuses: []delivery.Status{delivery.StatusPending, delivery.StatusFailed, delivery.StatusPending},
			},
			DestinationIDs: []string{d.ID, d.ID}, Rate: new(7.5), Reason: new("they lost it"),
		})
		require.NoError(t, err)
		require.Equal(t, 1, count)
		got = db.Ent.Replay.GetX(w.system, got.ID)
		require.Equal(t, d.ID, got.DestinationID)
		require.Equal(t, []string{"PENDING", "FAILED"}, got.Statuses)
		require.Equal(t, []string{d.ID}, got.TargetIds)
		require.Equal(t, "order.paid", got.EventType)
		require.InEpsilon(t, 7.5, got.Rate, 1e-9)
		require.True(t, got.FromTime.Equal(from))
		require.True(t, got.ToTime.Equal(w.now), "never later than now")
		require.Equal(t, "they lost it", got.Reason)
		require.Equal(t, []string{"REPLAY admin: they lost it"}, w.did(got.ID))
	})
}

func TestADryRunStoresNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		w.event(a.ID, "1")
		w.now = w.now.Add(time.Second)
		got, count, err := w.ReplayEvents(jane, pusher.ReplayEventsInput{DryRun: new(true)})
		require.NoError(t, err)
		require.Nil(t, got)
		require.Equal(t, 1, count)
		require.Zero(t, db.Ent.Replay.Query().CountX(w.system))
		require.Zero(t, db.Ent.Action.Query().Where(action.KindEQ(action.KindReplay)).CountX(w.system))
		w.engine.requireSilent(t)
	})
}

func TestABulkReplayBelongsToOneAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		d := w.destination(w.admin, t, b.ID)
		w.delivery(w.event(b.ID, "1"), d, nil)
		w.now = w.now.Add(time.Second)

		_, _, err := w.ReplayEvents(w.admin, pusher.ReplayEventsInput{})
		require.Equal(t, []string{"filter.accountID"}, fieldsOf(err))
		missing := "acc_01JD3ZQ8M4T6W0Y5K2BXH70000"
		for _, ref := range []string{b.ID, missing, "x", "acc_\x00"} {
			_, _, err = w.ReplayEvents(jane, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &ref}})
			requireCode(t, problem.NotFound, err)
			require.EqualError(t, err, "there is no such account")
		}
		// Another account's destination gets nothing and tells nothing.
		for _, ref := range []string{d.ID, "dst_01JD3ZQ8M4T6W0Y5K2BXH70000", "x"} {
			_, _, err = w.ReplayEvents(jane, pusher.ReplayEventsInput{DestinationIDs: []string{ref}})
			require.EqualError(t, err, "there is no such destination")
			_, _, err = w.ReplayEvents(w.admin, pusher.ReplayEventsInput{
				Filter: pusher.ReplayFilterInput{AccountID: &a.ID}, DestinationIDs: []string{ref},
			})
			require.EqualError(t, err, "there is no such destination", "for the admin too")
		}
		for _, ref := range []string{d.ID, "dst_01JD3ZQ8M4T6W0Y5K2BXH70000"} {
			_, count, err := w.ReplayEvents(jane, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{DestinationID: &ref}, DryRun: new(true)})
			require.NoError(t, err)
			require.Zero(t, count)
		}
		require.NoError(t, w.DeleteAccount(w.admin, pusher.DeleteAccountInput{ID: b.ID}))
		_, _, err = w.ReplayEvents(w.admin, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &b.ID}})
		requireCode(t, problem.NotFound, err)
		require.Zero(t, db.Ent.Replay.Query().CountX(w.system))
	})
}

func TestReplayEventsInputsTellEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, jane := w.account(t, "jane@example.com")
	later, past := w.now.Add(time.Hour), w.now.AddDate(0, 0, -31)
	in := pusher.ReplayEventsInput{
		Filter: pusher.ReplayFilterInput{
			DestinationID: new("x"), From: &later, Statuses: []delivery.Status{"LOST"}, EventType: new("a\nb"),
		},
		DestinationIDs: make([]string, 21), Rate: new(0.5), Reason: new("a\nb"),
	}
	want := []string{"filter.destinationID", "filter.statuses", "filter.eventType", "destinationIDs", "rate", "reason"}
	require.Equal(t, want, fieldsOf(in.Validate()))
	_, _, err := w.ReplayEvents(jane, in)
	require.Equal(t, append(want, "filter.from"), fieldsOf(err))
	for _, rate := range []float64{0, -1, 1000.5, math.NaN(), math.Inf(1)} {
		require.Equal(t, []string{"rate"}, fieldsOf(pusher.ReplayEventsInput{Rate: &rate}.Validate()), rate)
	}
	for name, f := range map[string]pusher.ReplayFilterInput{
		"to before the default":  {To: &past},
		"from is now":            {From: &w.now},
		"an empty span":          {From: &past, To: &past},
		"the wrong way":          {From: &w.now, To: &past},
		"all of it has not come": {From: &later, To: new(later.Add(time.Hour))},
	} {
		_, _, err := w.ReplayEvents(jane, pusher.ReplayEventsInput{Filter: f})
		require.Equal(t, []string{"filter.from"}, fieldsOf(err), name)
	}
	_, _, err = w.ReplayEvents(t.Context(), in)
	requireCode(t, problem.Unauthenticated, err)
}

func TestAReplaysStates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, jane := w.account(t, "jane@example.com")
		r, _, err := w.ReplayEvents(jane, pusher.ReplayEventsInput{Reason: new("they lost it")})
		require.NoError(t, err)
		me := tokenID(jane)
		pause := func(reason *string) (*ent.Replay, error) {
			return w.PauseReplay(jane, pusher.PauseReplayInput{ID: r.ID, Reason: reason})
		}
		resume := func() (*ent.Replay, error) {
			return w.ResumeReplay(w.admin, pusher.ResumeReplayInput{ID: r.ID})
		}
		cancel := func() (*ent.Replay, error) {
			return w.CancelReplay(jane, pusher.CancelReplayInput{ID: r.ID, Reason: new("enough")})
		}
		refused := func(command func() (*ent.Replay, error)) {
			t.Helper()
			w.engine.forget()
			_, err := command()
			requireCode(t, problem.Conflict, err)
			w.engine.requireSilent(t)
		}
		refused(resume)
		w.now = w.now.Add(time.Minute)
		got, err := pause(new("wait"))
		require.NoError(t, err)
		require.Equal(t, replay.StatusPaused, got.Status)
		require.Equal(t, "wait", got.Reason)
		require.True(t, got.UpdatedAt.Equal(w.now))
		refused(func() (*ent.Replay, error) { return pause(nil) })

		w.engine.forget()
		got, err = resume()
		require.NoError(t, err)
		require.Equal(t, replay.StatusRunning, got.Status)
		require.Empty(t, got.Reason, "the pause's reason is over")
		require.Nil(t, got.FinishedAt)
		require.Equal(t, []string{"replay/" + r.ID}, w.engine.woken)

		_, err = pause(nil)
		require.NoError(t, err)
		got, err = cancel()
		require.NoError(t, err)
		require.Equal(t, replay.StatusCanceled, got.Status)
		require.Equal(t, "enough", got.Reason)
		require.True(t, got.FinishedAt.Equal(w.now))
		for _, command := range []func() (*ent.Replay, error){cancel, resume, func() (*ent.Replay, error) { return pause(nil) }} {
			refused(command)
		}
		require.ElementsMatch(t, []string{
			"REPLAY " + me + ": they lost it", "PAUSE " + me + ": wait", "RESUME admin: ", "PAUSE " + me + ": ", "CANCEL " + me + ": enough",
		}, w.did(r.ID))

		r, _, err = w.ReplayEvents(jane, pusher.ReplayEventsInput{})
		require.NoError(t, err)
		_, err = cancel()
		require.NoError(t, err)
		db.Ent.Replay.UpdateOneID(r.ID).SetStatus(replay.StatusCompleted).ExecX(w.system)
		refused(cancel)
	})
	for _, in := range []interface{ Validate() error }{
		pusher.PauseReplayInput{Reason: new("a\nb")}, pusher.ResumeReplayInput{Reason: new("a\nb")}, pusher.CancelReplayInput{Reason: new("a\nb")},
	} {
		require.Equal(t, []string{"reason"}, fieldsOf(in.Validate()))
	}
}
