package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counter is a destination for many events: it notes when each arrived, and in
// what order, and can be dead.
type counter struct {
	url     string
	dead    atomic.Bool
	hangs   bool // while it is dead it does not answer at all
	refused atomic.Int64

	mu      sync.Mutex
	order   []string             // webhook-ids in order of arrival
	arrived map[string]time.Time // by payload
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{arrived: map[string]time.Time{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if c.dead.Load() {
			c.refused.Add(1)
			if c.hangs {
				<-r.Context().Done()
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.order = append(c.order, r.Header.Get("webhook-id"))
		c.arrived[string(body)] = time.Now()
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *counter) received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.order)
}

func (c *counter) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.order)
}

// load pushes events at a constant rate, however long each takes, and gives the
// time from each one's turn to its arrival at a destination.
func (c *counter) load(t *testing.T, a api, n, perSecond int) (p50, p99 time.Duration) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	began := time.Now()
	due := func(i int) time.Time { return began.Add(time.Duration(i) * time.Second / time.Duration(perSecond)) }
	var wg sync.WaitGroup
	var failed atomic.Int64
	places := make(chan struct{}, 256)
	for i := range n {
		<-time.After(time.Until(due(i))) // the rate of an open loop
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			// A machine that is very busy answers 503: whoever sends comes again, and the
			// time counts.
			for try := 1; ; try++ {
				status := a.pushOnce(t, client, i)
				if status == http.StatusAccepted {
					return
				}
				if status != http.StatusServiceUnavailable || try == 20 {
					failed.Add(1)
					return
				}
				<-time.After(time.Second) // its Retry-After
			}
		})
	}
	wg.Wait()
	require.Zero(t, failed.Load(), "events that were not accepted")
	eventually(t, func() bool { return c.received() >= n }, "everything arrives at the healthy destination")
	took := make([]time.Duration, n)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		took[i] = c.arrived[strconv.Itoa(i)].Sub(due(i))
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100]
}

// pushOnce pushes a number as an event, and gives the answer's status; 0 for none.
func (a api) pushOnce(t *testing.T, client *http.Client, i int) int {
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/server/incoming_data", bytes.NewReader([]byte(strconv.Itoa(i))))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+a.token)
	answer, err := client.Do(q)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

type health struct {
	Enabled bool
	State   string
	Reason  *string
	Health  struct {
		Since             string
		RecentSuccessRate *float64
		ParkedCount       int
		OldestParkedAt    *string
		NextProbeAt       *string
	}
}

func (a api) health(t *testing.T, destination string) health {
	t.Helper()
	var data struct{ Destination health }
	a.query(t, `query($id: ID!) { destination(id: $id) { enabled state reason
		health { since recentSuccessRate parkedCount oldestParkedAt nextProbeAt } } }`, map[string]any{"id": destination}, &data)
	return data.Destination
}

// workflows counts what Temporal knows to match a query of its own.
func workflows(t *testing.T, where endpoints, query string) int {
	t.Helper()
	var answer struct{ Count string }
	require.NoError(t, getJSON(t, where.TemporalUI+"/api/v1/namespaces/default/workflow-count?query="+url.QueryEscape(query), &answer))
	n, _ := strconv.Atoi(answer.Count)
	return n
}

// A dead destination beside a healthy one of the same account: it costs its probes
// and one workflow, and what waits for it arrives in order when it is back. The
// times are printed, not judged: a machine that is busy with other things has
// others.
func TestADeadDestination(t *testing.T) {
	for name, c := range map[string]struct {
		hangs  bool
		reason string
	}{
		"that refuses":         {false, "http_503"},
		"that does not answer": {true, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, admin, where := bootStandalone(t, t.TempDir(), "--no-demo", "--log-level=error")
			deadDestination(t, admin, 10_000, c.hangs, c.reason, func(id string) {
				lanes := workflows(t, where, fmt.Sprintf("WorkflowId = %q", "destination/"+id))
				runs := workflows(t, where, fmt.Sprintf("DestinationIds = %q", id))
				t.Logf("it cost %d workflow(s) of its own, and activities in %d others", lanes, runs)
				require.LessOrEqual(t, lanes, 3)
				require.LessOrEqual(t, runs, 20)
			})
		})
	}
}

// The same on Postgres, with Temporal as a process of its own.
func TestADeadDestinationInProduction(t *testing.T) {
	_, admin := newInstallation(t).serve(t, "--worker", "--migrate", "--log-level=info")
	deadDestination(t, admin, 3000, false, "http_503", func(string) {})
}

func deadDestination(t *testing.T, admin api, events int, hangs bool, reason string, look func(id string)) {
	t.Helper()
	const rate = 400
	account, token := admin.createAccount(t, "baseline@example.com")
	well := newCounter(t)
	admin.createDestination(t, account, well.url, "POST")
	well.load(t, admin.with(token), rate, rate) // warm up
	well = newCounter(t)
	account, token = admin.createAccount(t, "alone@example.com")
	admin.createDestination(t, account, well.url, "POST")
	p50, p99 := well.load(t, admin.with(token), events*2/5, rate)
	t.Logf("alone:                p50 %s, p99 %s (%d events/s)", p50, p99, rate)
	well = newCounter(t)
	account, token = admin.createAccount(t, "beside@example.com")
	admin.createDestination(t, account, well.url, "POST")
	admin.createDestination(t, account, newCounter(t).url, "POST")
	p50, p99 = well.load(t, admin.with(token), events*2/5, rate)
	t.Logf("beside a healthy one: p50 %s, p99 %s", p50, p99)

	account, token = admin.createAccount(t, "dead@example.com")
	well, dead := newCounter(t), newCounter(t)
	dead.hangs = hangs
	dead.dead.Store(true)
	admin.createDestination(t, account, well.url, "POST")
	id, _ := admin.createDestination(t, account, dead.url, "POST")
	beside50, beside99 := well.load(t, admin.with(token), events, rate)
	t.Logf("beside a dead one:    p50 %s, p99 %s: %.2f times the p99 beside a healthy one",
		beside50, beside99, float64(beside99)/float64(p99))

	eventually(t, func() bool { return admin.health(t, id).State == "OPEN" }, "the breaker is open")
	h := admin.health(t, id)
	require.True(t, h.Enabled)
	require.Contains(t, *h.Reason, reason)
	require.NotNil(t, h.Health.NextProbeAt)
	require.NotNil(t, h.Health.OldestParkedAt)
	require.NotNil(t, h.Health.RecentSuccessRate)
	require.Zero(t, *h.Health.RecentSuccessRate)
	eventually(t, func() bool { return admin.health(t, id).Health.ParkedCount == events }, "everything for the dead one is parked")
	attempts := dead.refused.Load()
	t.Logf("the dead one cost %d attempts, for %d events", attempts, events)
	require.LessOrEqual(t, attempts, int64(300), "what was in flight when the breaker opened, and probes")
	look(id)

	dead.dead.Store(false)
	began := time.Now()
	require.Eventually(t, func() bool { return dead.received() >= events }, 5*time.Minute, 100*time.Millisecond)
	t.Logf("back again: all %d arrived within %s of its return", events, time.Since(began).Round(time.Millisecond))
	eventually(t, func() bool { return admin.health(t, id).Health.ParkedCount == 0 }, "nothing is parked")
	order := dead.ids()
	require.Len(t, order, events, "once each")
	require.True(t, slices.IsSorted(order), "in order of acceptance")
	require.Len(t, slices.Compact(order), events)
	require.Equal(t, "SENDING", admin.health(t, id).State)
}
