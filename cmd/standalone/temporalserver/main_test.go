package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"datapusher/cmd/standalone/embedded"
	"datapusher/internal/testutil/pgtest"
)

// asProgram makes the test binary be the program, so that nothing has to be built for it.
const asProgram = "TEMPORALSERVER_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// child is the running program.
type child struct {
	*exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func launch(t *testing.T, args ...string) *child {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	c := &child{Cmd: exec.Command(program, args...)}
	c.Env = append(os.Environ(), asProgram+"=1")
	c.Stderr = &c.stderr
	c.stdin, err = c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	c.stdout = bufio.NewReader(stdout)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() }) // an error where it has ended, as it should
	return c
}

type announcement struct{ Address, UI, Version, Store string }

// announced reads what the program says when it is ready.
func (c *child) announced(t *testing.T) (a announcement) {
	t.Helper()
	line, err := c.stdout.ReadBytes('\n')
	if err != nil {
		_ = c.Wait()
	}
	require.NoError(t, err, c.stderr.String())
	require.NoError(t, json.Unmarshal(line, &a))
	return a
}

// ended waits for the program's end, which must be silent.
func (c *child) ended(t *testing.T) {
	t.Helper()
	rest, err := io.ReadAll(c.stdout)
	require.NoError(t, err)
	require.Empty(t, string(rest))
	require.NoError(t, c.Wait(), c.stderr.String())
	require.Empty(t, c.stderr.String())
}

func TestItServesUntilItsStdinEnds(t *testing.T) {
	t.Parallel()
	main := pgtest.URL(t)
	for name, flags := range map[string][]string{
		"memory":   {},
		"sqlite":   {"-store", "sqlite", "-dsn", embedded.SQLiteFile(filepath.Join(t.TempDir(), "new"))},
		"postgres": {"-store", "postgres", "-dsn", main},
	} {
		t.Run(name, func(t *testing.T) {
			c := launch(t, append(flags, "-namespace", "deliveries", "-ui-listen", "127.0.0.1:0")...)
			a := c.announced(t)
			if name == "memory" {
				name = "sqlite"
			}
			require.Equal(t, name, a.Store)
			require.Equal(t, embedded.Version, a.Version)
			response, err := http.Get(a.UI + "/api/v1/namespaces/deliveries")
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusOK, response.StatusCode)

			temporal, err := client.DialContext(t.Context(), client.Options{HostPort: a.Address, Namespace: "deliveries"})
			require.NoError(t, err)
			registered, err := temporal.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "deliveries"})
			require.NoError(t, err)
			require.Equal(t, map[string]enumspb.IndexedValueType{
				"AccountIds":     enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
				"DestinationIds": enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
				"DeliveryIds":    enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
			}, registered.CustomAttributes)
			temporal.Close()

			require.NoError(t, c.stdin.Close())
			c.ended(t)
		})
	}
}

func TestItServesUntilASignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			c := launch(t)
			require.Empty(t, c.announced(t).UI)
			require.NoError(t, c.Process.Signal(signal))
			c.ended(t)
		})
	}
}

func TestACallThatCannotBeServedSaysWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown store":          {[]string{"-store", "mysql"}, 2, `-store is "mysql", not sqlite or postgres`},
		"postgres without a URL": {[]string{"-store", "postgres"}, 2, "-dsn does not fit -store postgres"},
		"sqlite with a URL":      {[]string{"-dsn", "postgres://h/d"}, 2, "-dsn does not fit -store sqlite"},
		"more than all fails":    {[]string{"-fault-rate", "1.5"}, 2, "-fault-rate is 1.5, not a share from 0 to 1"},
		"an argument":            {[]string{"start"}, 2, `unexpected argument "start"`},
		"an unknown flag":        {[]string{"-port", "1"}, 2, "flag provided but not defined: -port"},
		"a bad address":          {[]string{"-listen", "nonsense"}, 1, "missing port in address"},
		"help":                   {[]string{"-h"}, 0, "-ui-listen host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := launch(t, test.args...)
			said, err := io.ReadAll(c.stdout)
			require.NoError(t, err)
			require.Empty(t, string(said))
			_ = c.Wait()
			require.Equal(t, test.code, c.ProcessState.ExitCode())
			require.Contains(t, c.stderr.String(), test.says)
		})
	}
}
