package database_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/ent/delivery"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	core "datapusher/internal/delivery"
	"datapusher/internal/dispatch"
	"datapusher/internal/ingest"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/workflows"
)

// roles are a database as deploy/postgres.sh makes it: one role owns it and
// migrates, another one serves and works.
type roles struct {
	owner, app *database.DB
	appName    string
	super      *sql.DB
}

func newRoles(t *testing.T) roles {
	t.Helper()
	raw := pgtest.URL(t)
	super, err := sql.Open("postgres", raw)
	require.NoError(t, err)
	t.Cleanup(func() { _ = super.Close() })
	suffix := strings.ToLower(rand.Text()[:10]) // roles belong to all databases of the server
	owner, app := "owner_"+suffix, "app_"+suffix
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			_, err := super.ExecContext(context.WithoutCancel(t.Context()), s)
			require.NoError(t, err, s)
		}
	}
	var name string
	require.NoError(t, super.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	name = pq.QuoteIdentifier(name)
	run("CREATE ROLE "+owner+" LOGIN", "CREATE ROLE "+app+" LOGIN", "ALTER DATABASE "+name+" OWNER TO "+owner,
		"REVOKE ALL ON DATABASE "+name+" FROM PUBLIC", "GRANT CONNECT ON DATABASE "+name+" TO "+app)
	t.Cleanup(func() {
		run("REASSIGN OWNED BY "+owner+" TO CURRENT_USER", "DROP OWNED BY "+owner+", "+app, "DROP ROLE "+owner+", "+app)
	})
	as := func(role string) *database.DB {
		t.Helper()
		u, err := url.Parse(raw)
		require.NoError(t, err)
		u.User = url.User(role)
		db, err := database.Open(t.Context(), u.String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	r := roles{owner: as(owner), app: as(app), appName: app, super: super}
	_, err = r.owner.Migrate(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.owner.Grant(t.Context(), app))
	return r
}

// TestTheAuditLogIsOnlyAddedToByTheRoleThatServes: it has no right to do anything
// else with it, nor to switch off what refuses it to the owner as well.
func TestTheAuditLogIsOnlyAddedToByTheRoleThatServes(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	_, err := r.app.Write.ExecContext(t.Context(), `INSERT INTO actions (id, subject_id, kind, actor, created_at) VALUES ('act_1', 'dst_1', 'PAUSE', 'admin', now())`)
	require.NoError(t, err)
	var actor string
	require.NoError(t, r.app.Read.QueryRowContext(t.Context(), `SELECT actor FROM actions WHERE id = 'act_1'`).Scan(&actor))
	require.Equal(t, "admin", actor)

	for statement, owners := range map[string]string{ // what the owner is told; "": it may
		`UPDATE actions SET actor = 'nobody'`:                      "only added to",
		`DELETE FROM actions`:                                      "only added to",
		`TRUNCATE actions`:                                         "only added to",
		`TRUNCATE actions, attempts CASCADE`:                       "only added to",
		`SELECT * FROM actions FOR UPDATE`:                         "",
		`CREATE RULE r AS ON INSERT TO actions DO INSTEAD NOTHING`: "",
		`ALTER TABLE actions DISABLE TRIGGER ALL`:                  "",
		`ALTER TABLE actions DISABLE TRIGGER actions_append_only`:  "",
		`ALTER TABLE actions ENABLE TRIGGER ALL`:                   "",
		`ALTER TABLE actions OWNER TO CURRENT_USER`:                "",
		`ALTER TABLE actions RENAME TO others`:                     "",
		`DROP TRIGGER actions_append_only ON actions`:              "",
		`CREATE OR REPLACE FUNCTION actions_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`: "",
		`DROP FUNCTION actions_append_only CASCADE`:                              "",
		`SET session_replication_role = replica`:                                 "denied",
		`DROP TABLE actions`:                                                     "",
		`CREATE TABLE others (id int)`:                                           "",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)`: "",
		`CREATE TEMPORARY TABLE actions (id int)`:                                "",
	} {
		tx, err := r.app.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), statement)
		require.NoError(t, tx.Rollback())
		var refusal *pq.Error
		require.ErrorAs(t, err, &refusal, statement)
		require.EqualValues(t, "42501", refusal.Code, "%s: %v", statement, err) // insufficient_privilege
		tx, err = r.owner.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), statement)
		require.NoError(t, tx.Rollback())
		if owners == "" {
			require.NoError(t, err, "%s: it is the right that is missing, not the sense", statement)
		} else {
			require.ErrorContains(t, err, owners, statement)
		}
	}
	// To give oneself what one does not have is no error, and nothing.
	_, err = r.app.Write.ExecContext(t.Context(), `GRANT ALL ON actions TO `+r.appName)
	require.NoError(t, err)
	var rights int
	require.NoError(t, r.super.QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.role_table_grants
		WHERE grantee = $1 AND table_name = 'actions' AND privilege_type NOT IN ('SELECT', 'INSERT')`, r.appName).Scan(&rights))
	require.Zero(t, rights)
}

// TestTheRoleThatServesCanServe: accounts are made and changed, events come in and
// arrive, lanes and replays take their turns, all with the rights of that role.
func TestTheRoleThatServesCanServe(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	db := r.app
	require.NoError(t, db.CheckMigrated(t.Context()), "as a process does that starts")
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	s := sender.New(sender.Options{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(s.Close)
	c := core.New(core.Options{DB: db, Box: box, Sender: s, Logger: quiet, Now: time.Now, Random: func() float64 { return .5 }})
	t.Cleanup(c.Close)
	c.Use(silent{})
	runs := dispatch.New(dispatch.Options{Engine: silent{}, HeadStart: c, Logger: quiet, Now: time.Now})
	t.Cleanup(runs.Close)
	in := ingest.New(ingest.Options{DB: db, Runs: runs, Logger: quiet, Now: time.Now, Lease: core.Lease})
	t.Cleanup(in.Close)
	authenticator := auth.NewAuthenticator(db.Ent, auth.Options{Flush: time.Hour})
	p := pusher.New(pusher.Options{DB: db, Box: box, Auth: authenticator, Engine: silent{}, Sender: s, Changed: c.Changed})

	admin := auth.With(t.Context(), &auth.Viewer{Kind: auth.Admin})
	account, token, err := p.CreateAccount(admin, pusher.CreateAccountInput{Name: "Jane", Email: "jane@example.com"})
	require.NoError(t, err)
	_, err = authenticator.Authenticate(t.Context(), token)
	require.NoError(t, err)
	authenticator.Close() // writes when tokens were used last
	there := receiver.New(t, receiver.Status(204))
	d, _, err := p.CreateDestination(admin, pusher.CreateDestinationInput{AccountID: account.ID, URL: there.URL})
	require.NoError(t, err)
	got, err := in.Accept(t.Context(), ingest.Event{AccountID: account.ID, IdempotencyKey: "k", Payload: []byte(`{}`)})
	require.NoError(t, err)
	require.Equal(t, 1, got.Deliveries)
	again, err := in.Accept(t.Context(), ingest.Event{AccountID: account.ID, IdempotencyKey: "k", Payload: []byte(`{}`)})
	require.NoError(t, err)
	require.True(t, again.Duplicate)
	there.Wait(t, 1)

	_, err = p.PauseDestination(admin, pusher.PauseDestinationInput{DestinationID: d.ID})
	require.NoError(t, err)
	_, _, err = p.SendTestEvent(admin, pusher.SendTestEventInput{DestinationID: d.ID})
	require.NoError(t, err)
	_, err = p.ResumeDestination(admin, pusher.ResumeDestinationInput{DestinationID: d.ID})
	require.NoError(t, err)
	_, _, err = c.Step(t.Context(), workflows.Lane(d.ID))
	require.NoError(t, err)
	replay, count, err := p.ReplayEvents(admin, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &account.ID}})
	require.NoError(t, err)
	require.Positive(t, count)
	_, _, err = c.Step(t.Context(), workflows.Replay(replay.ID))
	require.NoError(t, err)
	require.NoError(t, c.ReconcileOnce(t.Context()))
	_, err = c.Backlog(t.Context())
	require.NoError(t, err)
	_, _, err = p.RotateSecretToken(admin, pusher.RotateSecretTokenInput{AccountID: account.ID})
	require.NoError(t, err)
	require.NoError(t, p.DeleteAccount(admin, pusher.DeleteAccountInput{ID: account.ID}))

	in.Close()
	runs.Close()
	c.Close() // what was attempted is recorded
	system := auth.AsSystem(t.Context())
	first := db.Ent.Delivery.Query().Where(delivery.EventID(got.EventID)).OnlyX(system)
	require.Equal(t, delivery.StatusSucceeded, first.Status)
	require.Positive(t, db.Ent.Attempt.Query().CountX(system))
	require.Equal(t, 8, db.Ent.Action.Query().CountX(system))
	require.ErrorContains(t, r.app.Grant(t.Context(), r.appName), "another role's")
}

// TestGrantNeedsARoleThatOwnsNothing: an owner gives itself every right back.
func TestGrantNeedsARoleThatOwnsNothing(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	var owner string
	require.NoError(t, r.super.QueryRowContext(t.Context(), `SELECT tableowner FROM pg_tables WHERE tablename = 'actions'`).Scan(&owner))
	require.ErrorContains(t, r.owner.Grant(t.Context(), owner), "owns the tables")
	_, err := r.super.ExecContext(t.Context(), "GRANT "+owner+" TO "+r.appName)
	require.NoError(t, err)
	require.ErrorContains(t, r.owner.Grant(t.Context(), r.appName), "owns the tables")
	require.ErrorContains(t, r.owner.Grant(t.Context(), "nobody; DROP TABLE actions"), "does not exist")
	require.NoError(t, r.owner.CheckMigrated(t.Context()))
}

// silent is an engine that hears everything and does nothing.
type silent struct{ workflows.Engine }

func (silent) Dispatch(context.Context, workflows.Run) error { return nil }
func (silent) Drop(context.Context, string, string) error    { return nil }
func (silent) Wake(context.Context, string) error            { return nil }
