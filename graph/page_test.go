package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// pageWorld has an account with 23 destinations, and an event to all of them.
func pageWorld(t *testing.T, db *database.DB) (*world, context.Context) {
	t.Helper()
	w := newWorld(t, db)
	acc, jane := w.account(t, "jane@example.com")
	e := w.event(t, acc.ID, 0)
	for i := range 23 {
		d := w.destination(t, acc.ID)
		w.db.Ent.Delivery.Create().SetID(id.DeliveryOf(e.ID, i)).SetAccountID(acc.ID).SetEventID(e.ID).SetDestinationID(d.ID).
			SetRun(fmt.Sprint("event/", i)).SaveX(w.system)
	}
	return w, jane
}

func TestEveryListHasAPage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, jane := pageWorld(t, db)
		for name, c := range map[string]struct {
			query     string
			variables map[string]any
			path      []any
			want      int
		}{
			"at the root":            {`{ destinations { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 20},
			"null":                   {`{ destinations(first: null, last: null) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 20},
			"first":                  {`{ destinations(first: 22) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 22},
			"last":                   {`{ destinations(last: 3) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 3},
			"last, first null":       {`{ destinations(first: null, last: 3) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 3},
			"100":                    {`{ destinations(first: 100) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 23},
			"nested":                 {`{ accounts { edges { node { destinations { edges { cursor } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 20},
			"nested, 22":             {`{ accounts { edges { node { destinations(first: 22) { edges { cursor } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 22},
			"nested, alias":          {`{ accounts { edges { node { d: destinations { edges { cursor } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "d", "edges"}, 20},
			"two levels":             {`{ accounts { edges { node { events { edges { node { deliveries { edges { node { id } } } } } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "events", "edges", 0, "node", "deliveries", "edges"}, 20},
			"fragment":               {`{ accounts { edges { node { ...F } } } } fragment F on Account { destinations { edges { cursor } } }`, nil, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 20},
			"inline fragment":        {`{ accounts { edges { node { ... on Account { destinations { edges { cursor } } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 20},
			"under node":             {`query($id: ID!) { node(id: $id) { ... on Event { deliveries { edges { cursor } } } } }`, map[string]any{"id": w.db.Ent.Event.Query().OnlyX(w.system).ID}, []any{"node", "deliveries", "edges"}, 20},
			"under a look-up":        {`query($id: ID!) { event(id: $id) { deliveries { edges { cursor } } } }`, map[string]any{"id": w.db.Ent.Event.Query().OnlyX(w.system).ID}, []any{"event", "deliveries", "edges"}, 20},
			"variable":               {`query($n: Int) { destinations(first: $n) { edges { cursor } } }`, map[string]any{"n": 21}, []any{"destinations", "edges"}, 21},
			"variable null":          {`query($n: Int) { destinations(first: $n) { edges { cursor } } }`, map[string]any{"n": nil}, []any{"destinations", "edges"}, 20},
			"variable absent":        {`query($n: Int) { destinations(first: $n) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 20},
			"variable default":       {`query($n: Int = 22) { destinations(first: $n) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 22},
			"variable nested":        {`query($n: Int) { accounts { edges { node { destinations(first: $n) { edges { cursor } } } } } }`, nil, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 20},
			"variable nested, 21":    {`query($n: Int) { accounts { edges { node { destinations(first: $n) { edges { cursor } } } } } }`, map[string]any{"n": 21}, []any{"accounts", "edges", 0, "node", "destinations", "edges"}, 21},
			"both variables":         {`query($n: Int, $m: Int) { destinations(first: $n, last: $m) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 20},
			"both, last given":       {`query($n: Int, $m: Int) { destinations(first: $n, last: $m) { edges { cursor } } }`, map[string]any{"m": 4}, []any{"destinations", "edges"}, 4},
			"last variable absent":   {`query($m: Int) { destinations(last: $m) { edges { cursor } } }`, nil, []any{"destinations", "edges"}, 20},
			"last variable given":    {`query($m: Int) { destinations(last: $m) { edges { cursor } } }`, map[string]any{"m": 5}, []any{"destinations", "edges"}, 5},
			"the variable elsewhere": {`query($n: Int) { destinations(first: $n) { edges { cursor } } deliveries(where: {attemptCountGT: $n}) { edges { cursor } } }`, nil, []any{"deliveries", "edges"}, 20},
		} {
			for range 2 { // parsed, then from the cache
				a := w.do(jane, t, c.query, c.variables)
				require.Len(t, a.at(t, c.path...), c.want, name)
			}
		}
		// The same document with other variables.
		const q = `query($n: Int) { destinations(first: $n) { edges { cursor } } }`
		for _, n := range []int{1, 22, 3} {
			require.Len(t, w.do(jane, t, q, map[string]any{"n": n}).at(t, "destinations", "edges"), n)
		}
		require.Len(t, w.do(jane, t, q, nil).at(t, "destinations", "edges"), 20)
	})
}

func TestPageSizesAreBounded(t *testing.T) {
	t.Parallel()
	w, jane := pageWorld(t, dbtest.SQLite(t))
	nested := `query($n: Int) { accounts { edges { node { destinations(%s) { edges { cursor } } } } } }`
	fragment := `query($n: Int) { accounts { edges { node { ...F } } } } fragment F on Account { d: destinations(%s) { totalCount } }`
	root := `query($n: Int) { destinations(%s) { edges { cursor } } }`
	for _, shape := range []string{root, nested, fragment} {
		for _, args := range []string{"first: 0", "first: -1", "first: 101", "last: 0", "last: 101", "first: 1, last: 1",
			"first: 99999999999999999999", "first: 2147483648"} {
			a := w.do(jane, t, fmt.Sprintf("query "+strings.TrimPrefix(shape, "query($n: Int)"), args), nil)
			require.Equal(t, "invalid", a.code(), "%s %s", args, a.Text)
			require.Nil(t, a.Data)
		}
		for _, n := range []any{0, -1, 101, 1e9, 1.5} {
			for _, name := range []string{"first", "last"} {
				a := w.do(jane, t, fmt.Sprintf(shape, name+": $n"), map[string]any{"n": n})
				require.Equal(t, "invalid", a.code(), "%s %v %s", name, n, a.Text)
			}
		}
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, jane := pageWorld(t, db)
		const q = `query($after: Cursor) { destinations(first: 10, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
			totalCount pageInfo { hasNextPage endCursor } edges { node { id } } } }`
		seen := map[string]bool{}
		var after any
		for range 3 {
			a := w.do(jane, t, q, map[string]any{"after": after})
			require.EqualValues(t, 23, a.at(t, "destinations", "totalCount"))
			for _, e := range a.at(t, "destinations", "edges").([]any) {
				seen[e.(map[string]any)["node"].(map[string]any)["id"].(string)] = true
			}
			require.Equal(t, len(seen) < 23, a.at(t, "destinations", "pageInfo", "hasNextPage"))
			after = a.at(t, "destinations", "pageInfo", "endCursor")
		}
		require.Len(t, seen, 23)

		for _, bad := range []any{"", "x", "gqFp2gAA", 7, "gqFpoA==", "gqFpo2R1cKF2xA==", "gqFpwKF2wA"} {
			a := w.do(jane, t, q, map[string]any{"after": bad})
			require.Equal(t, "invalid", a.code(), "%v %s", bad, a.Text)
		}
	})
}

// A page lies between its cursors, from whichever end it is taken.
func TestPagesBetweenCursors(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w, jane := pageWorld(t, db)
		page := func(args string) (cursors []any) {
			a := w.do(jane, t, `{ destinations(`+args+`) { edges { cursor } } }`, nil)
			for _, e := range a.at(t, "destinations", "edges").([]any) {
				cursors = append(cursors, e.(map[string]any)["cursor"])
			}
			return cursors
		}
		for _, order := range []string{"", ", orderBy: {field: CREATED_AT, direction: ASC}", ", orderBy: {field: CREATED_AT, direction: DESC}"} {
			all := page("first: 100" + order)
			after, before := fmt.Sprintf(", after: %q", all[4]), fmt.Sprintf(", before: %q", all[20])
			for args, want := range map[string][]any{
				"first: 3" + after: all[5:8], "last: 3" + after: all[20:23],
				"first: 3" + before: all[0:3], "last: 3" + before: all[17:20],
				"first: 3" + after + before: all[5:8], "last: 3" + after + before: all[17:20],
			} {
				require.Equal(t, want, page(args+order), "%s%s", args, order)
			}
		}
	})
}

// The parts of a list are what they are under any name.
func TestPartsOfAListHaveAliases(t *testing.T) {
	t.Parallel()
	w, jane := pageWorld(t, dbtest.SQLite(t))
	const list = `{ n: totalCount p: pageInfo { hasNextPage } a: edges { x: node { id } } b: edges { y: node { url z: deliveries { m: totalCount c: edges { cursor } } } } }`
	a := w.do(jane, t, `{ l: destinations(first: 2) `+list+` accounts { edges { node { l: destinations(first: 2) `+list+` } } } }`, nil)
	for _, at := range [][]any{{"l"}, {"accounts", "edges", 0, "node", "l"}} {
		require.EqualValues(t, 23, a.at(t, append(at, "n")...))
		require.Equal(t, true, a.at(t, append(at, "p", "hasNextPage")...))
		require.NotEmpty(t, a.at(t, append(at, "a", 1, "x", "id")...))
		require.NotEmpty(t, a.at(t, append(at, "b", 1, "y", "url")...))
		require.EqualValues(t, 1, a.at(t, append(at, "b", 1, "y", "z", "m")...))
		require.Len(t, a.at(t, append(at, "b", 1, "y", "z", "c")...), 1)
	}
}
