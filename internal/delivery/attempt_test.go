package delivery_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

func TestOnlyTheOwnerAttempts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		_, err := w.Attempt(t.Context(), delivery.NewRun(), d.ID)
		require.ErrorIs(t, err, workflows.ErrNotOwner)
		_, err = w.Attempt(t.Context(), run, "dlv_unknown")
		require.ErrorIs(t, err, workflows.ErrNotOwner)
		all, err := w.First(t.Context(), delivery.NewRun())
		require.NoError(t, err)
		require.Empty(t, all)
		require.Empty(t, r.Requests())
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
		o := w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Settled, o.State, "what is settled is told to anybody who asks")
		require.Equal(t, 1, o.Attempts)
		require.Len(t, r.Requests(), 1)
	})
}

func TestTheLastAttemptOfTheScheduleFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Status(500))
		run, d := w.one(t, r.URL, 0)
		w.exec(t, "UPDATE deliveries SET attempt_count = 8, schedule_step = 8, status = 'RETRYING'")
		o := w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Again, o.State)
		require.Equal(t, 24*time.Hour, o.After)
		w.due(t, d.ID)
		o = w.attempt(t, run, d.ID)
		require.Equal(t, workflows.Settled, o.State)
		require.Equal(t, "FAILED", o.Status)
		require.Equal(t, "500", o.Result)
		require.Equal(t, 10, o.Attempts)
		row := w.row(t, d.ID)
		require.Equal(t, "attempts_exhausted: http_500", row.Reason)
		require.Equal(t, 10, row.Attempts)
		require.True(t, row.Settled.Valid)
		require.False(t, row.Due.Valid)
		require.False(t, row.Lease.Valid)
	})
}

func TestAFailureWithoutAnAnswerIsRecordedByItsClass(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		run, d := w.one(t, "http://127.0.0.1:1/", 0) // nobody listens there
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "connect", o.Result)
		require.Equal(t, workflows.Again, o.State)
		all := w.attempts(t, d.ID)
		require.Len(t, all, 1)
		require.Equal(t, "connect", all[0].Class)
		require.Zero(t, all[0].Status)
		require.Equal(t, "connect", w.row(t, d.ID).Reason)
	})
}

// An attempt that our own side gave up says nothing of the receiver, and its
// number is used again.
func TestOurOwnFailureUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, receiver.Until(nil, nil), receiver.Status(200))
		run, d := w.one(t, r.URL, 0)
		before := w.row(t, d.ID)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := w.Attempt(ctx, run, d.ID)
			failed <- err
		}()
		r.Wait(t, 1)
		cancel()
		require.ErrorContains(t, <-failed, "canceled")
		after := w.row(t, d.ID)
		near(t, 0, time.Until(after.Lease.Time))
		before.Due, before.Lease = after.Due, after.Lease
		require.Equal(t, before, after)
		require.Empty(t, w.attempts(t, d.ID))
		require.Equal(t, 1, w.attempt(t, run, d.ID).Attempts)
		require.Len(t, w.attempts(t, d.ID), 1)
	})
}

// While the request is under way, the row changes under the attempt.
func TestWhatHappenedMeanwhileDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile string
		want      workflows.Outcome // of its state, status, result, attempts
		err       error
		recorded  bool
	}{
		"the number was recorded by somebody else": {
			meanwhile: "UPDATE deliveries SET attempt_count = 1, status = 'SUCCEEDED'",
			want:      workflows.Outcome{State: workflows.Settled, Status: "SUCCEEDED", Attempts: 1},
		},
		"it was canceled": {
			meanwhile: "UPDATE deliveries SET status = 'CANCELED', reason = 'by its owner'",
			want:      workflows.Outcome{State: workflows.Settled, Status: "CANCELED", Result: "503", Attempts: 1},
			recorded:  true, // it was made
		},
		"it was parked": {
			meanwhile: "UPDATE deliveries SET status = 'PARKED', reason = 'paused', run = ''",
			want:      workflows.Outcome{State: workflows.Settled, Status: "PARKED", Result: "paused"},
		},
		"it has a new owner": {
			meanwhile: "UPDATE deliveries SET run = 'batch/other'",
			err:       workflows.ErrNotOwner,
		},
		"it is gone": {meanwhile: "DELETE FROM deliveries", err: workflows.ErrNotOwner},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				r := receiver.New(t, func(rw http.ResponseWriter, r *http.Request) {
					w.exec(t, c.meanwhile)
					rw.WriteHeader(503)
				})
				run, d := w.one(t, r.URL, 0)
				o, err := w.Attempt(t.Context(), run, d.ID)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.want.State, o.State)
				require.Equal(t, c.want.Status, o.Status)
				require.Equal(t, c.want.Result, o.Result)
				require.Equal(t, c.want.Attempts, o.Attempts)
				require.Equal(t, c.recorded, len(w.attempts(t, d.ID)) == 1, "or its result belongs to nobody")
			})
		})
	}
}

// What waited for a place looks again before it sends.
func TestWhatIsCanceledWhileItWaitsForAPlaceIsNotSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := receiver.New(t, receiver.Until(release, receiver.Status(200)))
		account := w.account(t)
		w.destination(t, account, r.URL)
		run := delivery.NewRun()
		all := w.commit(t, run, delivery.Lease, account, make131()...)
		w.Begin(run, all[:128])
		r.Wait(t, 128)
		waiting := all[128]
		w.due(t, waiting.ID)
		ended := make(chan workflows.Outcome)
		go func() {
			o, err := w.Attempt(t.Context(), run, waiting.ID)
			if err != nil {
				t.Error(err)
			}
			ended <- o
		}()
		w.WaitForWaiting()
		w.exec(t, "UPDATE deliveries SET status = 'CANCELED' WHERE id = $1", waiting.ID)
		close(release)
		require.Equal(t, "CANCELED", (<-ended).Status)
		_, err := w.First(t.Context(), run)
		require.NoError(t, err)
		for _, q := range r.Requests() {
			require.NotEqual(t, waiting.EventID, q.Header.Get("webhook-id"))
		}
	})
}

func TestSettingsOfADestinationAreFollowed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		before, after := receiver.New(t, receiver.Status(503)), receiver.New(t)
		run, d := w.one(t, before.URL, 0)
		w.attempt(t, run, d.ID)
		w.exec(t, "UPDATE destinations SET url = $1, name = NULL, http_method = 'PUT'", after.URL)
		w.Changed(d.AccountID)
		w.due(t, d.ID)
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "SUCCEEDED", o.Status)
		require.Regexp(t, `^PUT 127.0.0.1:\d+$`, o.Label)
		require.Len(t, before.Requests(), 1)
		require.Len(t, after.Requests(), 1)
		require.Equal(t, "PUT", after.Requests()[0].Method)
	})
}

// Of a change in another process an attempt hears a second later.
func TestSettingsAreReadAgainAfterASecond(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		now := time.Now()
		w := newWorld(t, db, func(o *delivery.Options) {
			if db.Postgres() { // SQLite has no clock but this
				o.Now = func() time.Time { return now }
			}
		})
		r := receiver.New(t, receiver.Status(503))
		run, d := w.one(t, r.URL, 0)
		w.attempt(t, run, d.ID)
		w.state(t, d.DestinationID, destination.StatePaused)
		now = now.Add(2 * time.Second)
		if !db.Postgres() {
			w.Changed(d.AccountID)
		}
		w.due(t, d.ID)
		require.Equal(t, "PARKED", w.attempt(t, run, d.ID).Status)
		require.Len(t, r.Requests(), 1)
	})
}

func TestAClosedCoreMakesNoAttempts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := receiver.New(t, receiver.Until(release, receiver.Status(200)))
		run, d := w.one(t, r.URL, delivery.Lease)
		w.Begin(run, []ingestDelivery{d})
		r.Wait(t, 1)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			w.Close()
		}()
		close(release)
		<-closed
		require.Equal(t, "SUCCEEDED", w.row(t, d.ID).Status, "what was going on is recorded")

		run, d = w.one(t, r.URL, 0)
		w.Begin(run, []ingestDelivery{d})
		_, err := w.First(t.Context(), run)
		require.Error(t, err)
		_, err = w.Attempt(t.Context(), run, d.ID)
		require.Error(t, err)
		require.Len(t, r.Requests(), 1)
		w.Close()
	})
}
