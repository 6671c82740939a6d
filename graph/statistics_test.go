package graph_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/delivery"
	"datapusher/ent/destination"
	"datapusher/graph"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/pusher"
	"datapusher/internal/statistics"
	"datapusher/internal/testutil/dbtest"
)

func TestStatistics(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		_, joe := w.account(t, "joe@example.com")
		d := w.destination(t, acc.ID)
		c := statistics.New(statistics.Options{DB: db, Now: func() time.Time { return w.now }, Every: -1})
		t.Cleanup(c.Close)
		c.Accepted([]string{acc.ID, acc.ID}, []statistics.Fanned{{Account: acc.ID, Destination: d.ID}, {Account: acc.ID, Destination: d.ID}})
		c.Attempted([]statistics.Attempt{
			{Account: acc.ID, Destination: d.ID, Event: w.minter.Events(w.now, 1)[0], Status: 200, Took: time.Millisecond, Ended: w.now.Add(2 * time.Millisecond), Succeeded: true},
			{Account: acc.ID, Destination: d.ID, Event: "x", Class: "timeout", Took: time.Second, Ended: w.now},
		})
		require.NoError(t, c.Flush(t.Context()))
		const figures = `figures { events deliveries attempts failedAttempts succeeded failed successRate
			attemptDuration { p50Ms p90Ms p95Ms p99Ms maxMs } deliveryDuration { p50Ms } }`
		const q = `query($a: ID, $d: ID) { statistics(accountID: $a, destinationID: $d, from: "2030-05-06T07:00:00Z", step: "5m") { from to step
			totals { events attempts successRate } buckets { at ` + figures + ` } results { status errorClass count }
			attemptDurations { fromMs toMs count } deliveryDurations { count }
			troubledDestinations(limit: 1) { destinationID destination { url } ` + figures + ` } } }`
		for who, args := range map[context.Context]map[string]any{w.admin: nil, jane: nil, scoped(t, acc, auth.Read): {"a": acc.ID, "d": d.ID}} {
			a := w.do(who, t, q, args)
			require.Equal(t, []any{"2030-05-06T07:00:00Z", "2030-05-06T07:10:00Z", "5m0s"},
				[]any{a.at(t, "statistics", "from"), a.at(t, "statistics", "to"), a.at(t, "statistics", "step")})
			require.Equal(t, map[string]any{"events": 2.0, "attempts": 2.0, "successRate": 0.5}, a.at(t, "statistics", "totals"))
			require.Len(t, a.at(t, "statistics", "buckets"), 2)
			require.Equal(t, "2030-05-06T07:05:00Z", a.at(t, "statistics", "buckets", 1, "at"))
			require.EqualValues(t, 1, a.at(t, "statistics", "buckets", 1, "figures", "failedAttempts"))
			require.Nil(t, a.at(t, "statistics", "buckets", 0, "figures", "attemptDuration"))
			require.Equal(t, []any{
				map[string]any{"status": 200.0, "errorClass": nil, "count": 1.0}, map[string]any{"status": nil, "errorClass": "timeout", "count": 1.0},
			}, a.at(t, "statistics", "results"))
			require.Equal(t, d.ID, a.at(t, "statistics", "troubledDestinations", 0, "destinationID"))
			require.Equal(t, d.URL, a.at(t, "statistics", "troubledDestinations", 0, "destination", "url"))
			require.InEpsilon(t, 1, a.at(t, "statistics", "attemptDurations", 0, "count"), 1e-9)
		}
		require.EqualValues(t, 0, w.do(joe, t, q, map[string]any{"a": acc.ID}).at(t, "statistics", "totals", "events"))
		require.NoError(t, w.pusher.DeleteDestination(jane, pusher.DeleteDestinationInput{ID: d.ID}))
		require.Nil(t, w.do(jane, t, q, nil).at(t, "statistics", "troubledDestinations", 0, "destination"), "it is history")

		for text, field := range map[string]string{
			`statistics(step: "30s") { from }`: "step", `statistics(from: "2031-01-01T00:00:00Z") { from }`: "from",
		} {
			a := w.do(jane, t, "{ "+text+" }", nil)
			require.Equal(t, "invalid", a.code(), a.Text)
			require.Equal(t, field, a.Errors[0].Extensions.Fields[0].Name)
		}
		for _, limit := range []int{0, 51} {
			require.Equal(t, "invalid", w.do(jane, t, fmt.Sprintf(`{ statistics { troubledDestinations(limit: %d) { destinationID } } }`, limit), nil).code())
		}
		require.Equal(t, "forbidden", w.do(scoped(t, acc, auth.Ingest), t, `{ statistics { from } }`, nil).code())
		require.Equal(t, "unauthenticated", w.do(t.Context(), t, `{ statistics { from } }`, nil).code())
	})
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		other, joe := w.account(t, "joe@example.com")
		d, d2, joes := w.destination(t, acc.ID), w.destination(t, acc.ID), w.destination(t, other.ID)
		var rows []*ent.DeliveryCreate
		for _, of := range []struct {
			d      *ent.Destination
			status delivery.Status
			n      int
		}{
			{d, delivery.StatusPending, 2}, {d, delivery.StatusDelivering, 1}, {d, delivery.StatusRetrying, 3}, {d, delivery.StatusParked, 4},
			{d, delivery.StatusSucceeded, 5}, {d2, delivery.StatusParked, 6}, {joes, delivery.StatusPending, 7}, {joes, delivery.StatusParked, 8},
			{d, delivery.StatusFailed, 1}, {joes, delivery.StatusCanceled, 1},
		} {
			for range of.n {
				self := w.minter.Events(w.now, 1)[0]
				rows = append(rows, db.Ent.Delivery.Create().SetID(id.DeliveryOf(self, 0)).SetAccountID(of.d.AccountID).SetEventID(self).
					SetDestinationID(of.d.ID).SetRun("").SetStatus(of.status))
			}
		}
		db.Ent.Delivery.CreateBulk(rows...).ExecX(w.system)
		for name, c := range map[string]struct {
			who  context.Context
			args string
			want [3]float64
		}{
			"all":                      {w.admin, "", [3]float64{10, 3, 18}},
			"an account, by admin":     {w.admin, fmt.Sprintf("(accountID: %q)", acc.ID), [3]float64{3, 3, 10}},
			"one's own":                {jane, "", [3]float64{3, 3, 10}},
			"joe's":                    {joe, "", [3]float64{7, 0, 8}},
			"a destination":            {jane, fmt.Sprintf("(destinationID: %q)", d2.ID), [3]float64{0, 0, 6}},
			"an account's destination": {jane, fmt.Sprintf("(accountID: %q, destinationID: %q)", acc.ID, d.ID), [3]float64{3, 3, 4}},
			"another's destination":    {jane, fmt.Sprintf("(destinationID: %q)", joes.ID), [3]float64{}},
			"another account":          {jane, fmt.Sprintf("(accountID: %q)", other.ID), [3]float64{}},
			"not its destination":      {w.admin, fmt.Sprintf("(accountID: %q, destinationID: %q)", acc.ID, joes.ID), [3]float64{}},
		} {
			b := w.do(c.who, t, "{ backlog"+c.args+" { pending retrying parked } }", nil).at(t, "backlog").(map[string]any)
			require.Equal(t, c.want, [3]float64{b["pending"].(float64), b["retrying"].(float64), b["parked"].(float64)}, name)
		}
		require.Equal(t, "forbidden", w.do(scoped(t, acc, auth.Ingest), t, `{ backlog { parked } }`, nil).code())
	})
}

// However much waits, a few statements count it, each no further than to 10,000.
func TestABacklogIsCountedByTheDatabase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		heard, s := dbtest.Listen(db)
		w := newWorld(t, heard)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		for range 21 {
			rows := make([]*ent.DeliveryCreate, 0, 500)
			for i, e := range w.minter.Events(w.now, 500) {
				rows = append(rows, db.Ent.Delivery.Create().SetID(id.DeliveryOf(e, 0)).SetAccountID(acc.ID).SetEventID(e).SetDestinationID(d.ID).
					SetRun("").SetStatus([]delivery.Status{delivery.StatusPending, delivery.StatusParked}[i%2]))
			}
			db.Ent.Delivery.CreateBulk(rows...).ExecX(w.system)
		}
		_, err := db.Write.ExecContext(t.Context(), "UPDATE deliveries SET status = 'PARKED'")
		require.NoError(t, err)
		for _, ctx := range []context.Context{w.admin, jane} {
			for _, args := range []string{"", fmt.Sprintf("(accountID: %q)", acc.ID), fmt.Sprintf("(destinationID: %q)", d.ID)} {
				var a answer
				all := s.During(func() { a = w.do(ctx, t, `{ backlog`+args+` { pending retrying parked } }`, nil) })
				require.Equal(t, map[string]any{"pending": 0.0, "retrying": 0.0, "parked": 10000.0}, a.at(t, "backlog"))
				require.Len(t, all, 3)
				for _, one := range all {
					require.Regexp(t, `(?i)COUNT\(.*LIMIT 10000`, one)
				}
			}
		}
	})
}

func TestHealthTimeline(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		began := w.now
		spans := func() (all []string) {
			for _, s := range w.do(jane, t, `query($id: ID!) { destination(id: $id) { health { timeline { state from to reason actor } } } }`,
				map[string]any{"id": d.ID}).at(t, "destination", "health", "timeline").([]any) {
				m := s.(map[string]any)
				all = append(all, fmt.Sprint(m["state"], " ", m["from"], " ", m["to"], " ", m["reason"], " ", m["actor"]))
			}
			return all
		}
		made := db.Ent.Destination.GetX(w.system, d.ID).CreatedAt.UTC().Format(time.RFC3339Nano)
		require.Equal(t, []string{"SENDING " + made + " <nil> <nil> <nil>"}, spans())

		at := func(minutes int) string { return began.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
		for i, change := range []func() error{
			func() error {
				return third(w.pusher.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID, Reason: new("deploy")}))
			},
			func() error {
				return third(w.pusher.PauseDestination(jane, pusher.PauseDestinationInput{DestinationID: d.ID, Reason: new("longer")}))
			},
			func() error {
				return third(w.pusher.ResumeDestination(jane, pusher.ResumeDestinationInput{DestinationID: d.ID}))
			},
			func() error {
				return third(w.pusher.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Name: new("shop")}))
			},
			func() error {
				return third(w.pusher.UpdateDestination(jane, pusher.UpdateDestinationInput{ID: d.ID, Enabled: new(false)}))
			},
		} {
			w.now = began.Add(time.Duration(i+1) * time.Minute)
			require.NoError(t, change())
		}
		want := []string{
			"SENDING " + made + " " + at(1) + " <nil> <nil>",
			"PAUSED " + at(1) + " " + at(3) + " deploy tok_test",
			"SENDING " + at(3) + " " + at(5) + " <nil> tok_test",
		}
		got := spans()
		require.Equal(t, want, got[:3])
		require.Len(t, got, 4)
		require.Contains(t, got[3], "DISABLED "+at(5)+" <nil>")

		// What the log does not tell is told all the same.
		db.Ent.Destination.UpdateOneID(d.ID).SetState(destination.StateOpen).SetStateSince(began.Add(time.Hour)).SetReason("503").ExecX(w.system)
		got = spans()
		require.Equal(t, "OPEN "+at(60)+" <nil> 503 <nil>", got[4])
		require.Contains(t, got[3], "DISABLED "+at(5)+" "+at(60))

		// And of more changes than are told, the newest.
		var rows []*ent.ActionCreate
		for i := range 250 {
			rows = append(rows, db.Ent.Action.Create().SetID(id.New(id.Action, w.now.Add(time.Duration(i+1)*time.Minute))).SetAccountID(acc.ID).SetSubjectID(d.ID).SetActor("system").
				SetKind([]action.Kind{action.KindOpen, action.KindClose}[i%2]).SetCreatedAt(w.now.Add(time.Duration(i+1)*time.Minute)).
				SetBefore([]byte(`{"state":"x"}`)).SetAfter([]byte(`{"state":"`+[]string{"OPEN", "SENDING"}[i%2]+`"}`)))
		}
		db.Ent.Action.CreateBulk(rows...).ExecX(w.system)
		require.Len(t, spans(), 201, "the last is the present one")
	})
}

func third[A any](_ A, err error) error { return err }

func TestTheSystemIsTheOperatorsToSee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var counter *statistics.Counter
		w := newWorld(t, db, func(o *graph.Options) {
			counter = statistics.New(statistics.Options{DB: db, Now: o.Now, Every: -1})
			t.Cleanup(counter.Close)
			o.Statistics = counter
			o.System = graph.SystemFacts{
				Version: "v9", Commit: "abc", GoVersion: "go1.26", StartedAt: o.Now(), EngineName: "temporal", EngineURL: "https://ui.example.com",
			}
		})
		acc, jane := w.account(t, "jane@example.com")
		require.NotNil(t, acc)
		const q = `{ system { version commit goVersion startedAt now backlog { pending retrying parked }
			database { kind version clockOffsetMs roundTripMs sizeBytes } engine { name ready error url } processes { id startedAt lastSeenAt current } } }`
		a := w.do(w.admin, t, q, nil)
		require.Equal(t, []any{"v9", "abc", "go1.26", "2030-05-06T07:08:09Z"}, []any{
			a.at(t, "system", "version"), a.at(t, "system", "commit"), a.at(t, "system", "goVersion"), a.at(t, "system", "now"),
		})
		kind, name := "SQLITE", "SQLite 3"
		if db.Postgres() {
			kind, name = "POSTGRES", "PostgreSQL 1"
		}
		require.Equal(t, kind, a.at(t, "system", "database", "kind"))
		require.Contains(t, a.at(t, "system", "database", "version"), name)
		require.Greater(t, a.at(t, "system", "database", "sizeBytes"), 1000.0)
		require.Equal(t, map[string]any{"name": "temporal", "ready": true, "error": nil, "url": "https://ui.example.com"}, a.at(t, "system", "engine"))
		require.Equal(t, []any{map[string]any{
			"id": counter.Writer(), "startedAt": "2030-05-06T07:08:09Z", "lastSeenAt": "2030-05-06T07:08:09Z", "current": true,
		}}, a.at(t, "system", "processes"))
		w.engine.away = "the server does not answer"
		require.Equal(t, map[string]any{"name": "temporal", "ready": false, "error": "the server does not answer", "url": "https://ui.example.com"},
			w.do(w.admin, t, q, nil).at(t, "system", "engine"))

		require.Equal(t, "forbidden", w.do(jane, t, q, nil).code())
		require.Equal(t, "unauthenticated", w.do(t.Context(), t, q, nil).code())
	})
}

func TestPortalLinks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		const q = `mutation($a: ID!) { createPortalLink(input: {accountID: $a, scopes: [MANAGE], expiresIn: "1h"}) { id url expiresAt } }`
		a := w.do(w.admin, t, q, map[string]any{"a": acc.ID})
		require.Regexp(t, `^http://example\.com/portal#dpl_[A-Za-z0-9]{43}$`, a.at(t, "createPortalLink", "url"))
		require.Equal(t, "2030-05-06T08:08:09Z", a.at(t, "createPortalLink", "expiresAt"))
		linkID := a.at(t, "createPortalLink", "id")
		a = w.do(w.admin, t, `mutation($a: ID!, $l: ID) { revokePortalLinks(input: {accountID: $a, linkID: $l}) { links sessions } }`,
			map[string]any{"a": acc.ID, "l": linkID})
		require.Equal(t, map[string]any{"links": 1.0, "sessions": 0.0}, a.at(t, "revokePortalLinks"))
		require.Equal(t, "forbidden", w.do(jane, t, q, map[string]any{"a": acc.ID}).code())

		public := newWorld(t, db, func(o *graph.Options) { o.PublicURL = "https://push.example.com" })
		require.Contains(t, public.do(w.admin, t, q, map[string]any{"a": acc.ID}).at(t, "createPortalLink", "url"), "https://push.example.com/portal#dpl_")
	})
}

func TestViewerTellsOfTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	acc, jane := w.account(t, "jane@example.com")
	const q = `{ viewer { kind session expiresAt account { id } } }`
	require.Equal(t, map[string]any{"kind": "ACCOUNT", "session": false, "expiresAt": nil, "account": map[string]any{"id": acc.ID}},
		w.do(jane, t, q, nil).at(t, "viewer"))
	browser := auth.With(t.Context(), &auth.Viewer{
		Kind: auth.Account, AccountID: acc.ID, SessionID: "ses_1", Scopes: []auth.Scope{auth.Read}, ExpiresAt: w.now,
	})
	require.Equal(t, map[string]any{"kind": "ACCOUNT", "session": true, "expiresAt": "2030-05-06T07:08:09Z", "account": map[string]any{"id": acc.ID}},
		w.do(browser, t, q, nil).at(t, "viewer"))
}
