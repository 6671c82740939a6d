package pusher_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// deliveriesOf are an event's deliveries by their destinations.
func (w *world) deliveriesOf(e *ent.Event) map[string]*ent.Delivery {
	all := map[string]*ent.Delivery{}
	for _, d := range w.db.Ent.Delivery.Query().Where(delivery.EventID(e.ID)).AllX(w.system) {
		all[d.DestinationID] = d
	}
	return all
}

func TestReplayEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		sending, paused, open, draining, deleted := w.destination(jane, t, a.ID), w.destination(jane, t, a.ID),
			w.destination(jane, t, a.ID), w.destination(jane, t, a.ID), w.destination(jane, t, a.ID)
		w.destination(jane, t, a.ID) // made later: the original did not go there
		original := w.event(a.ID, `{"n": 1.00}`)
		for _, d := range []*ent.Destination{sending, paused, open, draining, deleted} {
			w.delivery(original, d, nil)
		}
		paused.Update().SetState(destination.StatePaused).SetReason("maintenance").ExecX(w.system)
		open.Update().SetState(destination.StateOpen).ExecX(w.system)
		draining.Update().SetDraining(true).ExecX(w.system)
		require.NoError(t, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: deleted.ID}))
		w.engine.forget()

		got, err := w.ReplayEvent(jane, pusher.ReplayEventInput{EventID: original.ID, Reason: new("they lost it")})
		require.NoError(t, err)
		require.NotEqual(t, original.ID, got.ID)
		require.Equal(t, original.ID, got.ReplayOf)
		require.Empty(t, got.ReplayID)
		require.Equal(t, "order.paid", got.EventType)
		require.Empty(t, got.IdempotencyKey)
		require.Equal(t, `{"n": 1.00}`, string(got.Payload), "the same bytes")
		require.True(t, w.now.Equal(got.CreatedAt))
		require.Equal(t, a.ID, got.QueryAccount().OnlyIDX(jane), "the event is usable after the commit")

		run := "event/" + got.ID
		require.Equal(t, []workflows.Run{{ID: run, Summary: "replay of " + original.ID}}, w.engine.dispatched)
		all := w.deliveriesOf(got)
		require.Len(t, all, 4)
		one := all[sending.ID]
		require.Equal(t, delivery.StatusPending, one.Status)
		require.Equal(t, run, one.Run)
		require.True(t, w.now.Equal(*one.NextAttemptAt))
		require.True(t, w.now.Equal(*one.LeaseUntil))
		for d, why := range map[*ent.Destination]string{paused: "maintenance", open: "open", draining: "in line"} {
			one := all[d.ID]
			require.Equal(t, delivery.StatusParked, one.Status)
			require.Equal(t, why, one.Reason)
			require.Empty(t, one.Run)
			require.True(t, w.now.Equal(*one.ParkedAt))
			require.Nil(t, one.NextAttemptAt)
			require.Nil(t, one.LeaseUntil)
		}
		from, to := id.FanOut(got.ID)
		for _, one := range all {
			require.True(t, from <= one.ID && one.ID < to, one.ID)
			require.Nil(t, one.Steered)
		}
		require.Equal(t, []string{"REPLAY " + tokenID(jane) + ": they lost it"}, w.did(original.ID))
		stays := db.Ent.Event.GetX(w.system, original.ID)
		require.Equal(t, original.Payload, stays.Payload)
		require.Empty(t, stays.ReplayOf)

		// What goes nowhere now needs no run.
		w.engine.forget()
		_, err = w.ReplayEvent(jane, pusher.ReplayEventInput{EventID: original.ID, DestinationIDs: []string{paused.ID, paused.ID}})
		require.NoError(t, err)
		w.engine.requireSilent(t)
		require.Equal(t, 2, db.Ent.Delivery.Query().Where(delivery.DestinationID(paused.ID), delivery.StatusEQ(delivery.StatusParked)).CountX(w.system))
	})
}

func TestAReplayMayBeDifferent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		here, there := w.destination(jane, t, a.ID), w.destination(jane, t, a.ID)
		original := w.event(a.ID, `1`)
		w.delivery(original, here, nil)
		headers := []sender.Header{{Name: "X-Key", Value: "planted-marker"}}
		got, err := w.ReplayEvent(w.admin, pusher.ReplayEventInput{
			EventID: original.ID, DestinationIDs: []string{there.ID}, Payload: new(` {"edited":true} `), Headers: headers,
		})
		require.NoError(t, err)
		require.Equal(t, ` {"edited":true} `, string(got.Payload))
		require.Len(t, w.deliveriesOf(got), 1)
		require.Contains(t, w.deliveriesOf(got), there.ID)
		require.NotContains(t, string(got.Headers), "planted-marker")
		opened := func(e *ent.Event) []sender.Header {
			h, err := vault.OpenEventHeaders(w.box, e.ID, a.ID, e.Headers)
			require.NoError(t, err)
			return h
		}
		require.Equal(t, headers, opened(got))
		require.Equal(t, []string{"REPLAY admin: "}, w.did(original.ID))

		// A replay of the replay sends what that one sent, unless told otherwise.
		again, err := w.ReplayEvent(jane, pusher.ReplayEventInput{EventID: got.ID})
		require.NoError(t, err)
		require.Equal(t, got.ID, again.ReplayOf)
		require.Equal(t, headers, opened(again))
		again, err = w.ReplayEvent(jane, pusher.ReplayEventInput{EventID: got.ID, Headers: []sender.Header{}})
		require.NoError(t, err)
		require.Empty(t, again.Headers)
	})
}

func TestWhatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		b, _ := w.account(t, "joe@example.com")
		d := w.destination(jane, t, a.ID)
		joes := w.destination(w.admin, t, b.ID)
		original := w.event(a.ID, `1`)
		replay := func(in pusher.ReplayEventInput) error {
			in.EventID = original.ID
			_, err := w.ReplayEvent(w.admin, in)
			return err
		}
		requireCode(t, problem.Conflict, replay(pusher.ReplayEventInput{})) // it went nowhere
		// Not even the admin sends an event to another account's destination.
		requireCode(t, problem.NotFound, replay(pusher.ReplayEventInput{DestinationIDs: []string{d.ID, joes.ID}}))

		full, _, err := w.CreateDestination(jane, pusher.CreateDestinationInput{
			AccountID: a.ID, URL: "https://example.com", Headers: []sender.Header{{Name: "X-Full", Value: strings.Repeat("x", 8000)}},
		})
		require.NoError(t, err)
		long := strings.Repeat("y", 500)
		err = replay(pusher.ReplayEventInput{DestinationIDs: []string{full.ID}, Headers: []sender.Header{{Name: "X-More", Value: long}}})
		require.Equal(t, []string{"headers"}, fieldsOf(err), "it could never be sent")
		require.NoError(t, replay(pusher.ReplayEventInput{DestinationIDs: []string{full.ID}, Headers: []sender.Header{{Name: "x-full", Value: long}}}))

		require.NoError(t, w.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		requireCode(t, problem.NotFound, replay(pusher.ReplayEventInput{DestinationIDs: []string{d.ID}}))
		require.Len(t, w.did(original.ID), 1, "half a command was stored")
		require.Equal(t, 2, db.Ent.Event.Query().CountX(w.system))
	})
}

func TestReplayEventInputsTellEverythingAtOnce(t *testing.T) {
	t.Parallel()
	err := pusher.ReplayEventInput{
		DestinationIDs: make([]string, 101), Payload: new("{"), Headers: []sender.Header{{Name: "Host", Value: "x"}}, Reason: new("a\nb"),
	}.Validate()
	requireCode(t, problem.Invalid, err)
	require.Equal(t, []string{"destinationIDs", "payload", "headers[0].name", "reason"}, fieldsOf(err))
	for name, payload := range map[string]string{
		"nothing": "", "no JSON": "{", "two": "1 2", "not UTF-8": "\"\xff\"", "too deep": strings.Repeat("[", 513) + strings.Repeat("]", 513),
		"too long": `"` + strings.Repeat("x", ingest.MaxPayload-1) + `"`,
	} {
		require.Equal(t, []string{"payload"}, fieldsOf(pusher.ReplayEventInput{Payload: &payload}.Validate()), name)
	}
	most := `"` + strings.Repeat("x", ingest.MaxPayload-2) + `"`
	require.NoError(t, pusher.ReplayEventInput{Payload: &most}.Validate())
}

// TestAnEventMayHaveGoneToMany: more than one statement takes.
func TestAnEventMayHaveGoneToMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		original := w.event(a.ID, `1`)
		const many = 3000
		destinations, deliveries := make([]*ent.DestinationCreate, many), make([]*ent.DeliveryCreate, many)
		for i := range many {
			to := id.New(id.Destination, w.now)
			destinations[i] = db.Ent.Destination.Create().SetID(to).SetAccountID(a.ID).SetURL("https://example.com").SetSigningSecrets([]byte{1})
			deliveries[i] = db.Ent.Delivery.Create().SetID(id.DeliveryOf(original.ID, i)).SetAccountID(a.ID).SetEventID(original.ID).
				SetDestinationID(to).SetRun("x")
		}
		for i := 0; i < many; i += 1000 {
			db.Ent.Destination.CreateBulk(destinations[i : i+1000]...).ExecX(w.system)
			db.Ent.Delivery.CreateBulk(deliveries[i : i+1000]...).ExecX(w.system)
		}
		got, err := w.ReplayEvent(jane, pusher.ReplayEventInput{EventID: original.ID})
		require.NoError(t, err)
		require.Len(t, w.deliveriesOf(got), many)
	})
}
