package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/receiver"
)

// payload is JSON that every step must leave as it is: spaces, number forms,
// escapes, a duplicate member.
const payload = "{ \"b\": 1.00,\t\"a\":\"\\u00e9 é\", \"big\":1e400, \"a\":[1, 2],\"t\":\"x y\" }\n"

func TestStandaloneDoesTheMainJob(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a folder")
	p, admin, where := bootStandalone(t, dir)

	printed, _ := p.output.read()
	require.Equal(t, 2, strings.Count(printed, "SUCCEEDED"), "the demo's deliveries:\n%s", printed)
	require.Contains(t, printed, "127.0.0.0/8", "the start tells that loopback is allowed")
	info, err := os.Stat(filepath.Join(dir, "admin-token"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	account, token := admin.createAccount(t, "main@example.com")
	sender := admin.with(token)
	poster, getter := receiver.New(t), receiver.New(t)
	sender.createDestination(t, account, poster.URL+"/in?x=1", "POST")
	sender.createDestination(t, account, getter.URL+"/in?x=1", "GET")

	event := sender.push(t, payload)
	posted, got := poster.Wait(t, 1)[0], getter.Wait(t, 1)[0]
	require.Equal(t, payload, string(posted.Body))
	require.Equal(t, event, posted.Header.Get("webhook-id"))
	require.Equal(t, "x=1&b=1.00&a=%C3%A9+%C3%A9&big=1e400&a=%5B1%2C+2%5D&t=x+y", got.RawQuery)
	require.Empty(t, got.Body)

	for _, d := range sender.succeeded(t, event, 2) {
		require.Equal(t, 1, d.AttemptCount)
		require.NotNil(t, d.EngineURL)
		require.True(t, strings.HasPrefix(*d.EngineURL, where.TemporalUI), *d.EngineURL)
	}
	require.Len(t, poster.Requests(), 1)

	t.Run("the Temporal UI tells of it", func(t *testing.T) {
		// The demo's event left by itself; the second may share a batch with another.
		first := "event/" + regexp.MustCompile(`evt_\w+`).FindString(printed)
		for _, workflow := range []string{first, workflowOf(t, sender.deliveries(t, event)[0])} {
			eventually(t, func() bool { return workflowStatus(t, where, workflow) == "WORKFLOW_EXECUTION_STATUS_COMPLETED" }, workflow+" is completed")
		}
	})
	t.Run("a destination that fails is a pending activity there", func(t *testing.T) {
		failing := receiver.New(t, receiver.Status(http.StatusServiceUnavailable))
		id, token := admin.createAccount(t, "failing@example.com")
		sender := admin.with(token)
		sender.createDestination(t, id, failing.URL, "PUT")
		event := sender.push(t, `{"n":1}`)
		failing.Wait(t, 1)
		var d delivery
		eventually(t, func() bool {
			d = sender.deliveries(t, event)[0]
			return d.Status == "RETRYING"
		}, "the delivery waits for its next attempt")
		require.Equal(t, "http_503", *d.Reason)
		require.NotNil(t, d.NextAttemptAt)
		eventually(t, func() bool {
			pending := pendingActivities(t, where, workflowOf(t, d))
			return len(pending) == 1 && pending[0].ActivityID == d.ID && strings.Contains(pending[0].LastFailure.Message, "503") &&
				pending[0].Attempt >= 2 && pending[0].ScheduledTime != ""
		}, "the activity shows its attempt count, last failure and next time")
	})
	t.Run("a second one on the same folder is refused", func(t *testing.T) {
		second := start(t, standalone(t), os.Environ(), "--data-dir", dir)
		second.waitFor(t, "in use by another Data Pusher")
	})
	t.Run("a restart keeps everything", func(t *testing.T) {
		p.stop()
		require.NoFileExists(t, filepath.Join(dir, "endpoints.json"))
		p, again, _ := bootStandalone(t, dir)
		require.Equal(t, admin.token, again.token)
		require.Len(t, again.with(token).succeeded(t, event, 2), 2)
		printed, _ := p.output.read()
		require.NotContains(t, printed, "The demo, step by step")
	})
}

// TestKilledBetweenCommitAndDispatch: with an hour between dispatches and no
// head start, the second event is committed and nobody knows of it.
func TestKilledBetweenCommitAndDispatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, admin, _ := bootStandalone(t, dir, "--no-demo", "--first-attempt=engine", "--pace=1h")
	account, token := admin.createAccount(t, "killed@example.com")
	sender := admin.with(token)
	to := receiver.New(t)
	sender.createDestination(t, account, to.URL, "POST")
	first := sender.push(t, `{"n":1}`)
	sender.succeeded(t, first, 1)
	events := []string{sender.push(t, `{"n":2}`), sender.push(t, `{"n":3}`)}
	for _, e := range events {
		require.Equal(t, "PENDING", sender.deliveries(t, e)[0].Status)
	}
	p.kill()
	require.Len(t, to.Requests(), 1, "the test did not catch the moment before the dispatch")

	_, admin, _ = bootStandalone(t, dir, "--no-demo")
	for _, e := range events {
		admin.with(token).succeeded(t, e, 1)
	}
	require.Len(t, to.Requests(), 3)
}

// TestKilledInTheMiddleOfAnAttempt: the receiver has the request, and the
// process that waits for its answer is gone.
func TestKilledInTheMiddleOfAnAttempt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, admin, _ := bootStandalone(t, dir, "--no-demo")
	account, token := admin.createAccount(t, "killed@example.com")
	sender := admin.with(token)
	release := make(chan struct{})
	to := receiver.New(t, receiver.Until(release, receiver.Status(http.StatusOK)), receiver.Status(http.StatusOK))
	sender.createDestination(t, account, to.URL, "POST")
	event := sender.push(t, payload)
	to.Wait(t, 1)
	p.kill()
	close(release)

	_, admin, _ = bootStandalone(t, dir, "--no-demo")
	began := time.Now()
	d := admin.with(token).succeeded(t, event, 1)[0]
	t.Logf("delivered %s after the restart", time.Since(began).Round(time.Millisecond))
	require.Equal(t, 1, d.AttemptCount, "the attempt that nobody recorded has no number")
	requests := to.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, requests[0].Body, requests[1].Body)
	require.Equal(t, event, requests[1].Header.Get("webhook-id"))
}

// workflowOf is the workflow that a delivery links to: the event's own, or that
// of a batch when another event was just dispatched.
func workflowOf(t *testing.T, d delivery) string {
	t.Helper()
	require.NotNil(t, d.EngineURL)
	_, escaped, _ := strings.Cut(*d.EngineURL, "/workflows/")
	id, err := url.PathUnescape(escaped)
	require.NoError(t, err)
	return id
}

// workflowStatus asks the Temporal UI's server, as its pages do.
func workflowStatus(t *testing.T, where endpoints, workflow string) string {
	t.Helper()
	return describe(t, where, workflow).Info.Status
}

type pendingActivity struct {
	ActivityID    string `json:"activityId"`
	Attempt       int
	ScheduledTime string
	LastFailure   struct{ Message string }
}

func pendingActivities(t *testing.T, where endpoints, workflow string) []pendingActivity {
	t.Helper()
	return describe(t, where, workflow).PendingActivities
}

type description struct {
	Info struct {
		Status string
	} `json:"workflowExecutionInfo"`
	PendingActivities []pendingActivity
}

func describe(t *testing.T, where endpoints, workflow string) (d description) {
	t.Helper()
	err := getJSON(t, where.TemporalUI+"/api/v1/namespaces/default/workflows/"+url.PathEscape(workflow), &d)
	if err != nil {
		t.Logf("the Temporal UI does not know %s yet: %v", workflow, err)
	}
	return d
}
