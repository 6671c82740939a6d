package main

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest/cluster"
)

// childEnv makes the test binary the program itself.
const childEnv = "SCRATCHPG_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// scratchpg runs the program and gives its output and exit code.
func scratchpg(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), append([]string{childEnv + "=1", cluster.EnvShared + "=", cluster.EnvKeep + "="}, env...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its code is looked at
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func ping(url string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Ping()
}

func TestTheCommandGetsAClusterAndItsExitCodeIsPassedOn(t *testing.T) {
	t.Parallel()
	// A folder that the account of Postgres can write to; the cluster's is made in it.
	parent, err := os.MkdirTemp("/tmp", "scratchpg-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	require.NoError(t, os.Chmod(parent, 0o777))
	out, errs, code := scratchpg(t, []string{"TMPDIR=" + parent}, "--", "sh", "-c", `echo "$DATAPUSHER_TEST_POSTGRES"; exit 7`)
	require.Equal(t, 7, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	require.Regexp(t, `^postgres://\S+ Postgres \d+(\.\d+)?$`, lines[0])
	require.Equal(t, strings.Fields(lines[0])[0], lines[1])
	require.Error(t, ping(lines[1]), "the cluster is gone")
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left, "it was gone before the program ended")

	_, errs, code = scratchpg(t, nil, "true")
	require.Zero(t, code, errs)
}

func TestSignalsReachTheCommandAndTheClusterGoes(t *testing.T) {
	t.Parallel()
	out, errs, code := scratchpg(t, nil, "--", "sh", "-c", `echo "$DATAPUSHER_TEST_POSTGRES"; trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.1; done`)
	require.Equal(t, 9, code, errs)
	require.Error(t, ping(strings.Split(out, "\n")[1]))

	_, _, code = scratchpg(t, nil, "--", "sh", "-c", "kill -KILL $$")
	require.Equal(t, 128+9, code)
}

func TestACommandThatFailedKeepsTheClusterOnDemand(t *testing.T) {
	t.Parallel()
	out, errs, code := scratchpg(t, []string{cluster.EnvKeep + "=1"}, "--", "false")
	require.Equal(t, 1, code)
	command := regexp.MustCompile(`remove it with: (.*)`).FindStringSubmatch(errs)
	require.NotNil(t, command, errs)
	t.Cleanup(func() { require.NoError(t, exec.Command("sh", "-c", command[1]).Run()) })
	require.NoError(t, ping(strings.Fields(out)[0]))
}

func TestAClusterThatIsThereIsUsed(t *testing.T) {
	t.Parallel()
	out, _, code := scratchpg(t, []string{cluster.EnvShared + "=postgres://elsewhere"}, "--", "sh", "-c", `echo "$DATAPUSHER_TEST_POSTGRES"`)
	require.Zero(t, code)
	require.Equal(t, "postgres://elsewhere\n", out)
}

func TestWhatCannotBeRun(t *testing.T) {
	t.Parallel()
	_, errs, code := scratchpg(t, nil)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "usage:")
	_, errs, code = scratchpg(t, nil, "--", "/no/such/command")
	require.Equal(t, 125, code)
	require.Contains(t, errs, "/no/such/command")
}
