package pusher_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
	"datapusher/workflows"
)

// steered is a world with a destination, an event, and commands on deliveries.
type steered struct {
	*world
	jane context.Context
	d    *ent.Destination
	e    *ent.Event
}

func newSteered(t *testing.T, db *database.DB) *steered {
	t.Helper()
	w := newWorld(t, db)
	a, jane := w.account(t, "jane@example.com")
	return &steered{w, jane, w.destination(jane, t, a.ID), w.event(a.ID, `{"n":1}`)}
}

func (s *steered) retry(of *ent.Delivery, reason *string) (*ent.Delivery, error) {
	return s.RetryDelivery(s.jane, pusher.RetryDeliveryInput{DeliveryID: of.ID, Reason: reason})
}

func (s *steered) cancel(of *ent.Delivery, reason *string) (*ent.Delivery, error) {
	return s.CancelDelivery(s.jane, pusher.CancelDeliveryInput{DeliveryID: of.ID, Reason: reason})
}

func (s *steered) postpone(of *ent.Delivery, until time.Time) (*ent.Delivery, error) {
	return s.PostponeDelivery(s.jane, pusher.PostponeDeliveryInput{DeliveryID: of.ID, Until: until})
}

// standings are all ways in which a delivery may stand.
var standings = map[string]struct {
	inFlight bool
	change   func(now time.Time, c *ent.DeliveryCreate)
}{
	"pending, due":     {true, func(_ time.Time, _ *ent.DeliveryCreate) {}},
	"pending, overdue": {true, func(now time.Time, c *ent.DeliveryCreate) { c.SetNextAttemptAt(now.Add(-time.Hour)) }},
	"pending, postponed": {false, func(now time.Time, c *ent.DeliveryCreate) {
		c.SetNextAttemptAt(now.Add(time.Hour)).SetSteered(delivery.SteeredPostpone)
	}},
	"delivering":     {true, func(_ time.Time, c *ent.DeliveryCreate) { c.SetStatus(delivery.StatusDelivering) }},
	"retrying":       {false, func(now time.Time, c *ent.DeliveryCreate) { failedOnce(c, now.Add(5*time.Hour)) }},
	"retrying, due":  {true, func(now time.Time, c *ent.DeliveryCreate) { failedOnce(c, now) }},
	"retrying, soon": {true, func(now time.Time, c *ent.DeliveryCreate) { failedOnce(c, now.Add(time.Second)) }},
	"parked":         {false, func(now time.Time, c *ent.DeliveryCreate) { parkedSince(c, now.Add(-time.Minute)) }},
	"parked, released": {false, func(now time.Time, c *ent.DeliveryCreate) {
		parkedSince(c, now.Add(-time.Minute)).SetLeaseUntil(now)
	}},
	"parked, probing": {true, func(now time.Time, c *ent.DeliveryCreate) {
		parkedSince(c, now.Add(-time.Minute)).SetRun("destination/x").SetLeaseUntil(now.Add(time.Second))
	}},
	"succeeded": {false, func(now time.Time, c *ent.DeliveryCreate) { settledAs(c, delivery.StatusSucceeded, now) }},
	"failed":    {false, func(now time.Time, c *ent.DeliveryCreate) { settledAs(c, delivery.StatusFailed, now) }},
	"canceled":  {false, func(now time.Time, c *ent.DeliveryCreate) { settledAs(c, delivery.StatusCanceled, now) }},
}

func failedOnce(c *ent.DeliveryCreate, due time.Time) {
	c.SetStatus(delivery.StatusRetrying).SetReason("http_503").SetAttemptCount(1).SetNextAttemptAt(due).SetLeaseUntil(due)
}

func parkedSince(c *ent.DeliveryCreate, at time.Time) *ent.DeliveryCreate {
	m := c.SetStatus(delivery.StatusParked).SetReason("failing: http_503").SetRun("").SetParkedAt(at).SetParkedUs(7).Mutation()
	m.ResetNextAttemptAt()
	m.ResetLeaseUntil()
	return c
}

func settledAs(c *ent.DeliveryCreate, status delivery.Status, at time.Time) {
	m := c.SetStatus(status).SetReason("x").SetAttemptCount(10).SetSettledAt(at).Mutation()
	m.ResetNextAttemptAt()
	m.ResetLeaseUntil()
}

func TestRetryNow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSteered(t, db)
		for name, c := range standings {
			before := s.delivery(s.e, s.d, func(row *ent.DeliveryCreate) { c.change(s.now, row) })
			s.engine.forget()
			got, err := s.retry(before, new("they fixed it"))
			switch {
			case name == "succeeded" || name == "canceled":
				requireCode(t, problem.Conflict, err)
				require.Contains(t, err.Error(), "replay its event", name)
			case c.inFlight:
				require.NoError(t, err, name)
				require.Equal(t, before.Run, got.Run, name)
			default:
				require.NoError(t, err, name)
				status := delivery.StatusPending
				if before.AttemptCount > 0 {
					status = delivery.StatusRetrying
				}
				require.Equal(t, status, got.Status, name)
				require.Equal(t, delivery.SteeredRetry, *got.Steered, name)
				require.Regexp(t, "^batch/", got.Run, name)
				require.Empty(t, got.Reason, name)
				require.True(t, s.now.Equal(*got.NextAttemptAt), name)
				require.True(t, s.now.Equal(*got.LeaseUntil), name)
				require.Nil(t, got.ParkedAt, name)
				require.Nil(t, got.SettledAt, name)
				require.Equal(t, before.AttemptCount, got.AttemptCount, name)
				if strings.HasPrefix(name, "parked") {
					require.EqualValues(t, 7+time.Minute.Microseconds(), got.ParkedUs, name)
				}
				require.Equal(t, []workflows.Run{{ID: got.Run, Summary: "retry now: " + got.ID}}, s.engine.dispatched, name)
				if before.Run == "" {
					require.Empty(t, s.engine.dropped, name)
				} else {
					require.Equal(t, []string{before.Run + " " + got.ID}, s.engine.dropped, name)
				}
				require.Equal(t, got.Run, s.reload(before).Run, name)
				require.Equal(t, s.e.ID, got.QueryEvent().OnlyIDX(s.jane), "the delivery is usable after the commit")
				require.Equal(t, []string{"RETRY " + tokenID(s.jane) + ": they fixed it"}, s.did(got.ID), name)
				continue
			}
			s.engine.requireSilent(t)
			require.Equal(t, before.Status, s.reload(before).Status, name)
			require.Empty(t, s.did(before.ID), name)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSteered(t, db)
		for name, c := range standings {
			before := s.delivery(s.e, s.d, func(row *ent.DeliveryCreate) { c.change(s.now, row) })
			s.engine.forget()
			got, err := s.cancel(before, nil)
			switch name {
			case "succeeded", "failed":
				requireCode(t, problem.Conflict, err)
			case "canceled":
				require.NoError(t, err)
				require.Equal(t, "x", got.Reason)
			default:
				require.NoError(t, err, name)
				require.Equal(t, delivery.StatusCanceled, got.Status, name)
				require.Equal(t, "canceled by "+tokenID(s.jane), got.Reason, name)
				require.True(t, s.now.Equal(*got.SettledAt), name)
				require.Equal(t, before.Run, got.Run, "%s: an attempt that succeeds is recorded", name)
				require.Nil(t, got.NextAttemptAt, name)
				require.Nil(t, got.LeaseUntil, name)
				require.Nil(t, got.ParkedAt, name)
				require.Nil(t, got.Steered, name)
				require.Empty(t, s.engine.dispatched, name)
				if before.Run == "" {
					require.Empty(t, s.engine.dropped, name)
				} else {
					require.Equal(t, []string{before.Run + " " + got.ID}, s.engine.dropped, name)
				}
				require.Equal(t, []string{"CANCEL " + tokenID(s.jane) + ": "}, s.did(got.ID), name)

				again, err := s.cancel(before, new("again"))
				require.NoError(t, err)
				require.Equal(t, got.Reason, again.Reason, name)
				require.Len(t, s.did(got.ID), 1, name)
				continue
			}
			s.engine.requireSilent(t)
			require.Empty(t, s.did(before.ID), name)
		}
		long := s.delivery(s.e, s.d, nil)
		got, err := s.cancel(long, new(strings.Repeat("r", 150)))
		require.NoError(t, err)
		require.Equal(t, "canceled: "+strings.Repeat("r", 150), got.Reason)
	})
}

func TestPostpone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSteered(t, db)
		for name, c := range standings {
			before := s.delivery(s.e, s.d, func(row *ent.DeliveryCreate) { c.change(s.now, row) })
			s.engine.forget()
			until := s.now.Add(30 * 24 * time.Hour)
			got, err := s.postpone(before, until)
			switch {
			case before.SettledAt != nil:
				requireCode(t, problem.Conflict, err)
				require.Contains(t, err.Error(), "nothing to postpone", name)
			case c.inFlight:
				requireCode(t, problem.Conflict, err)
				require.Contains(t, err.Error(), "in a moment", name)
			default:
				require.NoError(t, err, name)
				require.Equal(t, delivery.SteeredPostpone, *got.Steered, name)
				require.Equal(t, "postponed", got.Reason, name)
				require.True(t, until.Equal(*got.NextAttemptAt), name)
				require.True(t, until.Equal(*got.LeaseUntil), name)
				require.Nil(t, got.ParkedAt, name)
				require.Equal(t, []workflows.Run{{ID: got.Run, Summary: "postponed: " + got.ID}}, s.engine.dispatched, name)
				require.Equal(t, []string{"POSTPONE " + tokenID(s.jane) + ": "}, s.did(got.ID), name)
				continue
			}
			s.engine.requireSilent(t)
			require.Equal(t, before.Run, s.reload(before).Run, name)
			require.Empty(t, s.did(before.ID), name)
		}
	})
}

// TestWhatIsGoneIsNotSent: nothing is left of it but the delivery's row.
func TestWhatIsGoneIsNotSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSteered(t, db)
		gone := s.event(s.e.AccountID, "1")
		failed := func(c *ent.DeliveryCreate) { settledAs(c, delivery.StatusFailed, s.now) }
		noEvent, noDestination := s.delivery(gone, s.d, failed), s.delivery(s.e, s.d, failed)
		waits := s.delivery(s.e, s.d, func(c *ent.DeliveryCreate) { failedOnce(c, s.now.Add(time.Hour)) })
		db.Ent.Event.DeleteOne(gone).ExecX(s.system) // as an old partition goes
		_, err := s.retry(noEvent, nil)
		requireCode(t, problem.Conflict, err)

		require.NoError(t, s.DeleteDestination(s.jane, pusher.DeleteDestinationInput{ID: s.d.ID}))
		s.engine.forget()
		_, err = s.retry(noDestination, nil)
		requireCode(t, problem.Conflict, err)
		_, err = s.postpone(waits, s.now.Add(time.Minute))
		requireCode(t, problem.Conflict, err)
		s.engine.requireSilent(t)
		_, err = s.cancel(waits, nil)
		require.NoError(t, err, "there is still something to cancel")
	})
}

// TestSteeringDoesNotNeedTheEngine: the reconciler hands over what is committed.
func TestSteeringDoesNotNeedTheEngine(t *testing.T) {
	t.Parallel()
	s := newSteered(t, dbtest.SQLite(t))
	s.engine.down = true
	of := s.delivery(s.e, s.d, func(c *ent.DeliveryCreate) { failedOnce(c, s.now.Add(time.Hour)) })
	got, err := s.retry(of, nil)
	require.NoError(t, err)
	require.Equal(t, got.Run, s.reload(of).Run)
}

func TestSteeringInputsAreChecked(t *testing.T) {
	t.Parallel()
	s := newSteered(t, dbtest.SQLite(t))
	of := s.delivery(s.e, s.d, func(c *ent.DeliveryCreate) { failedOnce(c, s.now.Add(time.Hour)) })
	for _, reason := range []string{"a\nb", "\xff", "a\x00", strings.Repeat("r", 151)} {
		_, err := s.retry(of, &reason)
		require.Equal(t, []string{"reason"}, fieldsOf(err), "%q", reason)
		_, err = s.cancel(of, &reason)
		require.Equal(t, []string{"reason"}, fieldsOf(err), "%q", reason)
		_, err = s.PostponeDelivery(s.jane, pusher.PostponeDeliveryInput{DeliveryID: of.ID, Reason: &reason})
		require.Equal(t, []string{"reason", "until"}, fieldsOf(err), "%q", reason)
	}
	for _, until := range []time.Time{{}, s.now, s.now.Add(30*24*time.Hour + 1)} {
		_, err := s.postpone(of, until)
		require.Equal(t, []string{"until"}, fieldsOf(err), until)
	}
	require.Equal(t, of.Run, s.reload(of).Run)
}
