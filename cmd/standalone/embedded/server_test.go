package embedded_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"datapusher/cmd/standalone/embedded"
)

func TestAddressesInUseAreErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	used := listener.Addr().String()
	for _, options := range []embedded.Options{{Listen: used}, {UIListen: used}} {
		_, err := embedded.Start(t.Context(), options)
		require.ErrorContains(t, err, "address already in use")
	}
	for _, options := range []embedded.Options{{Listen: "nonsense"}, {UIListen: "nonsense"}} {
		_, err := embedded.Start(t.Context(), options)
		require.ErrorContains(t, err, "missing port")
	}
}

func TestAServerListensWhereItIsTold(t *testing.T) {
	t.Parallel()
	server := start(t, embedded.Options{Listen: "0.0.0.0:0", UIListen: "localhost:0"})
	host, port, err := net.SplitHostPort(server.Address())
	require.NoError(t, err)
	require.Contains(t, []string{"0.0.0.0", "::"}, host)
	require.NotEqual(t, "0", port)
	require.Regexp(t, `^http://127\.0\.0\.1:[1-9]\d*$`, server.UIURL())
	get(t, server.UIURL())
	dial(t, server, embedded.DefaultNamespace)
	require.Equal(t, "sqlite", server.Store())
	require.Equal(t, embedded.Version, server.Version())

	// The address is free again afterwards, and the same one can be asked for.
	address := server.Address()
	server.Stop()
	server.Stop()
	require.Equal(t, address, start(t, embedded.Options{Listen: address}).Address())
}

func TestTheSQLiteFileSurvivesOddNamesAndIsWholeAfterAStop(t *testing.T) {
	t.Parallel()
	file := embedded.SQLiteFile(filepath.Join(t.TempDir(), "a?b#c%20d e"))
	require.Equal(t, "temporal-"+embedded.Version+".db", filepath.Base(file))
	start(t, embedded.Options{Store: file, Namespace: "mine"}).Stop()
	require.FileExists(t, file)
	if wal, err := os.Stat(file + "-wal"); err == nil {
		require.Zero(t, wal.Size(), "the file alone is the whole state")
	}
	about, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), about.Mode())

	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file)+"?mode=ro")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	var mode string
	require.NoError(t, db.QueryRow("PRAGMA journal_mode").Scan(&mode))
	require.Equal(t, "wal", mode)
	var name string
	require.NoError(t, db.QueryRow("SELECT name FROM namespaces WHERE name = 'mine'").Scan(&name))
}

func TestStoresThatCannotBeUsedAreErrors(t *testing.T) {
	t.Parallel()
	for store, complaint := range map[string]string{
		t.TempDir():              "is a directory",
		"postgres://127.0.0.1:1": "names no database",
		"postgres://user:secret@127.0.0.1:1/temporal":    "connection refused",
		"postgres://user:secret%zz@127.0.0.1:1/temporal": "cannot be parsed",
	} {
		_, err := embedded.Start(t.Context(), embedded.Options{Store: store})
		require.ErrorContains(t, err, complaint)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestAQuietLifeLogsNothing(t *testing.T) {
	durable.each(t, func(t *testing.T, store string) {
		var logged output
		for range 2 {
			server := start(t, embedded.Options{
				Store: store, UIListen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(&logged, nil)),
			})
			c := dial(t, server, embedded.DefaultNamespace)
			stop := work(t, c, echo)
			run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, echo, "")
			require.NoError(t, err)
			require.NoError(t, run.Get(t.Context(), nil))
			stop()
			c.Close()
			server.Stop()
		}
		require.Empty(t, logged.String())
	})
}

func TestTheLevelOfTheLogCanBeChanged(t *testing.T) {
	t.Parallel()
	var logged output
	start(t, embedded.Options{
		Logger: slog.New(slog.NewTextHandler(&logged, nil)), LogLevel: slog.LevelInfo,
	})
	require.Contains(t, logged.String(), "Created gRPC listener")
}

func TestAStartThatIsCalledOffEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := embedded.Start(ctx, embedded.Options{})
	require.ErrorIs(t, err, context.Canceled)
}
