package delivery_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

func TestResultsWaitForADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, delivery.Lease)
		w.exec(t, "ALTER TABLE attempts RENAME TO away")
		w.Begin(run, []ingestDelivery{d})
		w.log.wait(t, "trying again")
		require.Equal(t, "PENDING", w.row(t, d.ID).Status)
		w.exec(t, "ALTER TABLE away RENAME TO attempts")
		require.Equal(t, "SUCCEEDED", w.first(t, run).Status)
		require.Len(t, w.attempts(t, d.ID), 1)
		require.Len(t, r.Requests(), 1, "the receiver is not asked again")
	})
}

// The answer to a record was lost; whether it was committed or not, the attempt
// is recorded once and its outcome told.
func TestARecordWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, committed := range []bool{true, false} {
		t.Run(fmt.Sprint("committed ", committed), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				r := receiver.New(t, receiver.Status(503))
				run, d := w.one(t, r.URL, 0)
				n := 0
				delivery.FailRecord(w.Core, func(record func() error) error {
					if n++; n > 1 {
						return record()
					}
					if committed {
						if err := record(); err != nil {
							return err
						}
					}
					return fmt.Errorf("read: %w", driver.ErrBadConn)
				})
				o := w.attempt(t, run, d.ID)
				require.Equal(t, workflows.Again, o.State)
				require.Equal(t, 1, o.Attempts)
				near(t, 5e9, o.After)
				require.Equal(t, 2, n)
				require.Len(t, w.attempts(t, d.ID), 1)
				require.Len(t, r.Requests(), 1)
			})
		})
	}
}

// A batch in which one row is refused: the others are recorded, its own attempt
// fails on our side.
func TestARefusedResultHoldsNoOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		payloads := make([]string, 40)
		for i := range payloads {
			payloads[i] = fmt.Sprint(i)
		}
		all := w.commit(t, run, 0, account, payloads...)
		guilty := all[17].ID
		if db.Postgres() {
			w.exec(t, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.delivery_id = '`+guilty+`' THEN RAISE 'guilty'; END IF; RETURN NEW; END $$`)
			w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION refuse()`)
		} else {
			w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN NEW.delivery_id = '`+guilty+`'
BEGIN SELECT RAISE(ABORT, 'guilty'); END`)
		}
		release := delivery.HoldRecorder(w.Core)
		var wg sync.WaitGroup
		for _, d := range all {
			wg.Go(func() {
				o, err := w.Attempt(t.Context(), run, d.ID)
				switch {
				case d.ID == guilty && err == nil:
					t.Error("the guilty one was recorded")
				case d.ID != guilty && (err != nil || o.Status != "SUCCEEDED"):
					t.Error(o, err)
				}
			})
		}
		r.Wait(t, len(all))
		release()
		wg.Wait()
		require.Equal(t, len(all)-1, w.count(t, "attempts"))
		require.Equal(t, "PENDING", w.row(t, guilty).Status)
		require.Zero(t, w.row(t, guilty).Attempts)
	})
}

// Two results of one delivery in the same batch, as two callers may make that
// both began before the first was recorded: one counts. (First attempts are taken.)
func TestTwoResultsOfOneDelivery(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE deliveries SET attempt_count = 1, status = 'RETRYING' WHERE id = $1", d.ID)
		release := delivery.HoldRecorder(w.Core)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				o, err := w.Attempt(context.WithoutCancel(t.Context()), run, d.ID)
				if err != nil || o.Status != "SUCCEEDED" || o.Attempts != 2 {
					t.Error(o, err)
				}
			})
		}
		r.Wait(t, 5)
		release()
		wg.Wait()
		require.Len(t, w.attempts(t, d.ID), 1)
	})
}
