package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
)

const lease = 17 * time.Second

// world is an ingest on a database of its own, and what it is told to do.
type world struct {
	*ingest.Ingest
	db   *database.DB
	runs *runs
	log  *lockedBuffer

	mu      sync.Mutex
	commits []int // events of each
}

func newWorld(t testing.TB, db *database.DB, change ...func(*ingest.Options)) *world {
	t.Helper()
	w := &world{db: db, runs: &runs{}, log: &lockedBuffer{}}
	o := ingest.Options{
		DB: db, Runs: w.runs, Logger: slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now, Lease: lease, MaxWait: time.Minute,
		Observe: func(events int, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.commits = append(w.commits, events)
		},
	}
	for _, f := range change {
		f(&o)
	}
	w.Ingest = ingest.New(o)
	t.Cleanup(w.Close)
	return w
}

func (w *world) committed() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.commits
}

// account makes an account with n destinations that send, and returns its id.
func (w *world) account(t testing.TB, n int) string {
	t.Helper()
	ctx := auth.AsSystem(t.Context())
	account := id.New(id.Account, time.Now())
	w.db.Ent.Account.Create().SetID(account).SetName("Jane").SetEmail(account + "@example.com").ExecX(ctx)
	for range n {
		w.destination(t, account, destination.StateSending)
	}
	return account
}

func (w *world) destination(t testing.TB, account string, state destination.State) string {
	t.Helper()
	d := w.db.Ent.Destination.Create().SetAccountID(account).SetURL("https://example.com/hook").
		SetSigningSecrets([]byte("sealed")).SetState(state).SaveX(auth.AsSystem(t.Context()))
	return d.ID
}

// exec runs a statement that differs between the dialects in nothing.
func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := w.db.Write.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

func (w *world) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+query, args...).Scan(&n))
	return n
}

func (w *world) accept(t testing.TB, e ingest.Event) ingest.Receipt {
	t.Helper()
	r, err := w.Accept(t.Context(), e)
	require.NoError(t, err)
	return r
}

func event(account string) ingest.Event {
	return ingest.Event{AccountID: account, Payload: []byte(`{"a":1}`)}
}

// sent is one call of Accept that goes on.
type sent struct {
	receipt ingest.Receipt
	err     error
	ended   chan struct{}
}

func (s *sent) wait() (ingest.Receipt, error) {
	<-s.ended
	return s.receipt, s.err
}

// send calls Accept and returns as soon as the event waits in the queue.
func (w *world) send(t testing.TB, e ingest.Event) *sent {
	t.Helper()
	s := &sent{ended: make(chan struct{})}
	ctx := &waiting{Context: context.Background(), queued: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.receipt, s.err = w.Accept(ctx, e)
	}()
	select {
	case <-ctx.queued:
	case <-s.ended:
	}
	return s
}

// waiting tells when somebody begins to wait for its end, which Accept does once
// the event is in the queue.
type waiting struct {
	context.Context
	once   sync.Once
	queued chan struct{}
}

func (c *waiting) Done() <-chan struct{} {
	c.once.Do(func() { close(c.queued) })
	return nil
}

// runs notes what is committed under which run. While it is held, no batch
// begins to commit.
type runs struct {
	mu      sync.Mutex
	n       int
	tickets []*ticket

	gate    chan struct{} // nil: open
	entered chan struct{}
}

type ticket struct {
	of       *runs
	id       string
	events   []string
	closed   int
	received []ingest.Delivery
}

// hold makes every commit wait until release is called. Entered gets one value
// for each that waits.
func (r *runs) hold() (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gate := make(chan struct{})
	r.gate, r.entered = gate, make(chan struct{}, 100)
	return sync.OnceFunc(func() { close(gate) })
}

func (r *runs) Open(events []string) ingest.Ticket {
	r.mu.Lock()
	r.n++
	t := &ticket{of: r, id: fmt.Sprintf("batch/%d", r.n), events: events}
	r.tickets = append(r.tickets, t)
	gate, entered := r.gate, r.entered
	r.mu.Unlock()
	if gate != nil {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-gate
	}
	return t
}

func (t *ticket) Run() string { return t.id }

func (t *ticket) Arguments() []any { return []any{t.id} }

func (t *ticket) Close(d []ingest.Delivery) {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.closed++
	t.received = append(t.received, d...)
}

// deliveries are those of all runs; every ticket must have been closed once.
func (r *runs) deliveries(t testing.TB) map[string]ingest.Delivery {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]ingest.Delivery)
	for _, ticket := range r.tickets {
		require.Equal(t, 1, ticket.closed, "the ticket of %s", ticket.id)
		for _, d := range ticket.received {
			require.NotContains(t, all, d.ID, "handed over twice")
			all[d.ID] = d
		}
	}
	return all
}

// holdAll holds the commits and occupies the committer with one event.
func (w *world) holdAll(t testing.TB, account string) (release func(), busy []*sent) {
	t.Helper()
	release = w.runs.hold()
	busy = append(busy, w.send(t, event(account)))
	<-w.runs.entered
	return release, busy
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
