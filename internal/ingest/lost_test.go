package ingest_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// batch sends three events at once: one without a key, one with, and one whose
// key is taken. It requires that each has the right answer and that everything
// is stored and handed over exactly once.
func (w *world) batch(t *testing.T) {
	t.Helper()
	account := w.account(t, 2)
	before := w.accept(t, keyed(account, "taken", `{"a":0}`))
	release, busy := w.holdAll(t, account)
	plain, fresh := w.send(t, event(account)), w.send(t, keyed(account, "k", `{"a":1}`))
	taken := w.send(t, keyed(account, "taken", `{"a":0}`))
	release()
	for _, s := range append(busy, plain, fresh) {
		r, err := s.wait()
		require.NoError(t, err)
		require.False(t, r.Duplicate)
		require.Equal(t, 2, r.Deliveries)
		require.Len(t, w.deliveries(t, r.EventID), 2)
	}
	r, err := taken.wait()
	require.NoError(t, err)
	require.Equal(t, ingest.Receipt{EventID: before.EventID, Deliveries: 2, Duplicate: true}, r)
	n := len(busy) + 3
	require.Equal(t, n, w.count(t, "events"))
	require.Equal(t, 2*n, w.count(t, "deliveries"))
	require.Len(t, w.runs.deliveries(t), 2*n, "what was committed is handed over")
}

// onlyFirst fails the first insert of each batch.
func onlyFirst(err error) func(int, []string) error {
	var mu sync.Mutex
	seen := make(map[string]bool)
	return func(_ int, ids []string) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[ids[0]] {
			return nil
		}
		seen[ids[0]] = true
		return err
	}
}

func TestALostAnswerNeitherLosesNorDoublesAnEvent(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("read: %w", driver.ErrBadConn)
	cases := map[string]func() ingest.Failures{
		"committed, then lost":          func() ingest.Failures { return ingest.Failures{After: onlyFirst(lost)} },
		"lost before it was executed":   func() ingest.Failures { return ingest.Failures{Before: onlyFirst(lost)} },
		"the time for it ended":         func() ingest.Failures { return ingest.Failures{After: onlyFirst(context.DeadlineExceeded)} },
		"rolled back for a deadlock":    func() ingest.Failures { return ingest.Failures{Before: onlyFirst(&pq.Error{Code: "40P01"})} },
		"rolled back for serialization": func() ingest.Failures { return ingest.Failures{Before: onlyFirst(&pq.Error{Code: "40001"})} },
		"the database is away for it":   func() ingest.Failures { return ingest.Failures{Before: onlyFirst(&pq.Error{Code: "57P03"})} },
		"reading back fails at first": func() ingest.Failures {
			var n atomic.Int32
			return ingest.Failures{After: onlyFirst(lost), ReadBack: func() error {
				if n.Add(1) <= 2 {
					return lost
				}
				return nil
			}}
		},
	}
	for name, failures := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db, func(o *ingest.Options) { o.Fail(failures()) })
				w.batch(t)
			})
		})
	}
}

// The answer is lost while the statement goes on in the server: nothing is found
// under the ids at first, and the repeated statement meets the first one's keys.
func TestALostInsertThatCommitsLateKeepsItsKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		lost, n := fmt.Errorf("read: %w", driver.ErrBadConn), 0
		w := newWorld(t, db, func(o *ingest.Options) {
			o.Fail(ingest.Failures{
				After: onlyFirst(lost),
				ReadBack: func() error {
					if n++; n == 1 {
						return ingest.ErrNothing // as it looks before the commit
					}
					return nil
				},
			})
		})
		account := w.account(t, 2)
		r := w.accept(t, keyed(account, "k", `{"a":1}`))
		require.False(t, r.Duplicate)
		require.Equal(t, 2, r.Deliveries)
		require.Len(t, w.runs.deliveries(t), 2)
		require.Equal(t, 1, w.count(t, "events"))
	})
}

func TestWhenTheAnswerStaysUnknownTheSenderMaySendAgain(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("read: %w", driver.ErrBadConn)
	for _, inserts := range []bool{true, false} {
		t.Run(fmt.Sprintf("inserts succeed meanwhile: %t", inserts), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				var back atomic.Bool
				away := func() error {
					if back.Load() {
						return nil
					}
					return lost
				}
				w := newWorld(t, db, func(o *ingest.Options) {
					o.Patience(300 * time.Millisecond)
					o.Fail(ingest.Failures{
						After:    onlyFirst(lost),
						ReadBack: away,
						Before: func(n int, _ []string) error {
							if n == 1 || inserts {
								return nil
							}
							return away()
						},
					})
				})
				account := w.account(t, 2)
				_, err := w.Accept(t.Context(), keyed(account, "k", `{"a":1}`))
				require.Equal(t, problem.Unavailable, problem.CodeOf(err))
				back.Store(true)
				again := w.accept(t, keyed(account, "k", `{"a":1}`))
				require.True(t, again.Duplicate)
				require.Equal(t, 1, w.count(t, "events"))
				require.Equal(t, []int{0}, w.committed(), "what is not known to be committed is not counted")
			})
		})
	}
}

// A proxy swallows the server's answer to a committed insert and cuts the
// connection: what happens to the driver's error on its way is part of the test.
func TestAnAnswerThatTheNetworkSwallowsIsFoundOut(t *testing.T) {
	t.Parallel()
	url := dbtest.PostgresURL(t)
	p := newProxy(t, url)
	db, err := database.Open(t.Context(), p.url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	w := newWorld(t, db)
	account := w.account(t, 2)
	for range 2 { // each committer prepares its statement
		release, all := w.holdAll(t, account)
		release()
		for _, s := range all {
			_, err := s.wait()
			require.NoError(t, err)
		}
	}
	n := w.count(t, "events")
	for i := range 10 {
		p.swallow.Store(true)
		r := w.accept(t, keyed(account, fmt.Sprint(i%2*i), `{"a":1}`)) // "0" every other time
		require.Equal(t, 2, r.Deliveries)
		require.Equal(t, i > 0 && i%2 == 0, r.Duplicate, i)
		if !r.Duplicate {
			n++
		}
		require.False(t, p.swallow.Load())
		r = w.accept(t, event(account))
		require.Len(t, w.deliveries(t, r.EventID), 2)
		n++
		require.Equal(t, n, w.count(t, "events"))
	}
	require.Len(t, w.runs.deliveries(t), 2*n)
	require.Equal(t, 2*n, w.count(t, "deliveries"))
}

// Every accepted event is stored once, whatever happens to the connections.
func TestTerminatedConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	url := dbtest.PostgresURL(t)
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	killer, err := database.Open(t.Context(), url+"&application_name=killer")
	require.NoError(t, err)
	t.Cleanup(func() { _ = killer.Close() })
	w := newWorld(t, db)
	account := w.account(t, 2)

	const senders, events, kills = 16, 40, 15
	type answer struct {
		body string
		ingest.Receipt
	}
	var (
		accepted = make(chan answer, senders*events)
		done     atomic.Int32
		tick     = make(chan struct{}, kills+2)
		wg       sync.WaitGroup
	)
	for s := range senders {
		wg.Go(func() {
			for i := range events {
				body := fmt.Sprintf(`"%d/%d"`, s, i)
				e := keyed(account, "", body)
				if i%2 == 0 {
					e.IdempotencyKey = body
				}
				r, err := w.Accept(t.Context(), e)
				if err == nil {
					accepted <- answer{body, r}
				} else if code := problem.CodeOf(err); code != problem.Unavailable {
					t.Errorf("%s: %v", code, err)
				}
				if done.Add(1)%(senders*events/(kills+1)) == 0 {
					tick <- struct{}{}
				}
			}
		})
	}
	wg.Go(func() {
		for range kills { // spread over the work
			<-tick
			_, err := killer.Write.ExecContext(t.Context(), `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'datapusher'`)
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	close(accepted)
	n := 0
	for a := range accepted {
		n++
		require.False(t, a.Duplicate, a.body)
		require.Equal(t, 2, a.Deliveries, a.body)
		require.Equal(t, 1, w.count(t, "events WHERE payload = $1", []byte(a.body)), a.body)
		require.Equal(t, 2, w.count(t, "deliveries WHERE event_id = $1", a.EventID), a.body)
	}
	require.Greater(t, n, senders*events/2)
	handed := w.runs.deliveries(t)
	require.GreaterOrEqual(t, len(handed), 2*n)
	t.Logf("%d of %d accepted", n, senders*events)
}
