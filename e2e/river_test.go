package e2e_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
)

// newRiverInstallation is a database, and nothing else.
func newRiverInstallation(t *testing.T, databaseURL string) installation {
	t.Helper()
	return installed(t, databaseURL, "DATAPUSHER_ENGINE=river", nobody) // nobody is asked
}

func TestRiverNeedsPostgres(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	for _, args := range [][]string{{"serve", "--migrate"}, {"worker"}, {"migrate", "up"}, {"migrate", "status"}} {
		refused := start(t, production(t), i.env, args...)
		refused.waitFor(t, "--engine=river needs Postgres")
		<-refused.ended
		require.NotZero(t, refused.cmd.ProcessState.ExitCode())
	}
}

func TestServeAndWorkerAreTwoProcessesOnRiver(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	i.command(t, "migrate", "up", "--engine=temporal")
	refused := start(t, production(t), i.env, "serve")
	refused.waitFor(t, "datapusher migrate up --engine=river")
	<-refused.ended
	require.NotZero(t, refused.cmd.ProcessState.ExitCode())

	require.Contains(t, i.command(t, "migrate", "status"), "pending\n")
	require.Contains(t, i.command(t, "migrate", "up"), "applied river/")
	require.NotContains(t, i.command(t, "migrate", "status"), "pending\n")

	_, admin := i.serve(t)
	worker := start(t, production(t), i.env, "worker")
	worker.waitFor(t, `"msg":"working"`)
	mainJob(t, admin, "two@example.com")
	status, body := api{url: admin.url}.request(t, http.MethodGet, "/readyz", nil)
	require.Equal(t, http.StatusOK, status, "%s", body)
}

// TestRiverSurvivesAKill: one delivery waits for its next attempt and another is in
// the middle of one when the only process there is goes.
func TestRiverSurvivesAKill(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	p, admin := i.serve(t, "--worker", "--migrate")
	account, token := admin.createAccount(t, "one@example.com")
	release := make(chan struct{})
	fails := receiver.New(t, append(receiver.Times(2, receiver.Status(http.StatusServiceUnavailable)), receiver.Status(http.StatusOK))...)
	hangs := receiver.New(t, receiver.Until(release, receiver.Status(http.StatusOK)), receiver.Status(http.StatusOK))
	healthy := receiver.New(t)
	sender := admin.with(token)
	for _, to := range []*receiver.Receiver{fails, hangs, healthy} {
		sender.createDestination(t, account, to.URL, "POST")
	}
	event := sender.push(t, payload)
	hangs.Wait(t, 1)
	fails.Wait(t, 2) // the second attempt is River's
	var waits string
	eventually(t, func() bool {
		done := 0
		for _, d := range sender.deliveries(t, event) {
			if d.AttemptCount == 2 {
				waits = d.ID
			}
			if d.Status == "SUCCEEDED" {
				done++
			}
		}
		return waits != "" && done == 1
	}, "what has happened is recorded")
	p.kill()
	close(release)

	p, admin = i.serve(t, "--worker")
	began := time.Now()
	sender = admin.with(token)
	sender.succeeded(t, sender.push(t, `{"n":2}`), 3)
	// The third attempt is due in minutes.
	sender.mutate(t, "retryDelivery", "RetryDeliveryInput", "delivery { id }", map[string]any{"deliveryID": waits, "reason": "mended"}, nil)
	sender.succeeded(t, event, 3)
	t.Logf("all is delivered %s after the restart", time.Since(began).Round(time.Millisecond))
	require.Len(t, healthy.Requests(), 2, "what had succeeded is not sent again")
	p.stop()
	require.Zero(t, p.cmd.ProcessState.ExitCode(), "SIGTERM is a clean end")
}

// TestARunIsThereWithItsEvents: the process is killed that has committed them, and
// has not told anybody yet.
func TestARunIsThereWithItsEvents(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	i := newRiverInstallation(t, url)
	p, admin := i.serve(t, "--migrate", "--pace=3s") // it does not work; runs leave every 3 s
	account, token := admin.createAccount(t, "committed@example.com")
	a := admin.with(token)
	to := receiver.New(t)
	a.createDestination(t, account, to.URL, "POST")
	events := []string{a.push(t, `{"n":1}`), a.push(t, `{"n":2}`), a.push(t, `{"n":3}`)}
	p.kill()
	runs := column(t, open(t, url), "SELECT DISTINCT run FROM deliveries ORDER BY run")
	require.Equal(t, runs, column(t, open(t, url), "SELECT args->>'run' FROM river.river_job ORDER BY 1"))

	worker := start(t, production(t), i.env, "worker")
	to.Wait(t, len(events))
	printed, _ := worker.output.read()
	require.NotContains(t, printed, "handing over again", "nobody had to look for what was forgotten")
}

// TestSteeringOnRiver: whoever steers deliveries sees no difference.
func TestSteeringOnRiver(t *testing.T) {
	t.Parallel()
	t.Run("retry now and cancel, pause and resume", func(t *testing.T) {
		t.Parallel()
		_, admin := newRiverInstallation(t, pgtest.URL(t)).serve(t, "--worker", "--migrate")
		waitingDeliveryIsSteered(t, admin)
		pausedAndResumed(t, admin)
	})
	t.Run("breaker and park", func(t *testing.T) {
		t.Parallel()
		_, admin := newRiverInstallation(t, pgtest.URL(t)).serve(t, "--worker", "--migrate")
		deadDestination(t, admin, 1000, false, "http_503", func(string) {})
	})
	t.Run("replay", func(t *testing.T) {
		t.Parallel()
		i := newRiverInstallation(t, pgtest.URL(t))
		killedInTheMiddleOfAReplay(t, 2000, func() (*process, api) {
			return i.serve(t, "--worker", "--migrate", "--log-level=info")
		})
	})
}

// TestRiverLosesItsTables: all that was waiting is handed over again, and arrives.
func TestRiverLosesItsTables(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	i := newRiverInstallation(t, url)
	_, admin := i.serve(t, "--worker", "--migrate")
	account, token := admin.createAccount(t, "wiped@example.com")
	to := receiver.New(t, receiver.Status(http.StatusServiceUnavailable), receiver.Status(http.StatusOK))
	a := admin.with(token)
	id, _ := a.createDestination(t, account, to.URL, "POST")
	a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }",
		map[string]any{"id": id, "retrySchedule": []string{"3s"}}, nil)
	event := a.push(t, payload)
	eventually(t, func() bool { return a.deliveries(t, event)[0].Status == "RETRYING" }, "it waits")
	db := open(t, url)
	eventually(t, func() bool {
		return len(column(t, db, "SELECT kind FROM river.river_job WHERE metadata ? 'snoozes'")) == 1
	}, "River has it")
	_, err := db.ExecContext(t.Context(), "TRUNCATE river.river_job")
	require.NoError(t, err)
	began := time.Now()
	require.Equal(t, 2, a.succeeded(t, event, 1)[0].AttemptCount)
	t.Logf("delivered %s after the loss", time.Since(began).Round(time.Millisecond))
}

// open opens a database past the program.
func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestAStalledWorkerComesBack: a worker stands still in the middle of an attempt for
// so long that another takes over what it was at. What it does when it goes on again
// is no harm: neither is the run ended under its new owner, nor anything lost.
func TestAStalledWorkerComesBack(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	i := newRiverInstallation(t, url)
	i.command(t, "migrate", "up")
	_, admin := i.serve(t)
	stalled := start(t, production(t), i.env, "worker")
	stalled.waitFor(t, `"msg":"working"`)
	account, token := admin.createAccount(t, "stalled@example.com")
	release := make(chan struct{})
	to := receiver.New(t, receiver.Status(http.StatusServiceUnavailable), receiver.Until(release, receiver.Status(http.StatusServiceUnavailable)),
		receiver.Status(http.StatusServiceUnavailable), receiver.Status(http.StatusOK))
	a := admin.with(token)
	id, _ := a.createDestination(t, account, to.URL, "POST")
	a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }",
		map[string]any{"id": id, "timeout": "30s", "retrySchedule": []string{"1s", "20s", "20s"}}, nil)
	event := a.push(t, payload)
	to.Wait(t, 2)
	require.NoError(t, stalled.cmd.Process.Signal(syscall.SIGSTOP))
	began := time.Now()
	start(t, production(t), i.env, "worker")
	to.Wait(t, 3) // the other makes that attempt
	t.Logf("taken over %s after it stood still", time.Since(began).Round(time.Millisecond))
	eventually(t, func() bool { return a.deliveries(t, event)[0].AttemptCount == 2 }, "and records it")

	close(release)
	require.NoError(t, stalled.cmd.Process.Signal(syscall.SIGCONT))
	stalled.stop() // what it has to say is said by then
	require.Zero(t, stalled.cmd.ProcessState.ExitCode())
	require.Equal(t, 3, a.succeeded(t, event, 1)[0].AttemptCount)
	require.Len(t, to.Requests(), 4, "the one attempt that was under way came twice")
	require.Equal(t, []string{"event/" + event}, column(t, open(t, url), "SELECT run FROM deliveries"),
		"one that had been ended under its new owner would have been moved by the reconciler")
}

// TestAMoveBetweenEngines: what the one was carrying when it was stopped, the other
// carries on, and gives back.
func TestAMoveBetweenEngines(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	serve := func(engine string) (*process, api) {
		t.Helper()
		return i.serve(t, "--worker", "--migrate", "--engine="+engine)
	}
	p, admin := serve("temporal")
	account, token := admin.createAccount(t, "moves@example.com")
	to := receiver.New(t, append(receiver.Times(2, receiver.Status(http.StatusServiceUnavailable)), receiver.Status(http.StatusOK))...)
	sender := admin.with(token)
	id, _ := sender.createDestination(t, account, to.URL, "POST")
	sender.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }",
		map[string]any{"id": id, "retrySchedule": []string{"10s", "10s", "10s"}}, nil)
	event := sender.push(t, payload)
	attempted := func(n int) {
		t.Helper()
		eventually(t, func() bool { return sender.deliveries(t, event)[0].AttemptCount == n }, "so many attempts")
	}
	attempted(1)
	p.stop()

	p, admin = serve("river")
	sender = admin.with(token)
	attempted(2)
	p.stop()

	_, admin = serve("temporal")
	sender = admin.with(token)
	require.Equal(t, 3, sender.succeeded(t, event, 1)[0].AttemptCount)
	requests := to.Requests()
	require.Len(t, requests, 3)
	for _, r := range requests {
		require.Equal(t, event, r.Header.Get("webhook-id"))
		require.Equal(t, payload, string(r.Body))
	}
}
