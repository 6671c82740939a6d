package graph_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// A list that is filtered by time is bounded by ids, and leaves nothing out.
func TestTimeBoundsAList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		heard, s := dbtest.Listen(db)
		w := newWorld(t, heard)
		acc, jane := w.account(t, "jane@example.com")
		d := w.destination(t, acc.ID)
		noon := w.now
		const step = 20 * time.Minute
		made := map[time.Duration]string{}
		for i := -12; i <= 12; i++ {
			w.now = noon.Add(time.Duration(i) * step)
			made[time.Duration(i)*step] = w.event(t, acc.ID, 1, d).ID
		}
		w.now = noon.Add(24 * time.Hour)
		for name, c := range map[string]struct {
			where string // %[1]s: three steps before noon, %[2]s: three after
			holds func(at time.Duration) bool
		}{
			"since":       {`createdAtGTE: %[1]q`, func(at time.Duration) bool { return at >= -3*step }},
			"after":       {`createdAtGT: %[1]q`, func(at time.Duration) bool { return at > -3*step }},
			"until":       {`createdAtLTE: %[2]q`, func(at time.Duration) bool { return at <= 3*step }},
			"before":      {`createdAtLT: %[2]q`, func(at time.Duration) bool { return at < 3*step }},
			"between":     {`createdAtGTE: %[1]q, createdAtLT: %[2]q`, func(at time.Duration) bool { return at >= -3*step && at < 3*step }},
			"with an id":  {`createdAtGTE: %[1]q, idGTE: %[3]q`, func(at time.Duration) bool { return at >= 0 }},
			"a wider one": {`createdAtGTE: %[1]q, idGTE: %[4]q`, func(at time.Duration) bool { return at >= -3*step }},
		} {
			for list, p := range map[string]id.Prefix{"events": id.Event, "deliveries": id.Delivery} {
				of := func(event string) string {
					if p == id.Delivery {
						return id.DeliveryOf(event, 0)
					}
					return event
				}
				where := fmt.Sprintf(c.where+"%.0[1]s%.0[2]s%.0[3]s%.0[4]s", noon.Add(-3*step).Format(time.RFC3339), noon.Add(3*step).Format(time.RFC3339), of(made[0]), of(made[-12*step]))
				var got []string
				ran := s.During(func() {
					for _, e := range w.do(jane, t, fmt.Sprintf(`{ %s(first: 100, where: {%s}) { edges { node { id } } } }`, list, where), nil).at(t, list, "edges").([]any) {
						got = append(got, e.(map[string]any)["node"].(map[string]any)["id"].(string))
					}
				})
				var want []string
				for i := -12; i <= 12; i++ {
					if at := time.Duration(i) * step; c.holds(at) {
						want = append(want, of(made[at]))
					}
				}
				require.Equal(t, want, got, "%s, %s", list, name)
				require.Len(t, ran, 1)
				require.Regexp(t, list+`.\..id. (>=|<) `, ran[0], name)
			}
		}
	})
}
