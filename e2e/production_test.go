package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
	"datapusher/internal/testutil/temporaltest"
)

const adminToken = "e2e-admin-token-of-at-least-32-characters"

// installation is a database and a Temporal namespace with what a process needs
// to know of them.
type installation struct {
	env     []string
	program string // "": the one under test
}

func (i installation) binary(t *testing.T) string {
	t.Helper()
	if i.program != "" {
		return i.program
	}
	return production(t)
}

func newInstallation(t *testing.T) installation {
	t.Helper()
	temporal := temporaltest.Start(t, temporaltest.Postgres)
	return installed(t, pgtest.URL(t), "TEMPORAL_ADDRESS="+temporal.Address, "TEMPORAL_NAMESPACE="+temporal.Namespace(t))
}

// nobody is the address of a Temporal that is not there.
const nobody = "TEMPORAL_ADDRESS=127.0.0.1:1"

// installed is an installation on a database, with an engine as more of its
// environment tells.
func installed(t *testing.T, databaseURL string, more ...string) installation {
	t.Helper()
	keys, err := exec.CommandContext(t.Context(), production(t), "keys", "generate").Output()
	require.NoError(t, err)
	return installation{env: append(append(os.Environ(),
		"DATAPUSHER_DATABASE_URL="+databaseURL,
		"DATAPUSHER_ENCRYPTION_KEYS="+strings.TrimSpace(string(keys)),
		"DATAPUSHER_ADMIN_TOKEN="+adminToken,
		"DATAPUSHER_ALLOW_CIDRS=127.0.0.0/8",
		"DATAPUSHER_LISTEN=127.0.0.1:0",
		"DATAPUSHER_DRAIN_DELAY=0s",
	), more...)}
}

func (i installation) command(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), i.binary(t), args...)
	cmd.Env = i.env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

var serving = regexp.MustCompile(`"url":"(http://[^"]+)"`)

func (i installation) serve(t *testing.T, args ...string) (*process, api) {
	t.Helper()
	p := start(t, i.binary(t), i.env, append([]string{"serve"}, args...)...)
	printed := p.waitFor(t, `"msg":"serving"`)
	return p, api{serving.FindStringSubmatch(printed)[1], adminToken}
}

// mainJob is the whole of it, through the doors of one server.
func mainJob(t *testing.T, admin api, email string) {
	t.Helper()
	account, token := admin.createAccount(t, email)
	sender := admin.with(token)
	poster, getter := receiver.New(t), receiver.New(t)
	sender.createDestination(t, account, poster.URL, "POST")
	sender.createDestination(t, account, getter.URL, "GET")
	event := sender.push(t, payload)
	require.Equal(t, payload, string(poster.Wait(t, 1)[0].Body))
	getter.Wait(t, 1)
	sender.succeeded(t, event, 2)
}

func TestServeAndWorkerAreTwoProcessesOnPostgres(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	refused := start(t, production(t), i.env, "serve")
	refused.waitFor(t, "datapusher migrate up")
	<-refused.ended
	require.NotZero(t, refused.cmd.ProcessState.ExitCode())

	require.Contains(t, i.command(t, "migrate", "status"), "pending")
	require.Contains(t, i.command(t, "migrate", "up"), "applied")
	require.NotContains(t, i.command(t, "migrate", "status"), "pending")

	_, admin := i.serve(t)
	worker := start(t, production(t), i.env, "worker")
	worker.waitFor(t, `"msg":"working"`)
	mainJob(t, admin, "two@example.com")

	t.Run("ready and measured", func(t *testing.T) {
		status, body := api{url: admin.url}.request(t, http.MethodGet, "/readyz", nil)
		require.Equal(t, http.StatusOK, status, "%s", body)
		status, _ = api{url: admin.url}.request(t, http.MethodGet, "/metrics", nil)
		require.Equal(t, http.StatusUnauthorized, status)
		status, body = admin.request(t, http.MethodGet, "/metrics", nil)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, string(body), "datapusher_events_accepted_total 1")
	})
}

// TestAWorkerNeedsNoEngineForFirstAttempts: serve and worker are apart, and Temporal is
// away.
func TestAWorkerNeedsNoEngineForFirstAttempts(t *testing.T) {
	t.Parallel()
	i := installed(t, pgtest.URL(t), nobody)
	_, admin := i.serve(t, "--migrate")
	account, token := admin.createAccount(t, "away@example.com")
	sender := admin.with(token)
	there := receiver.New(t)
	sender.createDestination(t, account, there.URL, "POST")
	waits := sender.push(t, payload) // nobody hears of it
	worker := start(t, production(t), i.env, "worker")
	worker.waitFor(t, `"msg":"working"`)
	require.Eventually(t, func() bool {
		sender.push(t, payload)
		return len(there.Requests()) > 0
	}, patience, 50*time.Millisecond)
	for range 20 {
		sender.succeeded(t, sender.push(t, payload), 1)
	}
	for _, one := range there.Requests() {
		require.NotEqual(t, waits, one.Header.Get("webhook-id"), "it waits for the engine")
	}
	worker.stop()
	require.Zero(t, worker.cmd.ProcessState.ExitCode())
}

func TestServeWithWorkerIsTheDefaultShape(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	p, admin := i.serve(t, "--worker", "--migrate")
	mainJob(t, admin, "one@example.com")
	p.stop()
	require.Zero(t, p.cmd.ProcessState.ExitCode(), "SIGTERM is a clean end")
}

func TestTheProductionBinaryLinksNoTemporalServer(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "version", "-m", production(t)).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "go.temporal.io/sdk")
	require.NotContains(t, string(out), "go.temporal.io/server")
}
