package pusher_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/action"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

func TestAnAdminSetsTheNetworksOfAnAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		require.Empty(t, a.AllowCidrs)
		changed, err := w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{
			AccountID: a.ID, AllowCIDRs: []string{"fd00::/8", "10.1.0.0/16", "fd00::/8"},
		})
		require.NoError(t, err)
		want := []string{"10.1.0.0/16", "fd00::/8"}
		require.Equal(t, want, changed.AllowCidrs)
		require.Equal(t, want, w.db.Ent.Account.GetX(jane, a.ID).AllowCidrs, "its owner may read them")
		require.Equal(t, []string{a.ID}, w.changed, "caches hear of it")
		noted := w.db.Ent.Action.Query().Where(action.SubjectID(a.ID), action.KindEQ(action.KindUpdate)).OnlyX(w.system)
		require.Equal(t, "admin", noted.Actor)

		changed, err = w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{AccountID: a.ID})
		require.NoError(t, err)
		require.Empty(t, changed.AllowCidrs)
		require.Empty(t, w.db.Ent.Account.GetX(jane, a.ID).AllowCidrs)
	})
}

func TestAnAccountDoesNotSetItsOwnNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	_, err := w.SetAccountEgress(jane, pusher.SetAccountEgressInput{AccountID: a.ID, AllowCIDRs: []string{"10.0.0.0/8"}})
	requireCode(t, problem.Forbidden, err)
	require.ErrorContains(t, err, "with the admin token alone: ask the operator")
	_, err = w.SetAccountEgress(t.Context(), pusher.SetAccountEgressInput{AccountID: a.ID})
	requireCode(t, problem.Unauthenticated, err)
	require.Empty(t, w.db.Ent.Account.GetX(w.admin, a.ID).AllowCidrs)
	require.Empty(t, w.changed)
}

func TestNetworksThatMayNotBeSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, _ := w.account(t, "jane@example.com")
	_, err := w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{
		AccountID: a.ID, AllowCIDRs: []string{"10.0.0.0/8", "10.1.2.3", "none", "", "::ffff:10.0.0.0/104", "10.0.0.0/8,11.0.0.0/8", "10.0.0.1/8"},
	})
	requireCode(t, problem.Invalid, err)
	require.Equal(t, []string{
		"allowCIDRs[1]", "allowCIDRs[2]", "allowCIDRs[3]", "allowCIDRs[4]", "allowCIDRs[5]", "allowCIDRs[6]",
	}, fieldsOf(err))

	var many []string
	for i := range pusher.MaxAllowCIDRs + 1 {
		many = append(many, fmt.Sprintf("10.%d.0.0/16", i))
	}
	_, err = w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{AccountID: a.ID, AllowCIDRs: many})
	require.Equal(t, []string{"allowCIDRs"}, fieldsOf(err))
	_, err = w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{AccountID: a.ID, AllowCIDRs: many[1:]})
	require.NoError(t, err)
	_, err = w.SetAccountEgress(w.admin, pusher.SetAccountEgressInput{AccountID: "acc_nobody"})
	requireCode(t, problem.NotFound, err)
}
