package delivery_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// world is a core on a database of its own, with a sender that may reach
// receivers on this machine.
type world struct {
	*delivery.Core
	options delivery.Options
	db      *database.DB
	box     *secret.Box
	engine  *engine
	log     *log
}

func newWorld(t testing.TB, db *database.DB, change ...func(*delivery.Options)) *world {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	allow, err := sender.ParseCIDRs("127.0.0.0/8")
	require.NoError(t, err)
	s := sender.New(sender.Options{AllowCIDRs: allow})
	t.Cleanup(s.Close)
	w := &world{db: db, box: box, engine: &engine{}, log: &log{}}
	w.options = delivery.Options{
		DB: db, Box: box, Sender: s, Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now,
		Random: func() float64 { return .5 }, // no jitter
	}
	for _, f := range change {
		f(&w.options)
	}
	w.Core = w.core(t)
	return w
}

// core is another process on the same database.
func (w *world) core(t testing.TB) *delivery.Core {
	c := delivery.New(w.options)
	c.Use(w.engine)
	t.Cleanup(c.Close)
	return c
}

func (w *world) account(t testing.TB) string {
	t.Helper()
	account := id.New(id.Account, time.Now())
	w.db.Ent.Account.Create().SetID(account).SetName("Jane").SetEmail(account + "@example.com").ExecX(auth.AsSystem(t.Context()))
	return account
}

var signingKey = []byte("0123456789abcdef0123456789abcdef")

// destination makes a destination of an account that gets everything by POST.
func (w *world) destination(t testing.TB, account, url string) string {
	t.Helper()
	self := id.New(id.Destination, time.Now())
	headers, err := vault.SealHeaders(w.box, self, account, []sender.Header{{Name: "X-Shop", Value: "7"}})
	require.NoError(t, err)
	secrets, err := vault.SealSecrets(w.box, self, account, []vault.SigningSecret{{Key: signingKey}})
	require.NoError(t, err)
	w.db.Ent.Destination.Create().SetID(self).SetAccountID(account).SetURL(url).SetName("shop").
		SetHeaders(headers).SetSigningSecrets(secrets).ExecX(auth.AsSystem(t.Context()))
	return self
}

// state makes a destination change its state, as another process would.
func (w *world) state(t testing.TB, destinationID string, s destination.State) {
	t.Helper()
	w.exec(t, "UPDATE destinations SET state = $1 WHERE id = $2", string(s), destinationID)
}

// commit accepts events of an account under a run, and gives what is to be sent.
func (w *world) commit(t testing.TB, run string, lease time.Duration, account string, payloads ...string) []ingest.Delivery {
	t.Helper()
	r := &runs{run: run}
	in := ingest.New(ingest.Options{DB: w.db, Runs: r, Logger: w.options.Logger, Now: time.Now, Lease: lease})
	var wg sync.WaitGroup
	for _, p := range payloads {
		wg.Go(func() {
			if _, err := in.Accept(t.Context(), ingest.Event{AccountID: account, Payload: []byte(p)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	in.Close()
	return r.committed
}

// inOrder accepts events one after the other, so that their order is known.
func (w *world) inOrder(t testing.TB, account string, payloads ...string) {
	t.Helper()
	in := ingest.New(ingest.Options{DB: w.db, Runs: &runs{run: delivery.NewRun()}, Logger: w.options.Logger, Now: time.Now})
	defer in.Close()
	for _, p := range payloads {
		_, err := in.Accept(t.Context(), ingest.Event{AccountID: account, Payload: []byte(p)})
		require.NoError(t, err)
	}
}

// one commits one event of a new account with one destination there.
func (w *world) one(t testing.TB, url string, lease time.Duration) (run string, d ingest.Delivery) {
	t.Helper()
	account := w.account(t)
	w.destination(t, account, url)
	run = delivery.NewRun()
	all := w.commit(t, run, lease, account, `{"a":1}`)
	require.Len(t, all, 1)
	return run, all[0]
}

type ingestDelivery = ingest.Delivery

type runs struct {
	mu        sync.Mutex
	run       string
	committed []ingest.Delivery
}

func (r *runs) Open([]string) ingest.Ticket { return r }
func (r *runs) Run() string                 { return r.run }
func (r *runs) Arguments() []any            { return nil }
func (r *runs) Close(d []ingest.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range d {
		if !one.Parked {
			r.committed = append(r.committed, one)
		}
	}
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := w.db.Write.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

// overdue makes a run's leases have ended that long ago.
func (w *world) overdue(t testing.TB, run string, since time.Duration) {
	t.Helper()
	w.exec(t, "UPDATE deliveries SET lease_until = $1 WHERE run = $2", time.Now().UTC().Add(-since), run)
}

// due makes a delivery due now.
func (w *world) due(t testing.TB, deliveryID string) {
	t.Helper()
	now := time.Now().UTC()
	w.exec(t, "UPDATE deliveries SET next_attempt_at = $1, lease_until = $1 WHERE id = $2", now, deliveryID)
}

// stored is a delivery as it stands in the database.
type stored struct {
	Status, Reason, Run string
	Attempts            int
	Due, Lease, Settled sql.NullTime
}

func (w *world) row(t testing.TB, deliveryID string) (s stored) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), `
SELECT status, coalesce(reason, ''), run, attempt_count, next_attempt_at, lease_until, settled_at FROM deliveries WHERE id = $1`,
		deliveryID).Scan(&s.Status, &s.Reason, &s.Run, &s.Attempts, &s.Due, &s.Lease, &s.Settled))
	return s
}

// attempted is an attempt as it stands in the database.
type attempted struct {
	ID, Class, Body string
	Number, Status  int
	Truncated       bool
}

func (w *world) attempts(t testing.TB, deliveryID string) (all []attempted) {
	t.Helper()
	rows, err := w.db.Read.QueryContext(t.Context(), `
SELECT id, coalesce(error_class, ''), response_body, number, coalesce(status, 0), response_truncated FROM attempts
WHERE delivery_id = $1 ORDER BY id`, deliveryID)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var (
			a    attempted
			body []byte
		)
		require.NoError(t, rows.Scan(&a.ID, &a.Class, &body, &a.Number, &a.Status, &a.Truncated))
		a.Body = string(body)
		all = append(all, a)
	}
	require.NoError(t, rows.Err())
	return all
}

func (w *world) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+query, args...).Scan(&n))
	return n
}

// first makes the first attempts of a run that has one delivery.
func (w *world) first(t testing.TB, run string) workflows.Outcome {
	t.Helper()
	all, err := w.First(t.Context(), run)
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func (w *world) attempt(t testing.TB, run, deliveryID string) workflows.Outcome {
	t.Helper()
	o, err := w.Attempt(t.Context(), run, deliveryID)
	require.NoError(t, err)
	return o
}

// engine notes what it is given and does nothing: the test calls the core back
// in its place. The real engines are tested in workflows/.
type engine struct {
	workflows.Engine
	mu     sync.Mutex
	runs   []workflows.Run
	woken  []string
	refuse func(run string) error
}

func (e *engine) Dispatch(_ context.Context, run workflows.Run) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		if err := e.refuse(run.ID); err != nil {
			return err
		}
	}
	e.runs = append(e.runs, run)
	return nil
}

func (e *engine) Wake(_ context.Context, loop string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.woken = append(e.woken, loop)
	return nil
}

// waitWoken returns when a loop has been woken: that nobody waits for.
func (e *engine) waitWoken(t testing.TB, loop string) {
	t.Helper()
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return slices.Contains(e.woken, loop)
	}, time.Minute, time.Millisecond)
}

// taken gives what the engine was given since the last call.
func (e *engine) taken() (runs []workflows.Run, woken []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	runs, woken = e.runs, e.woken
	e.runs, e.woken = nil, nil
	return runs, woken
}

// log keeps what is logged and lets a test wait for it.
type log struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns when the log contains the text.
func (l *log) wait(t testing.TB, text string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		l.mu.Lock()
		if strings.Contains(l.text.String(), text) {
			l.mu.Unlock()
			return
		}
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("the log does not get %q: %s", text, l)
		}
	}
}

// near reports durations that differ by what a busy machine makes of them.
func near(t testing.TB, want, got time.Duration) {
	t.Helper()
	require.InDelta(t, want.Seconds(), got.Seconds(), 3, fmt.Sprint(got))
}
