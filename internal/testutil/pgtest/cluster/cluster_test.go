package cluster_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest/cluster"
)

// childEnv makes the test binary a process that starts a cluster and then ends
// in the way that the variable says.
const childEnv = "CLUSTER_TEST_CHILD"

func TestMain(m *testing.M) {
	end := os.Getenv(childEnv)
	if end == "" {
		os.Exit(m.Run())
	}
	c, err := cluster.Start(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the parent has connected
	switch end {
	case "exit":
		os.Exit(0)
	case "panic":
		panic("as a test would")
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func TestTheClusterEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"exit", "panic", "kill"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), childEnv+"="+end)
			child.Dir = t.TempDir()
			input, err := child.StdinPipe()
			require.NoError(t, err)
			output, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			url, err := bufio.NewReader(output).ReadString('\n')
			require.NoError(t, err)

			db, err := sql.Open("postgres", strings.TrimSpace(url))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			var data string
			require.NoError(t, db.QueryRow("SHOW data_directory").Scan(&data))
			dir := filepath.Dir(data)
			require.DirExists(t, dir)

			_, err = input.Write([]byte("\n"))
			require.NoError(t, err)
			_, err = db.Exec("SELECT pg_sleep(60)")
			require.Error(t, err, "the server ends under a running statement")
			_ = child.Wait()
			require.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err)
			}, 30*time.Second, 10*time.Millisecond, "the files go last")
		})
	}
}

func TestSettingsAndTheWayOfACrash(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(map[string]string{"max_connections": "17", "application_name": "it's"})
	require.NoError(t, err)
	db, err := sql.Open("postgres", c.URL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for name, want := range map[string]string{
		"max_connections": "17", "synchronous_commit": "on", "fsync": "off", "full_page_writes": "off",
		"server_encoding": "UTF8", "TimeZone": "UTC", "listen_addresses": "127.0.0.1",
	} {
		var got string
		require.NoError(t, db.QueryRow("SHOW "+name).Scan(&got))
		require.Equal(t, want, got, name)
	}
	var version string
	require.NoError(t, db.QueryRow("SHOW server_version").Scan(&version))
	require.True(t, strings.HasPrefix(version, c.Version+" ") || version == c.Version, "%s, %s", version, c.Version)

	_, err = db.Exec("CREATE TABLE kept AS SELECT 42 AS answer")
	require.NoError(t, err)
	require.NoError(t, c.Stop("immediate"))
	require.Error(t, db.Ping())
	require.NoError(t, c.Start())
	var answer int
	require.NoError(t, db.QueryRow("SELECT answer FROM kept").Scan(&answer))
	require.Equal(t, 42, answer)

	require.NoError(t, c.Close())
	require.Error(t, db.Ping())
}

func TestABadSettingShowsPostgressOwnWords(t *testing.T) {
	t.Parallel()
	_, err := cluster.Start(map[string]string{"max_connections": "many"})
	require.ErrorContains(t, err, `invalid value for parameter "max_connections"`)
}
