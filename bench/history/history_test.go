package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/history"
	"datapusher/ent/delivery"
	"datapusher/ent/event"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

func TestAHistoryIsLikeOneThatWasAccepted(t *testing.T) {
	t.Parallel()
	db := dbtest.Postgres(t)
	system := auth.AsSystem(t.Context())
	until := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	last := 0
	o := history.Options{Events: 1000, Accounts: 3, Destinations: 2, Until: until, Span: 24 * time.Hour, Progress: func(n int) { last = n }}
	require.NoError(t, history.Load(t.Context(), db.Write, o))
	require.Equal(t, 1000, last)

	events := db.Ent.Event.Query().Order(event.ByID()).AllX(system)
	require.Len(t, events, 1000)
	require.Equal(t, until.Add(-o.Span), events[0].CreatedAt.UTC())
	require.Equal(t, until, events[999].CreatedAt.UTC())
	for i, e := range events {
		require.True(t, id.Is(id.Event, e.ID), e.ID)
		require.GreaterOrEqual(t, e.ID, id.First(id.Event, e.CreatedAt))
		if i > 0 {
			require.False(t, e.CreatedAt.Before(events[i-1].CreatedAt))
		}
	}
	failed := 0
	for _, d := range db.Ent.Delivery.Query().WithEvent().WithDestination().WithAttempts().AllX(system) {
		require.Equal(t, id.DeliveryOf(d.EventID, 0), d.ID)
		require.NotNil(t, d.SettledAt)
		require.Equal(t, d.AccountID, d.Edges.Event.AccountID)
		require.Equal(t, d.AccountID, d.Edges.Destination.AccountID)
		require.Len(t, d.Edges.Attempts, d.AttemptCount)
		require.Equal(t, id.AttemptOf(d.ID, 1), d.Edges.Attempts[0].ID)
		if d.Status == delivery.StatusFailed {
			failed++
		}
	}
	require.Equal(t, 10, failed)
	require.Equal(t, 6, db.Ent.Destination.Query().CountX(system))

	// Once more, into what is there.
	to := db.Ent.Destination.Query().FirstX(system)
	o.Into = []history.Destination{{AccountID: to.AccountID, ID: to.ID}}
	before := db.Ent.Delivery.Query().Where(delivery.DestinationID(to.ID)).CountX(system)
	require.NoError(t, history.Load(t.Context(), db.Write, o))
	require.Equal(t, before+1000, db.Ent.Delivery.Query().Where(delivery.DestinationID(to.ID)).CountX(system))
	require.Equal(t, 3, db.Ent.Account.Query().CountX(system))
}
