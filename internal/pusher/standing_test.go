package pusher_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/internal/breaker"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		loop := []string{"destination/" + d.ID}
		w.changed = nil

		got, err := w.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID})
		require.NoError(t, err)
		require.Equal(t, destination.StatePaused, got.State)
		require.True(t, got.Enabled)
		require.Equal(t, breaker.ReasonPaused, got.Reason)
		require.Nil(t, got.PausedUntil)
		require.True(t, w.now.Equal(*got.StateSince))
		require.Equal(t, []string{a.ID}, w.changed)
		require.Equal(t, loop, w.engine.woken)

		// Again: a new end and reason, since then as before.
		since, end := w.now, w.now.Add(time.Hour)
		w.now = w.now.Add(time.Minute)
		got, err = w.PauseDestination(w.admin, pusher.PauseDestinationInput{DestinationID: d.ID, Until: &end, Reason: new("maintenance")})
		require.NoError(t, err)
		require.Equal(t, "maintenance", got.Reason)
		require.True(t, end.Equal(*got.PausedUntil))
		require.True(t, since.Equal(*got.StateSince))

		for _, w.engine.down = range []bool{true, false} { // the reconciler wakes it again
			w.engine.forget()
			w.now = w.now.Add(time.Minute)
			got, err = w.ResumeDestination(jane, pusher.ResumeDestinationInput{DestinationID: d.ID, Rate: new(2.5), Reason: new("done")})
			require.NoError(t, err)
			require.Equal(t, destination.StateSending, got.State)
			require.Empty(t, got.Reason)
			require.Nil(t, got.PausedUntil)
			require.True(t, got.Draining)
			require.InEpsilon(t, 2.5, *got.DrainRate, 1e-9)
			require.Equal(t, loop, w.engine.woken)
		}
		me := tokenID(jane)
		require.NotEmpty(t, me)
		require.Equal(t, []string{
			"PAUSE " + me + ": ", "PAUSE admin: maintenance", "RESUME " + me + ": done", "RESUME " + me + ": done",
		}, w.did(d.ID))
	})
}

func TestResumeWorksInAnyState(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		for _, state := range []destination.State{destination.StateSending, destination.StatePaused, destination.StateOpen, destination.StateDisabled} {
			d := w.destination(jane, t, a.ID)
			d.Update().SetState(state).SetEnabled(state != destination.StateDisabled).SetReason("x").SetFailing("a b").
				SetFailingSince(w.now).SetProbeAt(w.now).SetProbes(3).SetProbed("dlv_x").ExecX(w.system)
			got, err := w.ResumeDestination(jane, pusher.ResumeDestinationInput{DestinationID: d.ID})
			require.NoError(t, err, state)
			require.True(t, breaker.Of(got).Equal(breaker.Standing{State: breaker.Sending, Since: w.now, Draining: true}), "%s %+v", state, got)
			require.True(t, got.Enabled)
		}
	})
}

// TestResumingParksWhatIsRetrying: everything that waits drains in one order.
func TestResumingParksWhatIsRetrying(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d, other := w.destination(jane, t, a.ID), w.destination(jane, t, a.ID)
		e := w.event(a.ID, "1")
		retrying := func(due time.Duration, steered *delivery.Steered) func(*ent.DeliveryCreate) {
			return func(c *ent.DeliveryCreate) {
				at := w.now.Add(due)
				c.SetStatus(delivery.StatusRetrying).SetReason("http_503").SetAttemptCount(1).SetNextAttemptAt(at).SetLeaseUntil(at).
					SetNillableSteered(steered).SetParkedUs(7)
			}
		}
		far := w.delivery(e, d, retrying(time.Hour, nil))
		stay := []*ent.Delivery{
			w.delivery(e, d, retrying(time.Second, nil)), // it is about to be made
			w.delivery(e, d, retrying(-time.Minute, nil)),
			w.delivery(e, d, retrying(time.Hour, new(delivery.SteeredPostpone))),
			w.delivery(e, d, retrying(time.Hour, new(delivery.SteeredRetry))),
			w.delivery(e, d, func(c *ent.DeliveryCreate) { c.SetNextAttemptAt(w.now.Add(time.Hour)) }),
			w.delivery(e, d, func(c *ent.DeliveryCreate) { c.SetStatus(delivery.StatusFailed) }),
			w.delivery(e, other, retrying(time.Hour, nil)),
		}
		for name, resume := range map[string]func() error{
			"resumeDestination": func() error {
				_, err := w.ResumeDestination(jane, pusher.ResumeDestinationInput{DestinationID: d.ID})
				return err
			},
			"enabled: true": func() error {
				d.Update().SetState(destination.StateDisabled).SetEnabled(false).ExecX(w.system)
				_, err := w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Enabled: new(true)})
				return err
			},
		} {
			w.db.Ent.Delivery.UpdateOne(far).SetStatus(delivery.StatusRetrying).SetRun(far.Run).SetNextAttemptAt(*far.NextAttemptAt).
				SetLeaseUntil(*far.LeaseUntil).ClearParkedAt().ExecX(w.system)
			require.NoError(t, resume(), name)
			got := w.reload(far)
			require.Equal(t, delivery.StatusParked, got.Status, name)
			require.True(t, w.now.Equal(*got.ParkedAt))
			require.Empty(t, got.Run, "it belongs to nobody")
			require.Nil(t, got.NextAttemptAt)
			require.Nil(t, got.LeaseUntil)
			require.Equal(t, "in line", got.Reason)
			require.EqualValues(t, 7, got.ParkedUs)
			for i, s := range stay {
				require.Equal(t, s.Status, w.reload(s).Status, "%s %d", name, i)
				require.Equal(t, s.Run, w.reload(s).Run, "%s %d", name, i)
			}
		}
	})
}

func TestDisablingParksAndEnablingResumes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		enable := func(enabled bool) *ent.Destination {
			t.Helper()
			w.engine.forget()
			w.now = w.now.Add(time.Second)
			got, err := w.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Enabled: &enabled})
			require.NoError(t, err)
			return got
		}
		enable(true)
		w.engine.requireSilent(t)
		require.Empty(t, w.did(d.ID), "what it is already changes nothing")

		off := enable(false)
		require.False(t, off.Enabled)
		require.Equal(t, destination.StateDisabled, off.State)
		require.Equal(t, breaker.ReasonOwner, off.Reason)
		require.Equal(t, []string{"destination/" + d.ID}, w.engine.woken)
		enable(false)
		w.engine.requireSilent(t)

		_, err := w.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID})
		requireCode(t, problem.Conflict, err)
		require.Contains(t, err.Error(), "resume or enable")

		w.engine.down = true
		on := enable(true)
		require.True(t, on.Enabled)
		require.Equal(t, destination.StateSending, on.State)
		require.True(t, on.Draining)
		require.Empty(t, on.Reason)
		require.Equal(t, []string{"destination/" + d.ID}, w.engine.woken)
		me := tokenID(jane)
		require.Equal(t, []string{"DISABLE " + me + ": ", "RESUME " + me + ": "}, w.did(d.ID))

		// Paused is enabled: only resumeDestination ends that.
		_, err = w.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID})
		require.NoError(t, err)
		require.Equal(t, destination.StatePaused, enable(true).State)
		require.Equal(t, destination.StateDisabled, enable(false).State)
	})
}

func TestStandingInputsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	d := w.destination(jane, t, a.ID)
	year := w.now.AddDate(1, 0, 0)
	pause := func(until *time.Time, reason *string) error {
		_, err := w.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID, Until: until, Reason: reason})
		return err
	}
	for _, until := range []time.Time{w.now, w.now.Add(-time.Hour), year.Add(48 * time.Hour), {}} {
		require.Equal(t, []string{"reason", "until"}, fieldsOf(pause(&until, new("a\nb"))), until)
	}
	require.NoError(t, pause(&year, new(strings.Repeat("r", 150))))
	require.Equal(t, []string{"reason"}, fieldsOf(pause(nil, new(strings.Repeat("r", 151)))))
	for _, rate := range []float64{0, -1, 0.09, 10_001, math.NaN(), math.Inf(1)} {
		err := pusher.ResumeDestinationInput{Rate: &rate, Reason: new("\xff")}.Validate()
		require.Equal(t, []string{"reason", "rate"}, fieldsOf(err), rate)
	}
	for _, rate := range []float64{0.1, 10_000} {
		require.NoError(t, pusher.ResumeDestinationInput{Rate: &rate}.Validate())
	}
	// Who asks comes before what is asked.
	_, err := w.PauseDestination(t.Context(), pusher.PauseDestinationInput{Until: &w.now})
	requireCode(t, problem.Unauthenticated, err)
}

// TestADeadlockRepeatsTheCommand: the core holds deliveries when a command wants
// them, and one of both loses.
func TestADeadlockRepeatsTheCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.Postgres(t))
	a, jane := w.account(t, "jane@example.com")
	d := w.destination(jane, t, a.ID)
	far := w.delivery(w.event(a.ID, "1"), d, func(c *ent.DeliveryCreate) { failedOnce(c, w.now.Add(time.Hour)) })

	tx, err := w.db.Write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "UPDATE deliveries SET reason = reason WHERE id = $1", far.ID)
	require.NoError(t, err)
	resumed := make(chan error, 1)
	go func() {
		_, err := w.ResumeDestination(jane, pusher.ResumeDestinationInput{DestinationID: d.ID})
		resumed <- err
	}()
	for n := 0; n == 0; {
		require.NoError(t, w.db.Read.QueryRowContext(t.Context(), `
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&n))
	}
	_, _ = tx.ExecContext(t.Context(), "UPDATE destinations SET name = 'x' WHERE id = $1", d.ID) // either may be the victim
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-resumed)
	require.Equal(t, delivery.StatusParked, w.reload(far).Status)
	require.Len(t, w.did(d.ID), 1)
}
