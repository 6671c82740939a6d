package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"datapusher/cmd/app"
	"datapusher/internal/datadir"
	"datapusher/internal/secret"
)

// filled opens a data directory and fills what the flags leave open, as a start does.
func filled(t *testing.T, path string, c *app.Config) (admin, error) {
	t.Helper()
	d, err := openDataDir(path)
	require.NoError(t, err)
	defer d.close()
	return d.fill(c)
}

func TestTheFirstStartMakesWhatIsSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	var first, second app.Config
	a, err := filled(t, path, &first)
	require.NoError(t, err)
	require.Equal(t, first.AdminToken, a.shown)
	_, err = secret.Open(first.EncryptionKeys)
	require.NoError(t, err)
	for _, name := range []string{datadir.AdminToken, datadir.Keys} {
		info, err := os.Stat(filepath.Join(path, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	a, err = filled(t, path, &second)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Empty(t, a.shown, "the token is shown once")
	require.Contains(t, a.kept, filepath.Join(path, datadir.AdminToken))

	own := app.Config{AdminToken: "planted-marker"}
	a, err = filled(t, t.TempDir(), &own)
	require.NoError(t, err)
	require.Empty(t, a.shown, "whoever has set it knows it")
}

func TestADatabaseWithoutItsKeysStopsTheStart(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, datadir.Database), nil, 0o600))
	_, err := filled(t, path, new(app.Config))
	require.ErrorContains(t, err, filepath.Join(path, datadir.Keys)+" is missing")
	require.ErrorContains(t, err, "put the file back")
	require.NoFileExists(t, filepath.Join(path, datadir.Keys))
	given := app.Config{EncryptionKeys: "given"}
	_, err = filled(t, path, &given)
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(path, datadir.Keys))
}

func TestTheWelcomeShowsTheAdminTokenOnce(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for start, times := range []int{3, 0} { // itself, and in the links to dashboard and playground
		var c config
		a, err := filled(t, path, &c.Config)
		require.NoError(t, err)
		var out bytes.Buffer
		welcome(&out, c, datadir.Endpoints{API: "http://127.0.0.1:8000"}, &dataDir{path: path}, a, sample{})
		require.Equal(t, times, strings.Count(out.String(), c.AdminToken), "start %d: %s", start, &out)
		require.Contains(t, out.String(), filepath.Join(path, datadir.AdminToken))
	}
}

func parse(t *testing.T, args ...string) (command string, c *commands) {
	t.Helper()
	c = new(commands)
	parser, err := kong.New(c, parserOptions(t.Context())...)
	require.NoError(t, err)
	k, err := parser.Parse(args)
	require.NoError(t, err, args)
	return k.Command(), c
}

func TestWithoutACommandTheProgramStarts(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--data-dir", "x", "--no-demo", "--listen=127.0.0.1:0"}, {"run", "--data-dir", "x"}} {
		command, c := parse(t, args...)
		require.Equal(t, "run", command)
		require.Equal(t, "127.0.0.0/8,::1/128", c.Run.AllowCIDRs)
		if args != nil {
			require.Equal(t, "x", c.Run.DataDir)
		}
	}
}

func TestHelpListsTheSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{{"--help", "--temporal-ui-listen"}, {"--help", "keys --help"}, {"keys --help", "keys promote <id>"}} {
		var out bytes.Buffer
		parser, err := kong.New(new(commands), append(parserOptions(t.Context()), kong.Writers(&out, &out), kong.Exit(func(int) {}))...)
		require.NoError(t, err)
		_, _ = parser.Parse(strings.Fields(c.args)) // goes on after Exit
		require.Contains(t, out.String(), c.want)
	}
}

func TestCommandsOfKeysAreForTheDataDirectory(t *testing.T) {
	t.Parallel()
	command, c := parse(t, "keys", "retire", "17", "--data-dir", "/x")
	require.Equal(t, "keys retire <id>", command)
	require.Equal(t, "/x/keys", c.Keys.Retire.KeysFile)
	require.Equal(t, "sqlite:/x/datapusher.db", c.Keys.Retire.DatabaseURL)
	_, c = parse(t, "keys", "rotate", "--database-url", "sqlite:/y", "--keys-file", "/z")
	require.Equal(t, "/z", c.Keys.Rotate.KeysFile)
	require.Equal(t, "sqlite:/y", c.Keys.Rotate.DatabaseURL)
	_, c = parse(t, "keys", "add", "--encryption-keys", "given")
	require.Empty(t, c.Keys.Add.KeysFile)
}
