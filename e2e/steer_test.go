package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/receiver"
)

// mutate carries out a mutation with one input and decodes its payload.
func (a api) mutate(t *testing.T, name, inputType, fields string, input map[string]any, payload any) {
	t.Helper()
	var data map[string]any
	a.query(t, fmt.Sprintf("mutation($in: %s!) { %s(input: $in) { %s } }", inputType, name, fields), map[string]any{"in": input}, &data)
	if payload != nil {
		into(t, data[name], payload)
	}
}

func TestAWaitingDeliveryIsSteered(t *testing.T) {
	t.Parallel()
	_, admin, _ := bootStandalone(t, t.TempDir(), "--no-demo")
	waitingDeliveryIsSteered(t, admin)
	pausedAndResumed(t, admin)
}

// waitingDeliveryIsSteered has one delivery tried now and another canceled.
func waitingDeliveryIsSteered(t *testing.T, admin api) {
	t.Helper()
	account, token := admin.createAccount(t, "steer@example.com")
	a := admin.with(token)
	r := receiver.New(t, receiver.Status(http.StatusServiceUnavailable), receiver.Status(http.StatusServiceUnavailable), receiver.Status(http.StatusOK))
	id, _ := a.createDestination(t, account, r.URL, "POST")
	a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }", map[string]any{"id": id, "retrySchedule": []string{"5h"}}, nil)

	first, second := a.push(t, `{"n":1}`), a.push(t, `{"n":2}`)
	var d, other delivery
	eventually(t, func() bool {
		d, other = a.deliveries(t, first)[0], a.deliveries(t, second)[0]
		return d.Status == "RETRYING" && other.Status == "RETRYING"
	}, "both wait")
	at, err := time.Parse(time.RFC3339Nano, *d.NextAttemptAt)
	require.NoError(t, err)
	require.Greater(t, time.Until(at), 3*time.Hour)

	began := time.Now()
	a.mutate(t, "retryDelivery", "RetryDeliveryInput", "delivery { id }", map[string]any{"deliveryID": d.ID, "reason": "mended"}, nil)
	r.Wait(t, 3)
	t.Logf("retry now: attempted %s after the call, instead of in %s", time.Since(began).Round(time.Millisecond), time.Until(at).Round(time.Minute))
	require.Less(t, time.Since(began), 30*time.Second, "on any machine: the figure is printed")
	require.Equal(t, 2, a.succeeded(t, first, 1)[0].AttemptCount)

	a.mutate(t, "cancelDelivery", "CancelDeliveryInput", "delivery { id }", map[string]any{"deliveryID": other.ID, "reason": "sold out"}, nil)
	var data struct {
		Delivery struct {
			Status, Reason string
			NextAttemptAt  *string
			Timeline       []struct{ Kind, Text string }
		}
	}
	a.query(t, `query($id: ID!) { delivery(id: $id) { status reason nextAttemptAt timeline { kind text } } }`, map[string]any{"id": other.ID}, &data)
	require.Equal(t, "CANCELED", data.Delivery.Status)
	require.Contains(t, data.Delivery.Reason, "sold out")
	require.Nil(t, data.Delivery.NextAttemptAt)
	require.Contains(t, fmt.Sprint(data.Delivery.Timeline), "sold out")
	t.Logf("canceled: reason %q, timeline %v", data.Delivery.Reason, data.Delivery.Timeline)
	require.Len(t, r.Requests(), 3)
}

// pausedAndResumed: what comes for a destination that is paused waits in the park,
// together with what waits for its next attempt, and arrives in order when it is
// resumed.
func pausedAndResumed(t *testing.T, admin api) {
	t.Helper()
	account, token := admin.createAccount(t, "paused@example.com")
	a := admin.with(token)
	to := newCounter(t)
	to.dead.Store(true)
	id, _ := a.createDestination(t, account, to.url, "POST")
	a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }", map[string]any{"id": id, "retrySchedule": []string{"5h"}}, nil)
	events := []string{a.push(t, `{"n":0}`)}
	eventually(t, func() bool { return a.deliveries(t, events[0])[0].Status == "RETRYING" }, "the first one waits")
	a.mutate(t, "pauseDestination", "PauseDestinationInput", "destination { id }", map[string]any{"destinationID": id}, nil)
	to.dead.Store(false)
	for i := range 20 {
		events = append(events, a.push(t, fmt.Sprintf(`{"n":%d}`, i+1)))
	}
	eventually(t, func() bool { return a.health(t, id).Health.ParkedCount == len(events) }, "all are parked")
	require.Zero(t, to.received())

	began := time.Now()
	a.mutate(t, "resumeDestination", "ResumeDestinationInput", "destination { id }", map[string]any{"destinationID": id}, nil)
	for _, event := range events {
		a.succeeded(t, event, 1)
	}
	t.Logf("resumed: all %d arrived within %s", len(events), time.Since(began).Round(time.Millisecond))
	require.Equal(t, events, to.ids(), "once each, in order of acceptance")
	eventually(t, func() bool { return a.health(t, id).State == "SENDING" }, "it sends")
}

// The published library judges: during the overlap it accepts each request with
// the old secret and the new one, and after it with the new one alone.
func TestBothSecretsDuringAnOverlap(t *testing.T) {
	t.Parallel()
	_, admin, _ := bootStandalone(t, t.TempDir(), "--no-demo")
	account, token := admin.createAccount(t, "rotate@example.com")
	a := admin.with(token)
	r := receiver.New(t)
	id, old := a.createDestination(t, account, r.URL, "POST")
	verified := func(secret string, q receiver.Request) bool {
		judge, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		return judge.Verify(q.Body, q.Header) == nil
	}
	next := func() receiver.Request {
		n := len(r.Requests())
		a.push(t, `{"n":1}`)
		return r.Wait(t, n+1)[n]
	}
	require.True(t, verified(old, next()))
	var rotated struct{ SigningSecret string }
	began := time.Now()
	a.mutate(t, "rotateSigningSecret", "RotateSigningSecretInput", "signingSecret", map[string]any{"destinationID": id, "overlap": "5s"}, &rotated)
	q := next()
	if time.Since(began) < 5*time.Second {
		require.True(t, verified(old, q), "the old secret, during the overlap")
	}
	require.True(t, verified(rotated.SigningSecret, q), "the new secret")
	eventually(t, func() bool {
		q := next()
		require.True(t, verified(rotated.SigningSecret, q))
		return !verified(old, q)
	}, "after the overlap the new one alone")
	require.GreaterOrEqual(t, time.Since(began), 5*time.Second)
}

// TestKilledInTheMiddleOfAReplay: a bulk replay goes on where it was, and its
// report adds up.
func TestKilledInTheMiddleOfAReplay(t *testing.T) {
	dir := t.TempDir()
	killedInTheMiddleOfAReplay(t, 5000, func() (*process, api) {
		p, admin, _ := bootStandalone(t, dir, "--no-demo", "--log-level=error")
		return p, admin
	})
}

func killedInTheMiddleOfAReplay(t *testing.T, events int, boot func() (*process, api)) {
	t.Helper()
	p, admin := boot()
	account, token := admin.createAccount(t, "replay@example.com")
	to := newCounter(t)
	admin.createDestination(t, account, to.url, "POST")
	to.load(t, admin.with(token), events, 500)
	originals := to.received()
	require.Equal(t, events, originals)

	filter := map[string]any{"accountID": account, "statuses": []string{"SUCCEEDED"}}
	type report struct{ Pending, Retrying, Parked, Succeeded, Failed, Canceled int }
	type replay struct {
		ID, Status                             string
		Matched, Replayed, Skipped, Deliveries int
		Report                                 report
	}
	var dry struct {
		Replay *replay
		Count  int
	}
	const fields = "id status matched replayed skipped deliveries"
	eventually(t, func() bool {
		admin.mutate(t, "replayEvents", "ReplayEventsInput", "count replay { "+fields+" }", map[string]any{"filter": filter, "dryRun": true}, &dry)
		return dry.Count == events
	}, "the dry run counts "+strconv.Itoa(events))
	require.Nil(t, dry.Replay)
	var made struct{ Replay replay }
	admin.mutate(t, "replayEvents", "ReplayEventsInput", "count replay { "+fields+" }", map[string]any{"filter": filter, "rate": 500}, &made)
	state := func() replay {
		var data struct{ Replay replay }
		admin.query(t, `query($id: ID!) { replay(id: $id) { `+fields+` report { pending retrying parked succeeded failed canceled } } }`,
			map[string]any{"id": made.Replay.ID}, &data)
		return data.Replay
	}
	eventually(t, func() bool { return state().Replayed > events/5 }, "the replay is under way")
	p.kill()
	before := to.received() - originals

	_, admin = boot()
	at := state()
	t.Logf("killed after %d events, %d of which had arrived; found at %d", at.Replayed, before, at.Replayed)
	require.Equal(t, "RUNNING", at.Status)
	require.Less(t, at.Replayed, events)
	began := time.Now()
	eventually(t, func() bool { return state().Replayed > at.Replayed }, "it goes on")
	t.Logf("went on %s after the restart", time.Since(began).Round(time.Millisecond))
	require.Eventually(t, func() bool {
		s := state()
		return s.Status == "COMPLETED" && s.Report.Succeeded == events
	}, 3*time.Minute, 200*time.Millisecond, "it ends: %+v", state())
	s := state()
	t.Logf("report: %+v", s)
	require.Equal(t, []int{events, events, 0, events}, []int{s.Matched, s.Replayed, s.Skipped, s.Deliveries})
	require.Equal(t, report{Succeeded: events}, s.Report)

	ids := map[string]int{}
	for _, id := range to.ids() {
		ids[id]++
	}
	require.Len(t, ids, 2*events, "each event and its replay")
	again := 0
	for _, n := range ids {
		again += n - 1
	}
	t.Logf("%d requests came twice, of those that were under way at the kill", again)
	require.LessOrEqual(t, again, 1024, "as many as may be under way in a process until they are recorded")
}
