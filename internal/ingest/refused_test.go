package ingest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// refuse makes the database refuse the events of one type.
func (w *world) refuse(t testing.TB) {
	t.Helper()
	if !w.db.Postgres() {
		w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.event_type = 'guilty'
BEGIN SELECT RAISE(ABORT, 'guilty'); END`)
		return
	}
	w.exec(t, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.event_type = 'guilty' THEN RAISE 'guilty'; END IF; RETURN NEW; END $$`)
	w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()`)
}

func TestOnlyTheGuiltyRequestOfABatchFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.refuse(t)
		account := w.account(t, 2)
		release, busy := w.holdAll(t, account)
		var all []*sent
		guilty := []int{0, 17, 18, 39}
		for i := range 40 {
			e := event(account)
			if slices.Contains(guilty, i) {
				e.EventType = "guilty"
			}
			all = append(all, w.send(t, e))
		}
		release()
		for i, s := range all {
			r, err := s.wait()
			if slices.Contains(guilty, i) {
				require.Equal(t, problem.Invalid, problem.CodeOf(err))
				continue
			}
			require.NoError(t, err)
			require.Equal(t, 2, r.Deliveries)
			require.Len(t, w.deliveries(t, r.EventID), 2)
		}
		good := len(busy) + len(all) - len(guilty)
		require.Equal(t, good, w.count(t, "events"))
		require.Equal(t, 2*good, w.count(t, "deliveries"))
		require.Len(t, w.runs.deliveries(t), 2*good)
		sum := 0
		for _, n := range w.committed() {
			sum += n
		}
		require.Equal(t, good, sum, "an observer hears of what was committed alone")
	})
}

func TestADatabaseThatIsGoneMakesEventsUnavailable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.Patience(300 * time.Millisecond) })
		account := w.account(t, 1)
		w.accept(t, event(account))
		w.exec(t, "ALTER TABLE events RENAME TO away")
		_, err := w.Accept(t.Context(), event(account))
		require.Equal(t, problem.Unavailable, problem.CodeOf(err))
		require.Contains(t, w.log.String(), "events", "the log has the cause, not the end of patience")
		require.NotContains(t, w.log.String(), "deadline")
		w.exec(t, "ALTER TABLE away RENAME TO events")
		require.Equal(t, 1, w.accept(t, event(account)).Deliveries)
	})
}
