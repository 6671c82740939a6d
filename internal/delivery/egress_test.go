package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/delivery"
	"datapusher/internal/id"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// publicOnly has no networks allowed for every account.
func publicOnly(t testing.TB) func(*delivery.Options) {
	t.Helper()
	s := sender.New(sender.Options{})
	t.Cleanup(s.Close)
	return func(o *delivery.Options) { o.Sender = s }
}

// allow sets the networks of an account, as another process would.
func (w *world) allow(t testing.TB, account string, networks ...string) {
	t.Helper()
	text, err := json.Marshal(networks)
	require.NoError(t, err)
	w.exec(t, "UPDATE accounts SET allow_cidrs = $1 WHERE id = $2", string(text), account)
}

func TestAnAccountsNetworksAreItsOwn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, publicOnly(t))
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		other, joes := w.one(t, r.URL, 0)

		require.Equal(t, "blocked", w.attempt(t, run, d.ID).Result)
		w.allow(t, d.AccountID, "10.0.0.0/8", "127.0.0.0/8")
		w.Changed(d.AccountID)
		w.due(t, d.ID)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status, "a change is known at once")
		require.Len(t, r.Requests(), 1)

		// The connection is kept now; whoever else asks for the same host must not have it.
		require.Equal(t, "blocked", w.attempt(t, other, joes.ID).Result)
		require.Len(t, r.Requests(), 1)

		w.exec(t, "UPDATE deliveries SET status = 'RETRYING', run = $1 WHERE id = $2", run, d.ID)
		w.allow(t, d.AccountID)
		w.Changed(d.AccountID)
		w.due(t, d.ID)
		require.Equal(t, "blocked", w.attempt(t, run, d.ID).Result, "and so is its end, though a connection is kept")
		require.Len(t, r.Requests(), 1)
	})
}

func TestAChangeOfNetworksInAnotherProcessIsKnownASecondLater(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorld(t, dbtest.Postgres(t), publicOnly(t), func(o *delivery.Options) { o.Now = func() time.Time { return now } })
	r := receiver.New(t)
	run, d := w.one(t, r.URL, 0)
	w.attempt(t, run, d.ID)
	w.allow(t, d.AccountID, "127.0.0.0/8")
	now = now.Add(time.Second)
	w.due(t, d.ID)
	require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
}

func TestNetworksThatCannotBeReadStopTheAttempt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		w.allow(t, d.AccountID, "nonsense")
		_, err := w.Attempt(t.Context(), run, d.ID)
		require.ErrorContains(t, err, "the networks of account "+d.AccountID+" cannot be read")
		require.Empty(t, r.Requests())
	})
}

// Whoever chose the address must learn nothing of what is there.
func TestABlockedAttemptTellsNothingElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, publicOnly(t))
		r := receiver.New(t)
		run, d := w.one(t, r.URL, 0)
		o := w.attempt(t, run, d.ID)
		require.Equal(t, "blocked", o.Result)
		require.Zero(t, o.Millis)
		require.Equal(t, "blocked by egress policy", w.row(t, d.ID).Reason)
		require.Equal(t, []attempted{{ID: id.AttemptOf(d.ID, 1), Class: "blocked", Number: 1}}, w.attempts(t, d.ID))
		require.Zero(t, w.count(t, `attempts WHERE duration_us <> 0 OR dns_us <> 0 OR connect_us <> 0 OR tls_us <> 0
			OR first_byte_us <> 0 OR response_headers IS NOT NULL OR response_body IS NOT NULL OR status IS NOT NULL`))
	})
}
