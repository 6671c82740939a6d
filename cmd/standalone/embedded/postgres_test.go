package embedded_test

import (
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	tool "go.temporal.io/server/tools/sql"

	"datapusher/cmd/standalone/embedded"
	"datapusher/internal/testutil/pgtest"
)

// postgres is the URL of a database that is to be created, with a short name, so
// that its second one is known. Both go with the test.
func postgres(t *testing.T) string { return postgresNamed(t, "temporal_") }

func postgresNamed(t *testing.T, name string) string {
	t.Helper()
	admin := pgtest.URL(t)
	u, err := url.Parse(admin)
	require.NoError(t, err)
	name += strings.ToLower(rand.Text()[:16])
	u.Path = "/" + name
	t.Cleanup(func() {
		for _, n := range []string{name, name + "_visibility"} {
			execute(t, admin, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(n)+" WITH (FORCE)")
		}
	})
	return u.String()
}

// database is the name of the database of a URL.
func database(t *testing.T, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	require.NoError(t, err)
	return u.Path[1:]
}

func execute(t *testing.T, where, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", where)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func value(t *testing.T, where, query string) (v string) {
	t.Helper()
	db, err := sql.Open("postgres", where)
	require.NoError(t, err)
	require.NoError(t, db.QueryRow(query).Scan(&v))
	require.NoError(t, db.Close())
	return v
}

// visibility is the URL of the second database.
func visibility(t *testing.T, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	require.NoError(t, err)
	u.Path += "_visibility"
	return u.String()
}

const schemaVersion = "SELECT curr_version FROM schema_version"

func TestPostgresDatabasesMayHaveOddNames(t *testing.T) {
	t.Parallel()
	t.Log("Postgres", pgtest.Version(t), "Temporal", embedded.Version)
	odd := postgresNamed(t, `an "odd" Näme/%41 `) // to be quoted, in SQL and in the URL
	server := start(t, embedded.Options{Store: odd})
	require.Equal(t, "postgres", server.Store())
	require.Equal(t, "1", value(t, odd, "SELECT count(*) FROM namespaces WHERE name = 'default'"))
	require.Equal(t, "0", value(t, visibility(t, odd), "SELECT count(*) FROM executions_visibility WHERE workflow_id = 'x'"))
	server.Stop()
}

func TestALongDatabaseNameIsNotCutIntoThatOfAnother(t *testing.T) {
	t.Parallel()
	admin := pgtest.URL(t)
	u, err := url.Parse(admin)
	require.NoError(t, err)
	long := strings.ToLower(rand.Text()) + strings.Repeat("x", 63-26)
	databases := "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE '" + long[:20] + "%'"
	t.Cleanup(func() {
		for name := range strings.FieldsSeq(value(t, admin, databases)) {
			execute(t, admin, "DROP DATABASE "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
		}
	})
	u.Path = "/" + long
	for range 2 {
		start(t, embedded.Options{Store: u.String()}).Stop()
	}
	require.Regexp(t, "^"+long[:43]+"_[0-9a-f]{8}_visibility "+long+"$", value(t, admin, databases))

	u.Path += "x"
	_, err = embedded.Start(t.Context(), embedded.Options{Store: u.String()})
	require.ErrorContains(t, err, "more than 63 bytes")
}

func TestAnOlderServersPostgresIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	main := postgres(t)
	start(t, embedded.Options{Store: main}).Stop()
	current := [2]string{value(t, main, schemaVersion), value(t, visibility(t, main), schemaVersion)}

	older := postgres(t)
	for _, name := range []string{database(t, older), database(t, older) + "_visibility"} {
		execute(t, pgtest.URL(t), "CREATE DATABASE "+name)
	}
	migrate(t, older, "postgresql/v12/temporal", "1.14")
	migrate(t, visibility(t, older), "postgresql/v12/visibility", "1.9")
	start(t, embedded.Options{Store: older}).Stop()
	require.Equal(t, current, [2]string{value(t, older, schemaVersion), value(t, visibility(t, older), schemaVersion)})
}

// migrate makes the schema that a server of some time ago had.
func migrate(t *testing.T, where, name, version string) {
	t.Helper()
	u, err := url.Parse(where)
	require.NoError(t, err)
	logger := log.NewNoopLogger()
	connection, err := tool.NewConnection(&config.SQL{
		PluginName: "postgres12", DatabaseName: u.Path[1:], ConnectAddr: u.Host, User: u.User.Username(),
	}, logger)
	require.NoError(t, err)
	defer connection.Close()
	require.NoError(t, schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run())
	require.NoError(t, schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{SchemaName: name, TargetVersion: version}, logger).Run())
}

// A start that fails midway must leave nothing that a later one stumbles over.
func TestAPostgresSchemaIsMadeWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	main := postgres(t)
	execute(t, pgtest.URL(t), "CREATE DATABASE "+database(t, main))
	execute(t, main, "CREATE TABLE tasks ()") // in the way of the schema's own
	options := embedded.Options{Store: main, Logger: slog.New(slog.DiscardHandler)}
	_, err := embedded.Start(t.Context(), options)
	require.ErrorContains(t, err, `relation "tasks" already exists`)
	require.Equal(t, "tasks", value(t, main, "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'"))

	execute(t, main, "DROP TABLE tasks")
	start(t, options)
}
