package pusher_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/workflows"
)

const adminToken = "the-admin-token-of-these-tests"

// world is a pusher on a database of its own, with what it calls beside it.
type world struct {
	*pusher.Pusher
	db      *database.DB
	box     *secret.Box
	auth    *auth.Authenticator
	engine  *engine
	sender  *sender.Sender
	minter  id.Minter
	now     time.Time
	changed []string

	admin  context.Context
	system context.Context
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	w := &world{
		db: db, box: box, engine: &engine{},
		now:    time.Date(2030, 5, 6, 7, 8, 9, 123456000, time.UTC),
		admin:  auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin}),
		system: auth.AsSystem(t.Context()),
	}
	now := func() time.Time { return w.now }
	w.auth = auth.NewAuthenticator(db.Ent, auth.Options{AdminToken: adminToken, Now: now, Flush: time.Hour})
	t.Cleanup(w.auth.Close)
	w.sender = sender.New(sender.Options{Now: now, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(w.sender.Close)
	w.Pusher = pusher.New(pusher.Options{
		DB: db, Box: box, Auth: w.auth, Engine: w.engine, Sender: w.sender, Now: now,
		Changed: func(accountID string) { w.changed = append(w.changed, accountID) },
	})
	return w
}

// account makes an account and the context of a viewer with its first token.
func (w *world) account(t *testing.T, email string) (*ent.Account, context.Context) {
	t.Helper()
	a, secret, err := w.CreateAccount(w.admin, pusher.CreateAccountInput{Name: "Jane", Email: email})
	require.NoError(t, err)
	return a, w.as(t, secret)
}

// as is the context of a viewer with that token.
func (w *world) as(t *testing.T, secret string) context.Context {
	t.Helper()
	v, err := w.auth.Authenticate(t.Context(), secret)
	require.NoError(t, err)
	return auth.With(t.Context(), v)
}

func (w *world) destination(ctx context.Context, t *testing.T, accountID string) *ent.Destination {
	t.Helper()
	d, _, err := w.CreateDestination(ctx, pusher.CreateDestinationInput{AccountID: accountID, URL: "https://example.com/hook"})
	require.NoError(t, err)
	return d
}

// valid reports whether a token still opens the door.
func (w *world) valid(t *testing.T, secret string) bool {
	t.Helper()
	_, err := w.auth.Authenticate(t.Context(), secret)
	if err != nil {
		require.Equal(t, problem.Unauthenticated, problem.CodeOf(err))
	}
	return err == nil
}

func requireCode(t *testing.T, want problem.Code, err error) {
	t.Helper()
	require.Equal(t, want, problem.CodeOf(err), "%v", err)
}

func fieldsOf(err error) []string {
	var names []string
	for _, f := range problem.From(err).Fields {
		names = append(names, f.Name)
	}
	return names
}

// engine notes what it is told.
type engine struct {
	workflows.Engine
	mu         sync.Mutex
	woken      []string
	dispatched []workflows.Run
	dropped    []string // "<run> <delivery>"
	down       bool
}

func (e *engine) note(f func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
	if e.down {
		return errors.New("the engine is down")
	}
	return nil
}

func (e *engine) Wake(_ context.Context, loop string) error {
	return e.note(func() { e.woken = append(e.woken, loop) })
}

func (e *engine) Dispatch(_ context.Context, run workflows.Run) error {
	return e.note(func() { e.dispatched = append(e.dispatched, run) })
}

func (e *engine) Drop(_ context.Context, run, deliveryID string) error {
	return e.note(func() { e.dropped = append(e.dropped, run+" "+deliveryID) })
}

// forget empties what was noted.
func (e *engine) forget() { e.woken, e.dispatched, e.dropped = nil, nil, nil }

func (e *engine) requireSilent(t *testing.T) {
	t.Helper()
	require.Empty(t, e.woken)
	require.Empty(t, e.dispatched)
	require.Empty(t, e.dropped)
}

// event makes an event without deliveries.
func (w *world) event(accountID, payload string) *ent.Event {
	return w.db.Ent.Event.Create().SetID(w.minter.Events(w.now, 1)[0]).SetAccountID(accountID).SetPayload([]byte(payload)).
		SetEventType("order.paid").SetCreatedAt(w.now).SaveX(w.system)
}

// delivery makes a delivery of an event, which waits for its first attempt unless
// it is changed.
func (w *world) delivery(e *ent.Event, d *ent.Destination, change func(*ent.DeliveryCreate)) *ent.Delivery {
	n := w.db.Ent.Delivery.Query().Where(delivery.EventID(e.ID)).CountX(w.system)
	c := w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(e.ID, n)).SetAccountID(e.AccountID).SetEventID(e.ID).SetDestinationID(d.ID).
		SetRun("event/" + e.ID).SetNextAttemptAt(w.now).SetLeaseUntil(w.now).SetCreatedAt(w.now)
	if change != nil {
		change(c)
	}
	return c.SaveX(w.system)
}

// reload reads a delivery as it is stored.
func (w *world) reload(d *ent.Delivery) *ent.Delivery { return w.db.Ent.Delivery.GetX(w.system, d.ID) }

// did is what the audit log says of something since it was made: "RETRY admin: why".
func (w *world) did(subjectID string) []string {
	var all []string
	for _, a := range w.actions(subjectID) {
		if a.Kind == action.KindCreate {
			continue
		}
		all = append(all, string(a.Kind)+" "+a.Actor+": "+a.Reason)
	}
	return all
}

func (w *world) actions(subjectID string) []*ent.Action {
	return w.db.Ent.Action.Query().Where(action.SubjectID(subjectID)).Order(action.ByCreatedAt()).AllX(w.system)
}

// tokenID is the actor that a viewer is in the audit log.
func tokenID(ctx context.Context) string { return auth.From(ctx).TokenID }
