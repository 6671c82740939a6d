package e2e_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
)

// TestServersAreReplacedUnderLoad: each of two is stopped and started again while
// events keep coming, through something that follows /readyz and knows nothing else.
func TestServersAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	i.command(t, "migrate", "up")
	args := []string{"--worker", "--drain-delay=1s", "--log-level=info"}
	first, admin := i.serve(t, args...)
	second, other := i.serve(t, args...)
	account, token := admin.createAccount(t, "load@example.com")
	to := newCounter(t)
	admin.createDestination(t, account, to.url, "POST")
	b := newBalancer(token)
	leave := map[*process]func(){first: b.follow(t, admin.url), second: b.follow(t, other.url)}
	stop := b.load(t, 200)
	for _, p := range []*process{first, second} {
		b.more(t, 100)
		began := time.Now()
		p.stop()
		t.Logf("stopped within %s", time.Since(began).Round(time.Millisecond))
		require.Zero(t, p.cmd.ProcessState.ExitCode())
		leave[p]()
		_, again := i.serve(t, args...)
		b.follow(t, again.url)
	}
	b.more(t, 100)
	stop()
	b.check(t, to)
}

// TestReadinessFailsFirst: after SIGTERM /readyz says so, requests are served all the
// same, each with the last answer of its connection, and then the listener closes.
func TestReadinessFailsFirst(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	p, admin := i.serve(t, "--worker", "--migrate", "--drain-delay=3s", "--log-level=info")
	account, token := admin.createAccount(t, "ready@example.com")
	to := receiver.New(t)
	admin.createDestination(t, account, to.URL, "POST")
	status, _ := admin.request(t, http.MethodGet, "/readyz", nil)
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.waitFor(t, "/readyz fails")
	status, body := admin.request(t, http.MethodGet, "/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, string(body), "the server is stopping")
	status, _ = admin.request(t, http.MethodGet, "/healthz", nil)
	require.Equal(t, http.StatusOK, status, "it is not to be killed for that")

	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, admin.url+"/server/incoming_data", strings.NewReader(payload))
	require.NoError(t, err)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusAccepted, answer.StatusCode)
	require.True(t, answer.Close, "the connection is given up with the answer")
	<-p.ended
	require.Zero(t, p.cmd.ProcessState.ExitCode())
	require.Len(t, to.Requests(), 1, "what was accepted so late is delivered before the end")
	_, err = http.DefaultClient.Get(admin.url + "/healthz")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// TestWhatDoesNotEndInTimeIsHandedOver: a receiver takes longer than there is.
func TestWhatDoesNotEndInTimeIsHandedOver(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	p, admin := i.serve(t, "--worker", "--migrate", "--drain-delay=0s", "--shutdown-timeout=2s", "--log-level=info")
	account, token := admin.createAccount(t, "late@example.com")
	to := receiver.New(t, receiver.Until(nil, nil), receiver.Status(http.StatusOK))
	admin.createDestination(t, account, to.URL, "POST")
	event := admin.with(token).push(t, payload)
	to.Wait(t, 1)
	began := time.Now()
	p.stop()
	took := time.Since(began)
	t.Logf("stopped within %s", took.Round(time.Millisecond))
	require.Zero(t, p.cmd.ProcessState.ExitCode())
	require.Less(t, took, 10*time.Second, "the attempt would have taken 15 s")

	_, admin = i.serve(t, "--worker", "--log-level=info")
	d := admin.with(token).succeeded(t, event, 1)[0]
	t.Logf("delivered %s after the stop", time.Since(began).Round(time.Second))
	require.Equal(t, 1, d.AttemptCount, "the attempt that was cut off has no number")
	requests := to.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, event, requests[1].Header.Get("webhook-id"))
}

// TestASecondSignalEndsAtOnce, whatever is going on.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	p, _ := i.serve(t, "--worker", "--migrate", "--drain-delay=1h", "--log-level=info")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.waitFor(t, "/readyz fails")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.ended
	require.Equal(t, 128+int(syscall.SIGTERM), p.cmd.ProcessState.ExitCode())
}

// TestAWorkerEndsWhatItIsAt, without an API beside it.
func TestAWorkerEndsWhatItIsAt(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	_, admin := i.serve(t, "--migrate", "--log-level=info")
	worker := start(t, production(t), i.env, "worker", "--log-level=info")
	worker.waitFor(t, `"msg":"working"`)
	account, token := admin.createAccount(t, "worker@example.com")
	release := make(chan struct{})
	to := receiver.New(t, receiver.Until(release, receiver.Status(http.StatusOK)))
	admin.createDestination(t, account, to.URL, "POST")
	event := admin.with(token).push(t, payload)
	to.Wait(t, 1)
	require.NoError(t, worker.cmd.Process.Signal(syscall.SIGTERM))
	worker.waitFor(t, `"msg":"stopping`)
	close(release)
	<-worker.ended
	require.Zero(t, worker.cmd.ProcessState.ExitCode())
	require.Equal(t, "SUCCEEDED", admin.with(token).deliveries(t, event)[0].Status, "it was recorded before the end")
	require.Len(t, to.Requests(), 1)
}
