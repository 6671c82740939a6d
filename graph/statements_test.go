package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/keyed"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// manyWorld has more than a page of everything that lists show: of events with two
// deliveries each, and of deliveries with two attempts each.
func manyWorld(t *testing.T, db *database.DB) (*world, context.Context) {
	t.Helper()
	w := newWorld(t, db)
	acc, jane := w.account(t, "jane@example.com")
	first, second := w.destination(t, acc.ID), w.destination(t, acc.ID)
	for range 20 {
		w.destination(t, acc.ID)
	}
	for range 22 {
		e := w.event(t, acc.ID, 2, first, second)
		w.db.Ent.Action.Create().SetAccountID(acc.ID).SetSubjectID(e.ID).SetKind(action.KindReplay).SetActor("admin").ExecX(w.system)
		w.db.Ent.Replay.Create().SetAccountID(acc.ID).SetActor("admin").SetFromTime(w.now).SetToTime(w.now).
			SetRate(1).SetMatched(1).ExecX(w.system)
	}
	for i := range 20 {
		w.account(t, fmt.Sprintf("other%d@example.com", i))
	}
	return w, jane
}

// A page takes as many statements as it has levels, however long it is.
func TestAListTakesAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	const info = `pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`
	lists := map[string]struct {
		query string // %[1]d is the size of the page
		want  int
	}{
		"accounts":             {`{ accounts(first: %[1]d) { ` + info + ` edges { cursor node { id name } } } }`, 1},
		"destinations":         {`{ destinations(first: %[1]d) { ` + info + ` edges { node { id url } } } }`, 1},
		"events":               {`{ events(first: %[1]d) { ` + info + ` edges { node { id payload } } } }`, 1},
		"events, newest first": {`{ events(first: %[1]d, orderBy: {field: CREATED_AT, direction: DESC}) { ` + info + ` edges { node { id } } } }`, 1},
		"events, backwards":    {`{ events(last: %[1]d) { ` + info + ` edges { node { id } } } }`, 1},
		"events, counted":      {`{ events(first: %[1]d) { totalCount ` + info + ` edges { node { id } } } }`, 2},
		"only counted":         {`{ events(first: %[1]d) { totalCount } }`, 1},
		"deliveries":           {`{ deliveries(first: %[1]d) { ` + info + ` edges { node { id status } } } }`, 1},
		"replays":              {`{ replays(first: %[1]d) { ` + info + ` edges { node { id status } } } }`, 1},
		"actions":              {`{ actions(first: %[1]d) { ` + info + ` edges { node { id kind } } } }`, 1},
		"filtered": {`{ deliveries(first: %[1]d, where: {status: RETRYING, hasAttemptsWith: [{status: 503}], hasEventWith: [{eventTypeIsNil: true}]}) {
			edges { node { id } } } }`, 1},
		"the events page": {`{ events(first: %[1]d, orderBy: {field: CREATED_AT, direction: DESC}, where: {createdAtGTE: "2030-05-01T00:00:00Z",
			createdAtLT: "2030-05-31T00:00:00Z", eventTypeIsNil: true, hasDeliveriesWith: [{statusIn: [RETRYING, FAILED], destinationIDNEQ: "dst_x"}]}) {
			` + info + ` edges { node { id eventType createdAt } } } }`, 1},
		"filtered by an edge": {`{ events(first: %[1]d, where: {hasDeliveriesWith: [{status: RETRYING, hasAttempts: true}]}) { edges { node { id } } } }`, 1},
		"up":                  {`{ deliveries(first: %[1]d) { edges { node { id event { id account { id } } destination { url } } } } }`, 4},
		"down": {`{ events(first: %[1]d) { edges { node { deliveries(first: %[1]d) { ` + info + ` edges { node { attempts(first: %[1]d) { ` + info + `
			edges { node { number } } } } } } } } } }`, 3},
		"down, backwards": {`{ events(first: %[1]d) { edges { node { deliveries(last: %[1]d) { edges { node { id } } } } } } }`, 2},
		"down, counted": {`{ events(first: %[1]d) { edges { node { deliveries(first: %[1]d) { totalCount edges { node { id
			attempts(first: %[1]d) { totalCount } } } } } } } }`, 4},
		"of a destination": {`{ destinations(first: %[1]d) { edges { node { deliveries(first: %[1]d) { totalCount edges { node { id } } } } } } }`, 3},
		"of an account": {`{ accounts(first: %[1]d) { edges { node { tokens(first: 5) { edges { node { id } } } events(first: %[1]d) { edges { node { id } } }
			destinations(first: %[1]d) { edges { node { id } } } } } } }`, 4},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		heard, s := dbtest.Listen(db)
		w, jane := manyWorld(t, heard)
		for name, l := range lists {
			for _, ctx := range []context.Context{jane, w.admin} {
				for _, size := range []int{1, 20} {
					all := s.During(func() {
						require.Empty(t, w.do(ctx, t, fmt.Sprintf(l.query, size), nil).Errors, name)
					})
					require.Len(t, all, l.want, "%s, a page of %d:\n%s", name, size, strings.Join(all, "\n"))
					for _, one := range all {
						require.NotContains(t, strings.ToUpper(one), "OFFSET", name)
						require.NotRegexp(t, `= .attempts.\..delivery_id|= .deliveries.\..event_id`, one, "%s does not go by key", name)
						if !strings.Contains(l.query, "totalCount") {
							require.NotContains(t, strings.ToUpper(one), "COUNT(", "%s counts what nobody asked for", name)
						}
					}
				}
			}
		}
	})
}

// The rows of an edge are those in the range of their keys.
func TestEdgesAreReadByKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d, other := w.destination(t, acc.ID), w.destination(t, acc.ID)
		plain, e, empty := w.event(t, acc.ID, 1, d), w.event(t, acc.ID, 3, d, other), w.event(t, acc.ID, 0)
		w.event(t, acc.ID, 1, d)

		ids := func(a answer, path ...any) (all []string) {
			for _, edge := range a.at(t, append(path, "edges")...).([]any) {
				all = append(all, edge.(map[string]any)["node"].(map[string]any)["id"].(string))
			}
			return all
		}
		one, two := id.DeliveryOf(e.ID, 0), id.DeliveryOf(e.ID, 1)
		a := w.do(jane, t, `query($id: ID!) { deliveries(where: {eventID: $id}) { edges { node { id } } } }`, map[string]any{"id": e.ID})
		require.Equal(t, []string{one, two}, ids(a, "deliveries"))
		a = w.do(jane, t, `query($ids: [ID!]) { deliveries(where: {eventIDIn: $ids}) { totalCount edges { node { id } } } }`,
			map[string]any{"ids": []string{e.ID, plain.ID, empty.ID, "evt_x"}})
		require.Equal(t, []string{id.DeliveryOf(plain.ID, 0), one, two}, ids(a, "deliveries"))
		require.EqualValues(t, 3, a.at(t, "deliveries", "totalCount"))
		a = w.do(jane, t, `{ deliveries(where: {eventID: "evt_x"}) { edges { node { id } } } }`, nil)
		require.Empty(t, ids(a, "deliveries"))
		a = w.do(jane, t, `{ events(where: {not: {hasDeliveries: true}}) { edges { node { id } } } }`, nil)
		require.Equal(t, []string{empty.ID}, ids(a, "events"))
		a = w.do(jane, t, `{ events(where: {hasDeliveriesWith: [{hasAttemptsWith: [{number: 3}]}]}) { edges { node { id } } } }`, nil)
		require.Equal(t, []string{e.ID}, ids(a, "events"))

		// Each parent has its own page, in its order, and its own total.
		a = w.do(jane, t, `{ events { edges { node { deliveries(last: 1) { totalCount edges { node { id
			attempts(first: 2, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount pageInfo { hasNextPage } edges { node { id } } } } } } } } } }`, nil)
		require.Equal(t, []string{two}, ids(a, "events", "edges", 1, "node", "deliveries"))
		require.EqualValues(t, 2, a.at(t, "events", "edges", 1, "node", "deliveries", "totalCount"))
		attempts := []any{"events", "edges", 1, "node", "deliveries", "edges", 0, "node", "attempts"}
		require.Equal(t, []string{id.AttemptOf(two, 3), id.AttemptOf(two, 2)}, ids(a, attempts...))
		require.EqualValues(t, 3, a.at(t, append(attempts, "totalCount")...))
		require.Equal(t, true, a.at(t, append(attempts, "pageInfo", "hasNextPage")...))
		require.Empty(t, ids(a, "events", "edges", 2, "node", "deliveries"))
	})
}

// A total is counted so far and no further.
func TestTotalsAreBounded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		for from := 0; from <= keyed.MaxCount; from += 500 {
			rows := make([]*ent.DeliveryCreate, 0, 500)
			for _, e := range w.minter.Events(w.now, 500) {
				rows = append(rows, db.Ent.Delivery.Create().SetID(id.DeliveryOf(e, 0)).SetAccountID(acc.ID).SetEventID(e).
					SetDestinationID(d.ID).SetRun(""))
			}
			db.Ent.Delivery.CreateBulk(rows...).ExecX(w.system)
		}
		a := w.do(jane, t, `{ deliveries { totalCount } destinations { edges { node { deliveries { totalCount pageInfo { hasNextPage } } } } } }`, nil)
		require.EqualValues(t, keyed.MaxCount, a.at(t, "deliveries", "totalCount"))
		require.EqualValues(t, keyed.MaxCountEach, a.at(t, "destinations", "edges", 0, "node", "deliveries", "totalCount"))
	})
}
