package breaker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// storable are standings as the machine makes them, and one with everything at its
// longest. Each follows another one: what it does not have has to go from the row.
func storable() map[string]breaker.Standing {
	now := epoch.Add(123456 * time.Microsecond)
	long := make([]string, breaker.Threshold)
	for i := range long {
		long[i] = id.New(id.Delivery, now)
	}
	opened := failing(fresh, now, long...)
	probed := opened.Failed(now, breaker.Failure{Delivery: long[0], Probe: true}, breaker.DefaultDisableAfter)
	return map[string]breaker.Standing{
		"new":      fresh,
		"failing":  failing(fresh, now, "a", "b"),
		"open":     opened,
		"probed":   probed,
		"draining": probed.Succeeded(now),
		"rate":     probed.Resume(now, 12.5),
		"drained":  probed.Resume(now, 12.5).Drained(),
		"paused":   probed.Pause(now, time.Time{}, ""),
		"until":    fresh.Pause(now, now.Add(time.Hour), "maintenance"),
		"gone":     probed.Gone(now),
		"disabled": fresh.Disable(now, breaker.ReasonOwner),
		"elsewhere": {
			State: breaker.Open, Reason: strings.Repeat("r", 200), Since: now.In(time.FixedZone("elsewhere", 3600)),
			Failing: long, FailingSince: now, ProbeAt: now, Probes: 1 << 30, Probed: long[1],
		},
	}
}

func TestARowKeepsAStanding(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := newDestination(t, db)
		system := auth.AsSystem(t.Context())
		require.True(t, fresh.Equal(breaker.Of(db.Ent.Destination.GetX(system, d))), "a new row is a new standing")
		all := storable()
		for from, before := range all {
			for to, after := range all {
				for _, s := range []breaker.Standing{before, after} {
					u := db.Ent.Destination.UpdateOneID(d)
					s.Set(u)
					u.ExecX(system)
				}
				row := db.Ent.Destination.GetX(system, d)
				got := breaker.Of(row)
				require.True(t, after.Equal(got), "%s after %s:\n%s\n%s", to, from, show(after, epoch), show(got, epoch))
				require.Equal(t, after.Enabled(), row.Enabled)
				require.Equal(t, destination.State(after.State), row.State)
			}
		}
	})
}

// Postgres knows no nanoseconds: what was computed is read a little earlier, the
// same on both databases, and never later than it was.
func TestARowKeepsMicroseconds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := newDestination(t, db)
		system := auth.AsSystem(t.Context())
		u := db.Ent.Destination.UpdateOneID(d)
		open(epoch.Add(1999)).Set(u)
		u.ExecX(system)
		want := open(epoch.Add(time.Microsecond))
		got := breaker.Of(db.Ent.Destination.GetX(system, d))
		require.True(t, want.Equal(got), "%s\n%s", show(want, epoch), show(got, epoch))
	})
}

// What is due is found by comparing in the database, which in SQLite is a text.
func TestARowsTimesCompareInAllZones(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := newDestination(t, db)
		system := auth.AsSystem(t.Context())
		for _, zone := range []*time.Location{time.FixedZone("east", 3600), time.FixedZone("west", -3600)} {
			s := open(epoch.In(zone))
			u := db.Ent.Destination.UpdateOneID(d)
			s.Set(u)
			u.ExecX(system)
			due := db.Ent.Destination.Query().Where(destination.ProbeAtLTE(s.ProbeAt.UTC()))
			require.True(t, due.ExistX(system), zone)
			due = db.Ent.Destination.Query().Where(destination.ProbeAtLT(s.ProbeAt.UTC()))
			require.False(t, due.ExistX(system), zone)
		}
	})
}

func newDestination(t *testing.T, db *database.DB) string {
	t.Helper()
	system := auth.AsSystem(t.Context())
	account, self := id.New(id.Account, epoch), id.New(id.Destination, epoch)
	db.Ent.Account.Create().SetID(account).SetName("Jane").SetEmail("jane@example.com").ExecX(system)
	db.Ent.Destination.Create().SetID(self).SetAccountID(account).SetURL("https://example.com/hook").
		SetSigningSecrets([]byte("sealed")).ExecX(system)
	return self
}
