package delivery_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// A delivery that names another account's destination or event sends nothing.
// Nothing makes such a one; the database would not refuse it.
func TestNothingIsSentAcrossAccounts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		_, janes := w.one(t, r.URL, 0)
		ways := map[string]func(ctx context.Context, run, deliveryID string) error{
			"first": func(ctx context.Context, run, _ string) error { _, err := w.First(ctx, run); return err },
			"again": func(ctx context.Context, run, deliveryID string) error {
				_, err := w.Attempt(ctx, run, deliveryID)
				return err
			},
		}
		for way, send := range ways {
			for column, c := range map[string]struct{ foreign, reason string }{
				"destination_id": {janes.DestinationID, "destination_deleted"},
				"event_id":       {janes.EventID, "event_dropped"},
			} {
				run, d := w.one(t, r.URL, 0)
				w.exec(t, "UPDATE deliveries SET "+column+" = $1 WHERE id = $2", c.foreign, d.ID)
				require.NoError(t, send(t.Context(), run, d.ID))
				row := w.row(t, d.ID)
				require.Equal(t, "CANCELED", row.Status, "%s, %s", way, column)
				require.Equal(t, c.reason, row.Reason, "%s, %s", way, column)
			}
		}
		require.Empty(t, r.Requests())
	})
}
