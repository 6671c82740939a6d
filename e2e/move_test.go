package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flaky is a destination that fails the first attempt of every eighth event: too few
// for its breaker.
type flaky struct {
	url string

	mu     sync.Mutex
	came   map[string][]time.Time // by webhook-id
	failed map[string]bool
}

func newFlaky(t *testing.T) *flaky {
	t.Helper()
	f := &flaky{came: map[string][]time.Time{}, failed: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n, _ := strconv.Atoi(string(body))
		f.mu.Lock()
		defer f.mu.Unlock()
		id := r.Header.Get("webhook-id")
		f.came[id] = append(f.came[id], time.Now())
		if n%8 == 0 && len(f.came[id]) == 1 {
			f.failed[id] = true
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// sending pushes events at a rate until it is stopped, to the first of the fronts
// that takes them, as a load balancer does.
type sending struct {
	token    string
	fronts   atomic.Pointer[[]string]
	accepted []string // event ids
	stop     func()
}

func send(t *testing.T, token string, perSecond int, fronts ...string) *sending {
	t.Helper()
	s := &sending{token: token}
	s.to(fronts...)
	end, ended := make(chan struct{}), make(chan struct{})
	var pushing sync.WaitGroup
	var mu sync.Mutex
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				pushing.Go(func() {
					if id := s.push(t, i); id != "" {
						mu.Lock()
						defer mu.Unlock()
						s.accepted = append(s.accepted, id)
					}
				})
			case <-end:
				pushing.Wait()
				return
			}
		}
	}()
	s.stop = sync.OnceFunc(func() {
		close(end)
		<-ended
	})
	t.Cleanup(s.stop)
	return s
}

func (s *sending) to(fronts ...string) { s.fronts.Store(&fronts) }

// push sends one event, again and again until somebody has accepted it.
func (s *sending) push(t *testing.T, i int) (id string) {
	for began := time.Now(); time.Since(began) < time.Minute; {
		for _, front := range *s.fronts.Load() {
			q, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, front+"/server/incoming_data", strings.NewReader(fmt.Sprint(i)))
			q.Header.Set("Content-Type", "application/json")
			q.Header.Set("Authorization", "Bearer "+s.token)
			q.Header.Set("Idempotency-Key", fmt.Sprint(i))
			answer, err := http.DefaultClient.Do(q)
			if err != nil {
				continue
			}
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusAccepted {
				_, rest, _ := strings.Cut(string(body), `"event_id":"`)
				id, _, _ = strings.Cut(rest, `"`)
				return id
			}
		}
	}
	return ""
}

// TestAMoveUnderLoad goes from Temporal to River and back as docs/ENGINES.md says,
// while events come in and others wait for their second attempt. Each arrives, none
// more often than it has to, and none is late for the move.
func TestAMoveUnderLoad(t *testing.T) {
	t.Parallel()
	const rate, wait = 100, 5 * time.Second
	i := newInstallation(t)
	i.command(t, "migrate", "up", "--engine=river")
	old, admin := i.serve(t, "--worker", "--engine=temporal")
	account, token := admin.createAccount(t, "moves-under-load@example.com")
	well, fails := newCounter(t), newFlaky(t)
	a := admin.with(token)
	a.createDestination(t, account, well.url, "POST")
	id, _ := a.createDestination(t, account, fails.url, "POST")
	a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }",
		map[string]any{"id": id, "retrySchedule": []string{wait.String(), "1m"}}, nil)

	load := send(t, token, rate, admin.url)
	eventually(t, func() bool { return well.received() > 3*rate }, "events come in")
	olds := []*process{old}
	move := func(engine string) {
		t.Helper()
		began := time.Now()
		front, next := i.serve(t, "--engine="+engine) // accepts, and does not work yet
		load.to(next.url)
		for _, p := range olds {
			p.stop() // what it is at ends, what waits stays
		}
		worker := start(t, production(t), i.env, "worker", "--engine="+engine)
		worker.waitFor(t, `"msg":"working"`)
		t.Logf("to %s, %s after the beginning:\n%s", engine, time.Since(began).Round(time.Millisecond),
			i.command(t, "engine", "move", "--to", engine))
		olds = []*process{front, worker}
		admin = next
		n := well.received()
		eventually(t, func() bool { return well.received() > n+3*rate }, "it goes on")
	}
	move("river")
	move("temporal")
	load.stop()

	events := map[string]bool{}
	for _, event := range load.accepted {
		events[event] = true
	}
	require.Len(t, events, len(load.accepted), "an event is accepted once")
	eventually(t, func() bool { return well.received() >= len(events) }, "each arrives")
	var twice int
	var late []time.Duration
	eventually(t, func() bool {
		fails.mu.Lock()
		defer fails.mu.Unlock()
		twice, late = 0, nil
		for event := range events {
			came, needed := fails.came[event], 1
			if fails.failed[event] {
				needed = 2
			}
			if len(came) < needed {
				return false
			}
			twice += len(came) - needed
			if needed == 2 {
				late = append(late, came[1].Sub(came[0])-wait)
			}
		}
		return true
	}, "each arrives, those that failed at their second attempt")
	for _, event := range well.ids() {
		require.True(t, events[event], "nobody has sent %s", event)
	}
	twice += well.received() - len(events)
	latest := time.Duration(0)
	for _, l := range late {
		latest = max(latest, l)
	}
	t.Logf("%d events to two destinations: %d requests too many; of %d second attempts the latest came %s after its time",
		len(events), twice, len(late), latest.Round(time.Millisecond))
	require.Less(t, latest, 30*time.Second, "what was due in the seconds of a move is the reconciler's, some 15 s late")
	require.Zero(t, twice, "a clean end interrupts nothing, and nothing is in two places")
}
