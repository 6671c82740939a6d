package property_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	core "datapusher/internal/delivery"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/workflows"
)

const (
	sequences = 24 // of each dialect
	moves     = 80 // of each sequence
)

// waits is the retry schedule of every destination here.
var waits = []time.Duration{time.Second, 5 * time.Second, time.Minute}

// TestEveryDeliveryEndsWhereTheModelSays is named by its seeds: run one again with
// -run 'TestEvery.*/sqlite/seed_7$'.
func TestEveryDeliveryEndsWhereTheModelSays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences) {
		t.Run(fmt.Sprintf("seed_%d", seed), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) { play(t, db, seed) })
		})
	}
}

// world is one sequence's: a system, its destinations, and the model of what has
// to come of each delivery.
type world struct {
	*testing.T
	db     *database.DB
	random *rand.Rand
	system context.Context
	engine *engine
	core   *core.Core
	pusher *pusher.Pusher
	ingest *ingest.Ingest
	make   func() *core.Core

	offset  time.Duration // of the clock, on SQLite; Postgres has a clock of its own
	account string
	to      []*receiver
	torn    bool // attempts are lost after they were sent, half of them

	canceled map[string]bool // deliveries that an operator canceled
	log      []string
}

// receiver is a destination that does what it is told.
type receiver struct {
	id     string
	url    string
	mu     sync.Mutex
	status int
	taken  map[string]int // answers of 2xx, by event
	lost   map[string]int // those of them that the sender did not live to record
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200, taken: map[string]int{}, lost: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.status == 200 {
			r.taken[q.Header.Get("webhook-id")]++
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) set(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// fragile is a sender whose process dies now and then with the answer in hand.
type fragile struct {
	*sender.Sender
	w      *world
	mu     sync.Mutex
	random *rand.Rand
}

func (f *fragile) dies() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w.torn && f.random.IntN(2) == 0
}

func (f *fragile) Send(ctx context.Context, q *sender.Request) sender.Result {
	r := f.Sender.Send(ctx, q)
	if !f.dies() {
		return r
	}
	for _, to := range f.w.to {
		if to.url == q.URL && r.Status == 200 {
			to.mu.Lock()
			to.lost[q.EventID]++
			to.mu.Unlock()
		}
	}
	return sender.Result{Class: sender.Canceled}
}

// runs gives each commit a run of its own and dispatches it, unless the process
// dies in between.
type runs struct{ w *world }

type ticket struct {
	w  *world
	id string
}

func (r runs) Open(events []string) ingest.Ticket { return &ticket{r.w, "event/" + events[0]} }
func (t *ticket) Run() string                     { return t.id }
func (t *ticket) Arguments() []any                { return nil }
func (t *ticket) Close(committed []ingest.Delivery) {
	for _, d := range committed {
		if !d.Parked && !t.w.torn {
			_ = t.w.engine.Dispatch(context.Background(), workflows.Run{ID: t.id})
			return
		}
	}
}

func newWorld(t *testing.T, db *database.DB, seed uint64) *world {
	w := &world{
		T: t, db: db, random: rand.New(rand.NewPCG(seed, 1)), system: auth.AsSystem(t.Context()),
		engine: newEngine(), canceled: map[string]bool{},
	}
	now := func() time.Time { return time.Now().Add(w.offset) }
	logger := slog.New(slog.DiscardHandler)
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	out := sender.New(sender.Options{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(out.Close)
	dying := &fragile{Sender: out, w: w, random: rand.New(rand.NewPCG(seed, 2))}
	w.make = func() *core.Core {
		c := core.New(core.Options{
			DB: db, Box: box, Sender: dying, Logger: logger, Now: now, Random: func() float64 { return .5 },
		})
		c.Use(w.engine)
		return c
	}
	w.core = w.make()
	t.Cleanup(func() { w.core.Close() })
	w.ingest = ingest.New(ingest.Options{DB: db, Runs: runs{w}, Logger: logger, Now: now})
	t.Cleanup(w.ingest.Close)
	w.pusher = pusher.New(pusher.Options{
		DB: db, Box: box, Engine: w.engine, Sender: out, Now: now, Changed: func(account string) { w.core.Changed(account) },
	})
	a, _, err := w.pusher.CreateAccount(w.system, pusher.CreateAccountInput{Name: "Jane", Email: "jane@example.com"})
	require.NoError(t, err)
	w.account = a.ID
	for range 2 {
		r := newReceiver(t)
		d, _, err := w.pusher.CreateDestination(w.system, pusher.CreateDestinationInput{
			AccountID: a.ID, URL: r.url, RetrySchedule: waits,
		})
		require.NoError(t, err)
		r.id = d.ID
		w.to = append(w.to, r)
	}
	return w
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.engine.pass(d)
	if !w.db.Postgres() {
		w.offset += d
		return
	}
	back := func(table string, columns ...string) {
		var set []string
		for _, c := range columns {
			set = append(set, fmt.Sprintf("%[1]s = %[1]s - $1 * interval '1 second'", c))
		}
		_, err := w.db.Write.ExecContext(w.Context(), "UPDATE "+table+" SET "+strings.Join(set, ", "), d.Seconds())
		require.NoError(w, err)
	}
	back("deliveries", "created_at", "next_attempt_at", "lease_until", "parked_at")
	back("destinations", "state_since", "paused_until", "failing_since", "probe_at")
	w.core.Changed(w.account)
}

func (w *world) work(most int) {
	w.engine.work(w, w.random, w.core, most, func(err error) {
		if !w.torn {
			require.NoError(w, err)
		}
	})
}

// some is a delivery by chance; nil where there is none.
func (w *world) some() *ent.Delivery {
	all := w.db.Ent.Delivery.Query().Order(ent.Asc(delivery.FieldID)).AllX(w.system)
	if len(all) == 0 {
		return nil
	}
	return all[w.random.IntN(len(all))]
}

// move is one thing that happens.
func (w *world) move() {
	to := w.to[w.random.IntN(len(w.to))]
	note := func(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }
	allowed := func(err error) {
		if err != nil {
			require.Contains(w, []problem.Code{problem.Conflict}, problem.CodeOf(err), "%v", err)
		}
	}
	switch w.random.IntN(18) {
	case 0, 1, 2, 3:
		for range 1 + w.random.IntN(2) {
			r, err := w.ingest.Accept(w.Context(), ingest.Event{AccountID: w.account, Payload: []byte(`{"n":1}`)})
			require.NoError(w, err)
			note("accept %s", r.EventID)
		}
	case 4:
		to.set([]int{200, 500, 503, 500, 500, 429, 410}[w.random.IntN(7)])
		note("%s answers %d", to.id, to.status)
	case 5:
		_, err := w.pusher.PauseDestination(w.system, pusher.PauseDestinationInput{DestinationID: to.id})
		allowed(err)
		note("pause %s: %v", to.id, err)
	case 6:
		until := time.Now().Add(w.offset).Add(time.Minute)
		_, err := w.pusher.PauseDestination(w.system, pusher.PauseDestinationInput{DestinationID: to.id, Until: &until})
		allowed(err)
		note("pause %s for a minute: %v", to.id, err)
	case 7:
		rate := 1000.0
		_, err := w.pusher.ResumeDestination(w.system, pusher.ResumeDestinationInput{DestinationID: to.id, Rate: &rate})
		require.NoError(w, err)
		note("resume %s", to.id)
	case 8, 9:
		if d := w.some(); d != nil {
			_, err := w.pusher.RetryDelivery(w.system, pusher.RetryDeliveryInput{DeliveryID: d.ID})
			allowed(err)
			note("retry %s: %v", d.ID, err)
		}
	case 10:
		if d := w.some(); d != nil {
			after, err := w.pusher.CancelDelivery(w.system, pusher.CancelDeliveryInput{DeliveryID: d.ID})
			allowed(err)
			w.canceled[d.ID] = w.canceled[d.ID] || err == nil && after.Status == delivery.StatusCanceled
			note("cancel %s: %v", d.ID, err)
		}
	case 11:
		if d := w.some(); d != nil {
			until := time.Now().Add(w.offset).Add(time.Minute)
			_, err := w.pusher.PostponeDelivery(w.system, pusher.PostponeDeliveryInput{DeliveryID: d.ID, Until: until})
			allowed(err)
			note("postpone %s: %v", d.ID, err)
		}
	case 12:
		w.torn = !w.torn
		note("attempts are torn: %v", w.torn)
	case 13:
		w.engine.wipe()
		w.core.Close()
		w.core = w.make()
		note("everything is killed, and the engine wiped")
	case 14:
		require.NoError(w, w.core.ReconcileOnce(w.Context()))
		note("reconcile")
	case 15, 16, 17:
		d := []time.Duration{time.Second, 10 * time.Second, 2 * time.Minute}[w.random.IntN(3)]
		w.pass(d)
		note("%s go by", d)
	}
	w.work(w.random.IntN(8))
}

// heal ends all trouble and lets everything come to rest.
func (w *world) heal() {
	w.torn = false
	for _, to := range w.to {
		to.set(200)
		rate := 1000.0
		_, err := w.pusher.ResumeDestination(w.system, pusher.ResumeDestinationInput{DestinationID: to.id, Rate: &rate})
		require.NoError(w, err)
	}
	for range 40 {
		w.work(1000)
		if w.db.Ent.Delivery.Query().Where(delivery.StatusIn(delivery.StatusPending, delivery.StatusDelivering,
			delivery.StatusRetrying, delivery.StatusParked)).CountX(w.system) == 0 {
			return
		}
		w.pass(time.Minute)
		require.NoError(w, w.core.ReconcileOnce(w.Context()))
	}
}

func play(t *testing.T, db *database.DB, seed uint64) {
	w := newWorld(t, db, seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what happened:\n%s", strings.Join(w.log, "\n"))
		}
	})
	for range moves {
		w.move()
	}
	w.heal()
	w.check()
	var seen []struct {
		Status string
		Count  int
	}
	w.db.Ent.Delivery.Query().GroupBy(delivery.FieldStatus).Aggregate(ent.Count()).ScanX(w.system, &seen)
	var did []struct {
		Kind, Actor string
		Count       int
	}
	w.db.Ent.Action.Query().GroupBy("kind", "actor").Aggregate(ent.Count()).ScanX(w.system, &did)
	t.Logf("deliveries %v, actions %v", seen, did)
}

// check compares every delivery with the model.
func (w *world) check() {
	receivers := map[string]*receiver{}
	for _, to := range w.to {
		receivers[to.id] = to
		d := w.db.Ent.Destination.GetX(w.system, to.id)
		require.EqualValues(w, "SENDING", d.State)
		require.False(w, d.Draining)
	}
	for _, d := range w.db.Ent.Delivery.Query().AllX(w.system) {
		attempts := w.db.Ent.Attempt.Query().Where(attempt.DeliveryID(d.ID)).Order(ent.Asc(attempt.FieldNumber)).AllX(w.system)
		require.Len(w, attempts, d.AttemptCount, "%s: every attempt is recorded, and counted", d.ID)
		var accepted, scheduled int
		for i, a := range attempts {
			require.Equal(w, i+1, a.Number, "%s: no number is left out", d.ID)
			switch {
			case a.Status != nil && *a.Status == 200:
				accepted++
				require.Equal(w, len(attempts), a.Number, "%s: nothing is sent after a success", d.ID)
			case (a.AskedBy == attempt.AskedBySchedule || a.AskedBy == attempt.AskedByReplay) && *a.Status != 410:
				scheduled++
			}
		}
		want := delivery.StatusSucceeded
		switch {
		case w.canceled[d.ID]:
			want = delivery.StatusCanceled
		case accepted == 0 && scheduled > len(waits):
			want = delivery.StatusFailed
		}
		require.Equal(w, want, d.Status, "%s to %s: %s", d.ID, d.DestinationID, d.Reason)
		require.Equal(w, want == delivery.StatusSucceeded, accepted == 1, d.ID)
		require.LessOrEqual(w, scheduled, len(waits)+1, d.ID)
		require.Nil(w, d.NextAttemptAt, d.ID)
		require.Nil(w, d.ParkedAt, d.ID)
		require.NotNil(w, d.SettledAt, d.ID)

		to := receivers[d.DestinationID]
		require.Equal(w, to.taken[d.EventID], accepted+to.lost[d.EventID], "%s: what the receiver took is what is known, and what was torn", d.ID)
	}
}
