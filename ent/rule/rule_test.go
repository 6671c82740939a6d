package rule_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/migrate"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

func TestEveryTypeIsKeptApart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		jane, joe := plant(system, db.Ent, "jane@x"), plant(system, db.Ent, "joe@x")
		viewer := func(scopes ...auth.Scope) context.Context {
			return auth.With(t.Context(), &auth.Viewer{Kind: auth.Account, AccountID: joe.account, Scopes: scopes})
		}
		all := doors(db.Ent)
		for _, table := range migrate.Tables {
			if _, ours := systemDoors(db.Ent)[table.Name]; !ours {
				require.Contains(t, all, table.Name, "a type is not tested")
			}
		}
		for name, d := range all {
			janes, joes := d.id(jane), d.id(joe)
			check := func(op string, want problem.Code, err error) {
				t.Helper()
				require.Equal(t, want, problem.CodeOf(err), "%s %s: %v", op, name, err)
			}
			calls := func(ctx context.Context, id string) map[string]func() error {
				m := map[string]func() error{
					"list":   func() error { _, err := d.list(ctx); return err },
					"order":  func() error { _, err := d.order(ctx); return err },
					"group":  func() error { _, err := d.group(ctx); return err },
					"total":  func() error { _, err := d.total(ctx); return err },
					"count":  func() error { _, err := d.count(ctx); return err },
					"get":    func() error { return d.get(ctx, id) },
					"delete": func() error { _, err := d.delete(ctx, id); return err },
					"create": func() error { return d.create(ctx, jane) },
					"bulk":   func() error { return d.bulk(ctx, joe, jane) },
				}
				if d.update != nil {
					m["update"] = func() error { _, err := d.update(ctx, id); return err }
				}
				return m
			}
			// Nobody gets anything; a token that may only push events neither.
			for op, call := range calls(t.Context(), janes) {
				check(op, problem.Unauthenticated, call())
			}
			for op, call := range calls(viewer(auth.Ingest), joes) {
				check(op, problem.Forbidden, call())
			}
			// Reading is not changing.
			for op, call := range calls(viewer(auth.Read), joes) {
				if op == "delete" || op == "update" || op == "create" || op == "bulk" {
					check(op, problem.Forbidden, call())
				}
			}
			// Another account's rows are not there.
			ctx := viewer(auth.Scopes...)
			for op, list := range map[string]func(context.Context) ([]string, error){"list": d.list, "order": d.order, "group": d.group} {
				ids, err := list(ctx)
				require.NoError(t, err, "%s %s", op, name)
				require.Equal(t, []string{joes}, ids, "%s %s", op, name)
			}
			for op, count := range map[string]func(context.Context) (int, error){"count": d.count, "total": d.total} {
				n, err := count(ctx)
				require.NoError(t, err, "%s %s", op, name)
				require.Equal(t, 1, n, "%s %s", op, name)
			}
			require.True(t, ent.IsNotFound(d.get(ctx, janes)), name)
			require.NoError(t, d.get(ctx, joes), name)
			if d.through != nil {
				n, err := d.through(ctx, jane)
				require.NoError(t, err, name)
				require.Zero(t, n, "%s are filtered through", name)
				n, err = d.through(ctx, joe)
				require.NoError(t, err, name)
				require.Equal(t, 1, n, name)
			}
			if d.update != nil && !d.final {
				n, err := d.update(ctx, janes)
				require.NoError(t, err, name)
				require.Zero(t, n, "%s are updated", name)
			}
			if !d.final {
				n, err := d.delete(ctx, janes)
				require.NoError(t, err, name)
				require.Zero(t, n, "%s are deleted", name)
			}
			check("create", problem.NotFound, d.create(ctx, jane))
			check("bulk", problem.NotFound, d.bulk(ctx, joe, jane)) // not even its own
			all, err := d.count(system)
			require.NoError(t, err, name)
			require.Equal(t, 2, all, name)
			require.NoError(t, d.get(system, janes), name)
		}
	})
}

// What is only added to is changed and deleted by nobody: not by who may do
// everything in the account, not by an administrator, not by the system.
func TestWhatIsFinalIsChangedByNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		jane := plant(system, db.Ent, "jane@x")
		final := 0
		for name, d := range doors(db.Ent) {
			if !d.final {
				continue
			}
			final++
			for _, kind := range []auth.Kind{auth.Account, auth.Admin, auth.System} {
				ctx := auth.With(t.Context(), &auth.Viewer{Kind: kind, AccountID: jane.account, Scopes: auth.Scopes})
				_, err := d.update(ctx, d.id(jane))
				require.Equal(t, problem.Forbidden, problem.CodeOf(err), "%s updates %s: %v", kind, name, err)
				_, err = d.delete(ctx, d.id(jane))
				require.Equal(t, problem.Forbidden, problem.CodeOf(err), "%s deletes %s: %v", kind, name, err)
				require.NoError(t, d.create(ctx, jane), "%s adds to %s", kind, name)
			}
		}
		require.Equal(t, 1, final, "the audit log")
	})
}

func TestWhatIsDeletedIsSeenByNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := auth.AsSystem(t.Context())
		r := plant(system, db.Ent, "jane@x")
		db.Ent.Destination.UpdateOneID(r.destination).SetDeletedAt(time.Now()).ExecX(system)
		db.Ent.Account.UpdateOneID(r.account).SetDeletedAt(time.Now()).ExecX(system)
		for _, kind := range []auth.Kind{auth.Admin, auth.System, auth.Account} {
			ctx := auth.With(t.Context(), &auth.Viewer{Kind: kind, AccountID: r.account, Scopes: auth.Scopes})
			require.Zero(t, db.Ent.Account.Query().CountX(ctx))
			require.Zero(t, db.Ent.Destination.Query().CountX(ctx))
			require.True(t, ent.IsNotFound(db.Ent.Account.UpdateOneID(r.account).SetName("x").Exec(ctx)))
			require.Equal(t, 1, db.Ent.Event.Query().CountX(ctx), "the history stays")
		}
	})
}

// What belongs to no account is the system's alone: not even an administrator
// reads it.
func TestWhatIsTheSystemsIsNobodyElses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		account := &auth.Viewer{Kind: auth.Account, AccountID: "acc_1", Scopes: auth.Scopes}
		for name, calls := range systemDoors(db.Ent) {
			for op, call := range calls {
				for _, ctx := range []context.Context{
					t.Context(), auth.With(t.Context(), account), auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin}),
				} {
					require.Equal(t, problem.Forbidden, problem.CodeOf(call(ctx)), "%s %s", op, name)
				}
			}
			require.NoError(t, calls["create"](auth.AsSystem(t.Context())), name)
			require.NoError(t, calls["list"](auth.AsSystem(t.Context())), name)
		}
	})
}
