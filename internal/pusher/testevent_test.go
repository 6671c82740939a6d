package pusher_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/pusher"
	"datapusher/internal/schedule"
	"datapusher/internal/testutil/dbtest"
	"datapusher/workflows"
)

func TestSendTestEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		d := w.destination(jane, t, a.ID)
		w.destination(jane, t, a.ID) // gets nothing of it
		d.Update().SetState(destination.StateDisabled).SetEnabled(false).ExecX(w.system)

		e, dlv, err := w.SendTestEvent(jane, pusher.SendTestEventInput{DestinationID: d.ID})
		require.NoError(t, err)
		require.Equal(t, "test", e.EventType)
		require.JSONEq(t, `{"type":"test","message":"This is a test event of Data Pusher. Nothing has happened."}`, string(e.Payload))
		require.Equal(t, a.ID, e.AccountID)
		require.Empty(t, e.ReplayOf)
		require.Len(t, w.deliveriesOf(e), 1)
		require.Equal(t, delivery.StatusPending, dlv.Status, "it goes out whatever the state")
		require.Equal(t, delivery.SteeredRetry, *dlv.Steered)
		require.Greater(t, dlv.ScheduleStep, schedule.MaxWaits, "a failure is final")
		require.Equal(t, []workflows.Run{{ID: "event/" + e.ID, Summary: "test event"}}, w.engine.dispatched)
		require.Equal(t, e.ID, dlv.QueryEvent().OnlyIDX(jane), "the delivery is usable after the commit")

		e, _, err = w.SendTestEvent(w.admin, pusher.SendTestEventInput{DestinationID: d.ID, EventType: new("order.paid")})
		require.NoError(t, err)
		require.Equal(t, "order.paid", e.EventType)
		require.Contains(t, string(e.Payload), `"type":"order.paid"`)
		e, _, err = w.SendTestEvent(jane, pusher.SendTestEventInput{DestinationID: d.ID, Payload: new(`[1]`), EventType: new("")})
		require.NoError(t, err)
		require.Equal(t, "test", e.EventType)
		require.Equal(t, `[1]`, string(e.Payload))
	})
}

func TestTestEventsAreChecked(t *testing.T) {
	t.Parallel()
	for _, eventType := range []string{"a\nb", "\xff", strings.Repeat("ä", 129)} {
		err := pusher.SendTestEventInput{Payload: new("{"), EventType: &eventType}.Validate()
		require.Equal(t, []string{"payload", "eventType"}, fieldsOf(err), eventType)
		err = pusher.PreviewDeliveryInput{Payload: new("{"), EventType: &eventType}.Validate()
		require.Equal(t, []string{"payload", "eventType"}, fieldsOf(err), eventType)
	}
}
