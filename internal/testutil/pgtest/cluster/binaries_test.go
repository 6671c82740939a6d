package cluster

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// executable writes a shell script.
func executable(t *testing.T, path, script string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
}

func installed(t *testing.T, bin string, names ...string) {
	t.Helper()
	for _, name := range names {
		executable(t, filepath.Join(bin, name), "exit 0")
	}
}

func TestTheHighestCompleteVersionIsUsed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(EnvBin, "")
	s := system{root: t.TempDir(), uid: 1000, log: io.Discard}
	for _, version := range []string{"9.6", "10", "15"} {
		installed(t, filepath.Join(s.root, version, "bin"), "initdb", "pg_ctl", "postgres")
	}
	installed(t, filepath.Join(s.root, "17", "bin"), "initdb") // a client alone
	bin, err := s.binaries()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(s.root, "15", "bin"), bin)
}

func TestThePathComesAfterTheInstalledVersions(t *testing.T) {
	path := t.TempDir()
	installed(t, path, "initdb", "pg_ctl", "postgres")
	t.Setenv("PATH", path)
	t.Setenv(EnvBin, "")
	bin, err := system{root: t.TempDir(), uid: 1000, log: io.Discard}.binaries()
	require.NoError(t, err)
	require.Equal(t, path, bin)
}

func TestTheEnvironmentWinsAndMustBeComplete(t *testing.T) {
	bin := t.TempDir()
	t.Setenv(EnvBin, bin)
	_, err := binaries()
	require.ErrorContains(t, err, EnvBin)
	installed(t, bin, "initdb", "pg_ctl", "postgres")
	got, err := binaries()
	require.NoError(t, err)
	require.Equal(t, bin, got)
}

func TestWhoCannotInstallHearsTheCommand(t *testing.T) {
	path := t.TempDir()
	t.Setenv(EnvBin, "")
	t.Setenv("PATH", path)
	_, err := system{root: t.TempDir(), uid: 0, log: io.Discard}.binaries()
	require.ErrorContains(t, err, "apt-get install -y postgresql", "root without apt-get")
	called := filepath.Join(t.TempDir(), "called")
	executable(t, filepath.Join(path, "apt-get"), ": >"+called)
	_, err = system{root: t.TempDir(), uid: 1000, log: io.Discard}.binaries()
	require.ErrorContains(t, err, "apt-get install -y postgresql", "not root")
	require.NoFileExists(t, called)
}

func TestRootInstallsWithoutAClusterOfThePackage(t *testing.T) {
	path, root := t.TempDir(), t.TempDir()
	calls := filepath.Join(t.TempDir(), "calls")
	old := os.Getenv("PATH")
	t.Setenv("TMPDIR", t.TempDir()) // of the lock
	t.Setenv("CALLS", calls)
	t.Setenv("BIN", filepath.Join(root, "15", "bin"))
	t.Setenv("PATH", path)
	t.Setenv(EnvBin, "")
	t.Setenv("REAL_PATH", old)
	executable(t, filepath.Join(path, "sed"), `echo sed "$@" >>"$CALLS"`)
	executable(t, filepath.Join(path, "apt-get"), `echo apt-get "$@" >>"$CALLS"
PATH=$REAL_PATH
case "$*" in *postgresql) mkdir -p "$BIN"; for b in initdb pg_ctl postgres; do echo >"$BIN/$b"; chmod +x "$BIN/$b"; done ;; esac`)
	var log strings.Builder
	bin, err := system{root: root, uid: 0, log: &log}.binaries()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "15", "bin"), bin)
	require.Contains(t, log.String(), "installing postgresql")
	text, err := os.ReadFile(calls)
	require.NoError(t, err)
	steps := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, steps, 4)
	require.Equal(t, "apt-get update", steps[0])
	require.Regexp(t, `^apt-get install .*postgresql-common$`, steps[1])
	require.Regexp(t, `create_main_cluster = false.* /etc/postgresql-common/createcluster.conf$`, steps[2])
	require.Regexp(t, `^apt-get install .*postgresql$`, steps[3])
}

func TestAFailedInstallationShowsWhatAptSaid(t *testing.T) {
	path := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("PATH", path)
	t.Setenv(EnvBin, "")
	executable(t, filepath.Join(path, "apt-get"), "echo no network; exit 100")
	_, err := system{root: t.TempDir(), uid: 0, log: io.Discard}.binaries()
	require.ErrorContains(t, err, "no network")
	require.ErrorContains(t, err, "apt-get install -y postgresql")
}
