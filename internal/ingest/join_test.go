package ingest_test

import (
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/ingest"
	"datapusher/internal/testutil/dbtest"
)

// newJoined is an ingest whose runs are rows of the same database, as an engine's
// may be.
func newJoined(t *testing.T, change ...func(*ingest.Options)) *world {
	t.Helper()
	db := dbtest.Postgres(t)
	_, err := db.Write.ExecContext(t.Context(), "CREATE TABLE held (run text UNIQUE)")
	require.NoError(t, err)
	return newWorld(t, db, append(change, func(o *ingest.Options) {
		o.TxInsert = func(first int, condition string) string {
			return fmt.Sprintf("INSERT INTO held SELECT $%d::text WHERE %s ON CONFLICT DO NOTHING", first, condition)
		}
	})...)
}

// runsOf are the runs of events' deliveries, and held those that the engine has.
func (w *world) runsOf(t *testing.T, events ...string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, e := range events {
		for _, d := range w.deliveries(t, e) {
			all[d.Run] = true
		}
	}
	return all
}

func (w *world) held(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), "SELECT run FROM held")
	require.NoError(t, err)
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var run string
		require.NoError(t, rows.Scan(&run))
		all[run] = true
	}
	require.NoError(t, rows.Err())
	return all
}

func TestTheEngineGetsARunWithTheCommit(t *testing.T) {
	t.Parallel()
	w := newJoined(t)
	account := w.account(t, 2)
	r := w.accept(t, keyed(account, "once", `{"a":1}`))
	require.Equal(t, 2, r.Deliveries)
	require.Equal(t, map[string]bool{"batch/1": true}, w.held(t))
	require.Equal(t, w.held(t), w.runsOf(t, r.EventID))

	require.True(t, w.accept(t, keyed(account, "once", `{"a":1}`)).Duplicate)
	w.accept(t, event(w.account(t, 0)))
	parked := w.account(t, 0)
	w.destination(t, parked, destination.StatePaused)
	w.accept(t, event(parked))
	require.Len(t, w.held(t), 1, "of the others nothing is to be sent")
}

func TestWhatIsNotCommittedIsNotHandedOver(t *testing.T) {
	t.Parallel()
	w := newJoined(t)
	w.refuse(t)
	account := w.account(t, 1)
	release, all := w.holdAll(t, account)
	guilty := event(account)
	guilty.EventType = "guilty"
	all = append(all, w.send(t, event(account)), w.send(t, guilty), w.send(t, event(account)), w.send(t, guilty))
	release()
	var stored []string
	for _, s := range all {
		if r, err := s.wait(); err == nil {
			stored = append(stored, r.EventID)
		}
	}
	require.Len(t, stored, len(all)-2)
	require.Equal(t, w.runsOf(t, stored...), w.held(t))
}

func TestALostAnswerHandsOverOnce(t *testing.T) {
	t.Parallel()
	w := newJoined(t, func(o *ingest.Options) {
		o.Fail(ingest.Failures{After: onlyFirst(fmt.Errorf("read: %w", driver.ErrBadConn))})
	})
	r := w.accept(t, event(w.account(t, 1)))
	require.Equal(t, w.runsOf(t, r.EventID), w.held(t))
	require.Equal(t, 1, w.count(t, "held"))
}
