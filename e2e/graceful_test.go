package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
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

// TestASlowClientTakesNoTimeFromAttempts: one that does not come to the end of its
// request is cut off early. Meanwhile nothing more is begun, and what is under way ends
// and is recorded.
func TestASlowClientTakesNoTimeFromAttempts(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	p, admin := i.serve(t, "--worker", "--migrate", "--shutdown-timeout=10s", "--log-level=info")
	account, token := admin.createAccount(t, "slow@example.com")
	cut := make(chan struct{})
	long := receiver.New(t, receiver.Until(cut, receiver.Status(http.StatusOK)))
	due := receiver.New(t, receiver.Status(http.StatusServiceUnavailable), receiver.Until(nil, nil))
	admin.createDestination(t, account, long.URL, "POST")
	admin.createDestination(t, account, due.URL, "POST") // its second attempt is due 4 s later at least

	client, err := net.Dial("tcp", strings.TrimPrefix(admin.url, "http://"))
	require.NoError(t, err)
	defer client.Close()
	_, err = fmt.Fprintf(client, "POST /server/incoming_data HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{", token)
	require.NoError(t, err)
	event := admin.with(token).push(t, payload)
	long.Wait(t, 1)
	eventually(t, func() bool { return slices.Contains(statuses(admin.with(token).deliveries(t, event)), "RETRYING") }, "one waits")

	began := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_, _ = io.Copy(io.Discard, client) // until it is cut off
	t.Logf("cut off after %s", time.Since(began).Round(time.Millisecond))
	close(cut)
	<-p.ended
	t.Logf("stopped within %s", time.Since(began).Round(time.Millisecond))
	require.Zero(t, p.cmd.ProcessState.ExitCode())
	printed, _ := p.output.read()
	require.Contains(t, printed, "requests were cut off")
	require.NotContains(t, printed, "the time to stop is over")
	require.Len(t, due.Requests(), 1, "an attempt was begun that nobody could wait for")

	_, admin = i.serve(t, "--log-level=info")
	require.ElementsMatch(t, []string{"SUCCEEDED", "RETRYING"}, statuses(admin.with(token).deliveries(t, event)))
	require.Len(t, long.Requests(), 1)
}

func statuses(all []delivery) []string {
	found := make([]string, len(all))
	for i, d := range all {
		found[i] = d.Status
	}
	return found
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
