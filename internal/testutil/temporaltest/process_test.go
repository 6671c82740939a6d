package temporaltest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv makes the test binary a process that launches the program which the
// variable names, and then dies without a chance to clean up.
const childEnv = "TEMPORALTEST_CHILD"

func TestMain(m *testing.M) {
	program := os.Getenv(childEnv)
	if program == "" {
		os.Exit(m.Run())
	}
	p, err := launch(program, SQLite, "", os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.Address)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the parent has connected
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// connect connects to a stand-in and gives what it says: its -dsn.
func connect(t *testing.T, address string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	dsn, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	return conn, strings.TrimSpace(dsn)
}

func standinProgram(t *testing.T) string {
	t.Helper()
	b, _ := standin(t)
	program, err := b.program()
	require.NoError(t, err)
	return program
}

func TestTheServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+standinProgram(t))
	input, err := child.StdinPipe()
	require.NoError(t, err)
	output, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	address, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	conn, dsn := connect(t, strings.TrimSpace(address))
	dir := filepath.Dir(dsn)
	require.DirExists(t, dir)

	_, err = input.Write([]byte("\n"))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_ = child.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	}, 30*time.Second, 10*time.Millisecond, "the files go last")
}

func TestAServerRunsForAsLongAsItIsReferredTo(t *testing.T) {
	t.Parallel()
	p, err := launch(standinProgram(t), Postgres, "postgres://somewhere", io.Discard)
	require.NoError(t, err)
	require.Equal(t, announcement{Address: p.Address, UI: "http://127.0.0.1:0", Version: "1.2.3", Store: "postgres"}, p.announcement)
	conn, dsn := connect(t, p.Address)
	require.Equal(t, "postgres://somewhere", dsn)

	runtime.GC()
	runtime.GC()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it is open still")

	require.NoError(t, p.input.Close())
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestTheLastWordsOfAServerAreSeen(t *testing.T) {
	t.Parallel()
	program := standinProgram(t)
	_, err := launch(program, Postgres, "refuse", io.Discard)
	require.ErrorContains(t, err, "the store cannot be opened")
	_, err = launch("/no/such/program", Postgres, "", io.Discard)
	require.ErrorContains(t, err, "/no/such/program")

	words, log := io.Pipe()
	p, err := launch(program, Postgres, "crash", log)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", p.Address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	line, err := bufio.NewReader(words).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "the shard is lost")
}
