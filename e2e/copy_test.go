package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
)

// history is how many events a standalone has delivered before it is copied.
const history = 2000

// outgrown is a standalone with a delivery in every state, each of an account of its own.
type outgrown struct {
	dir                                   string
	well, retrying, later, parked, failed *customer
	busy                                  *customer // has an attempt whose answer has not come
	keyed                                 string    // an event with an idempotency key
	pending                               []string  // events that nobody has dispatched
}

// customer is an account with one destination and an event for it.
type customer struct {
	api
	to                         *receiver.Receiver
	destination, secret, event string
}

// TestAStandaloneGrowsOutOfItsMachine: it is stopped and copied, and what it left
// undone is done by the new installation, on either engine: with the same tokens,
// secrets and ids, and nothing is sent twice.
func TestAStandaloneGrowsOutOfItsMachine(t *testing.T) {
	t.Parallel()
	for engine, install := range map[string]func(t *testing.T) installation{
		"river":    func(t *testing.T) installation { t.Helper(); return newRiverInstallation(t, pgtest.URL(t)) },
		"temporal": newInstallation,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			i := install(t)
			i.env = append(i.env, "DATAPUSHER_ENCRYPTION_KEYS=") // those of the data directory will do
			i.command(t, "migrate", "up")
			s := i.takeOver(t)
			i.goesOn(t, s)
		})
	}
}

// takeOver stops a standalone and copies it.
func (i installation) takeOver(t *testing.T) outgrown {
	t.Helper()
	s, running := newOutgrown(t)
	i.refuses(t, "stop the program first", "copy", "--from", s.dir)
	for n := range 3 {
		s.pending = append(s.pending, s.well.push(t, fmt.Sprintf(`{"pending":%d}`, n)))
	}
	require.Len(t, s.busy.to.Requests(), 2, "its answer is still to come")
	running.kill() // before the reconciler comes for them, after 10 s
	sent := len(s.well.to.Requests())
	require.Equal(t, history+2, sent, "nobody has dispatched what is pending")
	others := strings.TrimSpace(i.command(t, "keys", "generate"))
	i.refuses(t, "an encryption key is missing", "copy", "--from", s.dir, "--encryption-keys", others)
	i.copyWithKills(t, s.dir)
	i.refuses(t, "the target has rows already", "copy", "--from", s.dir)
	return s
}

// refuses runs a command that has to fail with that text.
func (i installation) refuses(t *testing.T, text string, args ...string) {
	t.Helper()
	p := start(t, i.binary(t), i.env, args...)
	p.waitFor(t, text)
	<-p.ended
	require.NotZero(t, p.cmd.ProcessState.ExitCode())
}

// copyWithKills copies, and kills the copy again and again, a little later each time,
// until one comes to its end first.
func (i installation) copyWithKills(t *testing.T, dir string) {
	t.Helper()
	env := map[string]string{}
	for _, one := range i.env {
		name, value, _ := strings.Cut(one, "=")
		env[name] = value
	}
	db, err := sql.Open("postgres", env["DATAPUSHER_DATABASE_URL"])
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	kills, halves := 0, 0
	for delay := 30 * time.Millisecond; ; delay += delay / 2 {
		p := start(t, i.binary(t), i.env, "copy", "--from", dir, "--json")
		select {
		case <-p.ended:
		case <-time.After(delay):
			p.kill()
		}
		if p.cmd.ProcessState.Exited() {
			printed, _ := p.output.read()
			require.Zero(t, p.cmd.ProcessState.ExitCode(), printed)
			var result struct {
				Same   bool
				Tables []struct {
					Table        string
					Rows, Copied int
				}
			}
			at := strings.Index(printed, "{\n") // behind what it says of its progress
			require.GreaterOrEqual(t, at, 0, printed)
			require.NoError(t, json.NewDecoder(strings.NewReader(printed[at:])).Decode(&result), printed)
			require.True(t, result.Same)
			t.Logf("%d kills, %d of which left a part; the last call: %+v", kills, halves, result.Tables)
			return
		}
		kills++
		var half bool
		require.NoError(t, db.QueryRow(`SELECT to_regclass('unfinished_copy') IS NOT NULL`).Scan(&half))
		if half {
			if halves++; halves == 1 {
				keys, err := os.ReadFile(filepath.Join(dir, "keys"))
				require.NoError(t, err)
				i.refuses(t, "a copy into this database has not ended", "serve", "--worker", "--encryption-keys", strings.TrimSpace(string(keys)))
			}
		}
	}
}

// goesOn starts a new installation on what was copied.
func (i installation) goesOn(t *testing.T, s outgrown) {
	t.Helper()
	for file, name := range map[string]string{"keys": "DATAPUSHER_ENCRYPTION_KEYS", "admin-token": "DATAPUSHER_ADMIN_TOKEN"} {
		content, err := os.ReadFile(filepath.Join(s.dir, file))
		require.NoError(t, err)
		i.env = append(i.env, name+"="+strings.TrimSpace(string(content)))
	}
	all := []*customer{s.well, s.retrying, s.later, s.parked, s.failed, s.busy}
	for _, c := range all {
		c.to.Script(receiver.Status(http.StatusOK))
	}
	began := time.Now()
	_, server := i.serve(t, "--worker", "--log-level=info")
	for _, c := range all {
		c.url = server.url // the tokens are those that the standalone gave
	}
	for _, e := range s.pending {
		s.well.succeeded(t, e, 1)
	}
	t.Logf("what was pending is delivered %s after the start", time.Since(began).Round(time.Millisecond))
	s.retrying.succeeded(t, s.retrying.event, 1)
	t.Logf("what was to be retried is delivered %s after the start", time.Since(began).Round(time.Millisecond))

	s.busy.succeeded(t, s.busy.event, 1)
	t.Logf("what was being attempted is delivered %s after the start", time.Since(began).Round(time.Millisecond))
	require.Len(t, s.busy.to.Requests(), 3, "one that failed, the one that was broken off, and one more")

	require.Equal(t, "RETRYING", s.later.status(t))
	require.Len(t, s.later.to.Requests(), 1, "it is not its time")
	require.Equal(t, 2, s.later.retry(t).AttemptCount)

	require.Equal(t, "PARKED", s.parked.status(t))
	s.parked.mutate(t, "resumeDestination", "ResumeDestinationInput", "destination { id }", map[string]any{"destinationID": s.parked.destination}, nil)
	s.parked.succeeded(t, s.parked.event, 1)

	require.Equal(t, "FAILED", s.failed.status(t))
	d := s.failed.retry(t)
	require.Equal(t, 3, d.AttemptCount)
	require.Len(t, d.Attempts.Edges, 3, "what was attempted before is there")

	status, body := s.well.request(t, http.MethodPost, "/server/incoming_data", []byte(`{"keyed":1}`), "Idempotency-Key", "once")
	require.Equal(t, http.StatusAccepted, status)
	require.Contains(t, string(body), s.keyed)
	require.Contains(t, string(body), `"duplicate":true`)

	judge, err := standardwebhooks.NewWebhook(s.retrying.secret)
	require.NoError(t, err)
	for _, q := range s.retrying.to.Requests() {
		require.Equal(t, s.retrying.event, q.Header.Get("webhook-id"), "the same for each attempt")
		require.JSONEq(t, `{"n":1}`, string(q.Body))
		require.NoError(t, judge.Verify(q.Body, q.Header), "the secret is the one it had")
	}
	require.Len(t, s.later.to.Requests(), 2)
	require.Len(t, s.parked.to.Requests(), 1)
	require.Len(t, s.failed.to.Requests(), 3)
	once := map[string]int{}
	for _, q := range s.well.to.Requests() {
		once[q.Header.Get("webhook-id")]++
	}
	for id, n := range once {
		require.Equal(t, 1, n, "%s was sent more than once", id)
	}
	require.Len(t, once, history+2+len(s.pending))
}

// newOutgrown is a standalone with a history. It still runs, and does not dispatch the
// events that it accepts from now on.
func newOutgrown(t *testing.T) (outgrown, *process) {
	t.Helper()
	s := outgrown{dir: filepath.Join(t.TempDir(), "data")}
	p, admin, _ := bootStandalone(t, s.dir, "--no-demo", "--log-level=error")
	down := receiver.Status(http.StatusServiceUnavailable)
	s.well = newCustomer(t, admin, "well", receiver.New(t))
	s.retrying = newCustomer(t, admin, "retrying", receiver.New(t, down), strings.Split(strings.Repeat("20s,", 19)+"20s", ",")...)
	s.later = newCustomer(t, admin, "later", receiver.New(t, down), "2h")
	s.parked = newCustomer(t, admin, "parked", receiver.New(t))
	s.failed = newCustomer(t, admin, "failed", receiver.New(t, down), "1s")
	s.busy = newCustomer(t, admin, "busy", receiver.New(t, down), "2h")
	s.parked.mutate(t, "pauseDestination", "PauseDestinationInput", "destination { id }", map[string]any{"destinationID": s.parked.destination}, nil)
	for from := 0; from < history; from += 500 {
		events := make([]string, 500)
		for n := range events {
			events[n] = fmt.Sprintf(`{"n":%d}`, from+n)
		}
		status, body := s.well.request(t, http.MethodPost, "/server/incoming_data/batch", []byte("["+strings.Join(events, ",")+"]"))
		require.Less(t, status, 300, "%.200s", body)
		s.well.to.Wait(t, from+len(events))
	}
	s.keyed = s.well.push(t, `{"keyed":1}`, "Idempotency-Key", "once")
	waits := map[*customer]string{s.retrying: "RETRYING", s.later: "RETRYING", s.busy: "RETRYING", s.parked: "PARKED", s.failed: "FAILED"}
	for c := range waits {
		c.event = c.push(t, `{"n":1}`)
	}
	for c, status := range waits {
		eventually(t, func() bool { return c.status(t) == status }, "a delivery is "+status)
	}
	s.well.to.Wait(t, history+1)
	s.well.succeeded(t, s.keyed, 1)
	p.stop()

	// The first event leaves at once; the others would have to wait for an hour.
	p, admin, _ = bootStandalone(t, s.dir, "--no-demo", "--log-level=error", "--first-attempt=engine", "--pace=1h")
	s.well.url = admin.url
	s.well.succeeded(t, s.well.push(t, `{"first":1}`), 1)
	s.busy.url = admin.url
	answer := make(chan struct{})
	t.Cleanup(func() { close(answer) })
	s.busy.to.Script(receiver.Until(answer, receiver.Status(http.StatusOK)))
	s.busy.retryNow(t)
	s.busy.to.Wait(t, 2)
	return s, p
}

func newCustomer(t *testing.T, admin api, name string, to *receiver.Receiver, schedule ...string) *customer {
	t.Helper()
	id, token := admin.createAccount(t, name+"@example.com")
	c := &customer{api: admin.with(token), to: to}
	c.destination, c.secret = c.createDestination(t, id, to.URL, "POST")
	if schedule != nil {
		c.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }", map[string]any{"id": c.destination, "retrySchedule": schedule}, nil)
	}
	return c
}

func (c *customer) status(t *testing.T) string {
	t.Helper()
	return c.deliveries(t, c.event)[0].Status
}

// retry has the event's delivery attempted now, and waits until it has succeeded.
func (c *customer) retry(t *testing.T) delivery {
	t.Helper()
	c.retryNow(t)
	return c.succeeded(t, c.event, 1)[0]
}

func (c *customer) retryNow(t *testing.T) {
	t.Helper()
	d := c.deliveries(t, c.event)[0]
	c.mutate(t, "retryDelivery", "RetryDeliveryInput", "delivery { id }", map[string]any{"deliveryID": d.ID, "reason": "moved"}, nil)
}
