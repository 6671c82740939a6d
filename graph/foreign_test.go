package graph_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/action"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/ent/migrate"
	"datapusher/ent/replay"
	"datapusher/ent/token"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// fullRowsOf are the ids of an account's rows, one of each type, with something in
// everything that a filter knows. The word tells them from another account's.
func (w *world) fullRowsOf(t *testing.T, a *ent.Account, word string) map[string]string {
	t.Helper()
	c, now := w.db.Ent, w.now
	a.Update().SetName(word).SetWebsite("https://" + word + ".example.com").ExecX(w.system)
	d := w.destination(t, a.ID).Update().SetName(word).SetReason(word).SetPausedUntil(now).SaveX(w.system)
	e := c.Event.Create().SetID(w.minter.Events(now, 1)[0]).SetAccountID(a.ID).SetPayload([]byte(`"` + word + `"`)).SetCreatedAt(now).
		SetEventType(word).SetIdempotencyKey(word).SetReplayOf(id.New(id.Event, now)).SetReplayID(id.New(id.Replay, now)).SaveX(w.system)
	dlv := c.Delivery.Create().SetID(id.DeliveryOf(e.ID, 0)).SetAccountID(a.ID).SetEventID(e.ID).SetDestinationID(d.ID).
		SetRun("event/" + e.ID).SetStatus(delivery.StatusParked).SetReason(word).SetAttemptCount(1).SetNextAttemptAt(now).
		SetParkedAt(now).SetSettledAt(now).SetCreatedAt(now).SaveX(w.system)
	att := c.Attempt.Create().SetID(id.AttemptOf(dlv.ID, 1)).SetAccountID(a.ID).SetDeliveryID(dlv.ID).SetNumber(1).SetStatus(503).
		SetErrorClass(word).SetStartedAt(now).SetDurationUs(1500).SetAskedBy(attempt.AskedByOperator).SetResponseBody([]byte(word)).SaveX(w.system)
	r := c.Replay.Create().SetAccountID(a.ID).SetActor(word).SetReason(word).SetDestinationID(d.ID).SetFromTime(now).SetToTime(now).
		SetEventType(word).SetRate(2).SetMatched(1).SetStatus(replay.StatusPaused).SetFinishedAt(now).SaveX(w.system)
	act := c.Action.Create().SetAccountID(a.ID).SetSubjectID(dlv.ID).SetKind(action.KindRetry).SetActor(word).SetReason(word).
		SetAddress("192.0.2.7").SetRequestID(word).SaveX(w.system)
	tok := c.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system)
	tok.Update().SetName(word).SetLastUsedAt(now).SetExpiresAt(now).SetRevokedAt(now).ExecX(w.system)
	for i, subject := range []string{a.ID, d.ID} {
		row := c.Statistic.Create().SetID(fmt.Sprintf("%s/m/%010d/%s", subject, now.Unix()/60, word)).SetAccountID(a.ID).SetHourly(false).
			SetAt(now.Truncate(time.Minute)).SetWriter(word).SetAttempts(7).SetFailedAttempts(7).SetUpdatedAt(now).
			SetDetail(`{"c":{"` + word + `":7}}`)
		if i == 1 {
			row.SetDestinationID(d.ID)
		}
		row.ExecX(w.system)
	}
	return map[string]string{
		"Account": a.ID, "Token": tok.ID, "Destination": d.ID, "Event": e.ID, "Delivery": dlv.ID, "Attempt": att.ID,
		"Replay": r.ID, "Action": act.ID,
	}
}

// cross plants rows of one account that name another's. Nothing makes such.
func (w *world) cross(of, to map[string]string) {
	c, acc, now := w.db.Ent, of["Account"], w.now
	e := c.Event.Create().SetID(w.minter.Events(now, 1)[0]).SetAccountID(acc).SetPayload([]byte("1")).SetCreatedAt(now).
		SetReplayOf(to["Event"]).SetReplayID(to["Replay"]).SaveX(w.system)
	for _, event := range []string{e.ID, to["Event"]} {
		c.Delivery.Create().SetID(id.DeliveryOf(event, 1)).SetAccountID(acc).SetEventID(event).SetDestinationID(to["Destination"]).
			SetRun("").SetStatus(delivery.StatusParked).SetAttemptCount(2).SetCreatedAt(now).ExecX(w.system)
	}
	c.Attempt.Create().SetID(id.AttemptOf(to["Delivery"], 2)).SetAccountID(acc).SetDeliveryID(to["Delivery"]).SetNumber(2).
		SetStatus(200).SetStartedAt(now).SetDurationUs(1).ExecX(w.system)
	c.Replay.Create().SetAccountID(acc).SetActor("admin").SetDestinationID(to["Destination"]).SetFromTime(now).SetToTime(now).
		SetRate(1).SetMatched(1).ExecX(w.system)
	c.Action.Create().SetAccountID(acc).SetSubjectID(to["Delivery"]).SetKind(action.KindCancel).SetActor("admin").ExecX(w.system)
}

// owned are the tables whose rows name their account, and how.
func owned() map[string]string {
	all := map[string]string{account.Table: account.FieldID}
	for _, t := range migrate.Tables {
		if t.HasColumn("account_id") {
			all[t.Name] = "account_id"
		}
	}
	return all
}

// forget deletes everything of an account, as if it had never been.
func (w *world) forget(t *testing.T, accountID string) {
	t.Helper()
	unlock := []string{"DROP TRIGGER actions_not_deleted"} // the audit log has never been either
	if w.db.Postgres() {
		unlock = []string{"ALTER TABLE actions DISABLE TRIGGER actions_append_only"}
	}
	for _, statement := range unlock {
		_, err := w.db.Write.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	for _, last := range []bool{false, true} { // accounts after what refers to them
		for table, column := range owned() {
			if (table == account.Table) == last {
				_, err := w.db.Write.ExecContext(t.Context(), "DELETE FROM "+table+" WHERE "+column+" = $1", accountID)
				require.NoError(t, err)
			}
		}
	}
}

// Whatever one asks, another account's rows are not there: every answer is the same
// text, and takes the same statements, as when they have never been.
func TestForeignRowsAreAsIfTheyWereNot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		db, heard := dbtest.Listen(db)
		w := newWorld(t, db)
		ja, jane := w.account(t, "jane@example.com")
		jo, _ := w.account(t, "joe@example.org")
		janes, joes := w.fullRowsOf(t, ja, "jane"), w.fullRowsOf(t, jo, "planted-marker")
		w.cross(janes, joes)
		w.cross(joes, janes)
		p := newProber(t, janes, joes)
		p.look(t, func(query string) answer { return w.do(w.admin, t, query, nil) })
		probes := p.all(t)

		var texts, controls []string
		for _, one := range probes {
			texts = append(texts, one.text)
			if one.control != "" {
				controls = append(controls, one.control)
			}
		}
		for i, a := range ask(w.admin, t, w, controls, heard.ShapesDuring) {
			for j := range min(together, len(controls)-i*together) {
				require.NotZero(t, found(a.data[fmt.Sprint("p", j)]), "nothing is to be found: %s", controls[i*together+j])
			}
		}
		there := ask(jane, t, w, texts, heard.ShapesDuring)
		for i, a := range there {
			require.NotContains(t, a.text, "planted-marker", "%q", texts[i*together:min((i+1)*together, len(texts))])
			require.NotContains(t, a.text, "joe@example.org")
			for j := range min(together, len(texts)-i*together) {
				if one := probes[i*together+j]; one.nothing {
					require.Zero(t, found(a.data[fmt.Sprint("p", j)]), "%s: %s", one.text, a.text)
				}
			}
		}
		w.forget(t, jo.ID)
		for i, gone := range ask(jane, t, w, texts, heard.ShapesDuring) {
			asked := texts[i*together : min((i+1)*together, len(texts))]
			require.Equal(t, gone.text, there[i].text, "%q", asked)
			require.Equal(t, gone.shapes, there[i].shapes, "other statements: %q", asked)
		}
		t.Logf("%d cross-tenant probes, 0 foreign rows; %d of them find the rows as an administrator", len(probes), len(controls))
	})
}

// found is how much a probe found: the total of its list, or its rows.
func found(v any) int {
	if total := find(v, "totalCount"); total != nil {
		return int(total.(float64))
	}
	if find(v, "id") != nil {
		return 1
	}
	return 0
}

// namesNothing are the mutations that name nothing that exists.
var namesNothing = []string{"createAccount"}

// operatorsAlone are the mutations that no account may call, whatever they name.
var operatorsAlone = []string{"setAccountEgress", "createPortalLink", "revokePortalLinks"}

// filters are what mutations name to look for: nothing matches, and that is no error.
var filters = []string{"replayEvents filter.destinationID"}

// Whatever a mutation names, a foreign id is answered like a missing one, with the
// same statements, and changes nothing.
func TestMutationsAnswerForeignIDsLikeMissingOnes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		db, heard := dbtest.Listen(db)
		w := newWorld(t, db)
		ja, jane := w.account(t, "jane@example.com")
		jo, _ := w.account(t, "joe@example.org")
		janes, joes := w.rowsOf(t, ja), w.rowsOf(t, jo)
		p := newProber(t, janes, joes)
		before, probes := w.dump(t, jo.ID), 0
		for _, m := range p.schema.Mutation.Fields {
			input := p.schema.Types[m.Arguments.ForName("input").Type.Name()]
			paths := p.references(input, "")
			require.Equal(t, slices.Contains(namesNothing, m.Name), len(paths) == 0, "%s: what does it name?", m.Name)
			for _, path := range paths {
				for _, foreign := range joes {
					run := func(of string) (a answer, shapes []string) {
						query := fmt.Sprintf(`mutation { %s(input: %s) { __typename } }`, m.Name, p.input(input, "", path, of))
						shapes = heard.ShapesDuring(func() { a = w.do(jane, t, query, nil) })
						return a, shapes
					}
					name := m.Name + " " + path
					there, ran := run(foreign)
					missing, runs := run(id.New(id.Prefix(foreign[:3]), w.now))
					require.Equal(t, missing.Text, there.Text, "%s %s", name, foreign)
					require.Equal(t, runs, ran, "%s %s runs other statements", name, foreign)
					switch {
					case slices.Contains(operatorsAlone, m.Name):
						require.Equal(t, "forbidden", there.code(), "%s %s: %s", name, foreign, there.Text)
					case !slices.Contains(filters, name):
						require.Equal(t, "not_found", there.code(), "%s %s: %s", name, foreign, there.Text)
					}
					probes++
				}
			}
		}
		require.Equal(t, before, w.dump(t, jo.ID))
		t.Logf("%d cross-tenant mutations, 0 foreign rows changed", probes)
	})
}

// dump is all that is stored of an account.
func (w *world) dump(t *testing.T, accountID string) (all []string) {
	t.Helper()
	for table, column := range owned() {
		rows, err := w.db.Read.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE "+column+" = $1", accountID)
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			all = append(all, fmt.Sprint(table, values))
		}
		require.NoError(t, rows.Err())
	}
	slices.Sort(all)
	return all
}
