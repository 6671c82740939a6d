package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// balancer sends events to the servers that are ready, as a load balancer does: it
// asks each of them all the time, takes one out with the first answer of /readyz that
// is not 200, and puts it in with the next that is. It keeps connections open, and
// never sends a request again.
type balancer struct {
	token  string
	client *http.Client

	mu       sync.Mutex
	ready    []string
	accepted []string // ids of events
	failed   []string // what else was answered, or why nothing was
}

func newBalancer(token string) *balancer {
	return &balancer{token: token, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second,
	}}
}

// probeEvery is the time between two looks at a server.
const probeEvery = 50 * time.Millisecond

// follow looks after a server until the returned function is called, or the test ends.
func (b *balancer) follow(t *testing.T, url string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for ctx.Err() == nil {
			b.put(url, ctx.Err() == nil && b.isReady(ctx, url))
			select {
			case <-time.After(probeEvery):
			case <-ctx.Done():
			}
		}
		b.put(url, false)
	}()
	eventually(t, func() bool { return b.has(url) }, url+" is ready")
	return func() {
		cancel()
		<-looked
	}
}

func (b *balancer) isReady(ctx context.Context, url string) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := b.client.Do(q)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (b *balancer) put(url string, in bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = slices.DeleteFunc(b.ready, func(u string) bool { return u == url })
	if in {
		b.ready = append(b.ready, url)
	}
}

func (b *balancer) has(url string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.ready, url)
}

// pick is any server that is ready; "" for none.
func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 {
		return ""
	}
	return b.ready[rand.IntN(len(b.ready))]
}

// load sends so many events a second until the returned function is called, which
// waits for the last answers.
func (b *balancer) load(t *testing.T, perSecond int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if to := b.pick(); to != "" {
				sending.Go(func() { b.send(ctx, to, n) })
			}
		}
	})
	return func() {
		cancel()
		sending.Wait()
		b.client.CloseIdleConnections()
	}
}

func (b *balancer) send(ctx context.Context, to string, n int) {
	q, _ := http.NewRequest(http.MethodPost, to+"/server/incoming_data", bytes.NewReader(fmt.Appendf(nil, `{"n":%d}`, n)))
	q.GetBody = nil // or net/http sends it again on its own where a connection was closed
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+b.token)
	answer, err := b.client.Do(q)
	if err != nil {
		b.note("", err.Error())
		return
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode == http.StatusServiceUnavailable && bytes.Contains(body, []byte("waited too long already")) {
		// Back-pressure of a machine that is slow now, and nothing of a server that
		// leaves: who is told to come again comes again.
		select {
		case <-time.After(time.Second):
			b.send(ctx, to, n)
		case <-ctx.Done():
		}
		return
	}
	var event struct {
		EventID string `json:"event_id"`
	}
	if err != nil || answer.StatusCode != http.StatusAccepted || json.Unmarshal(body, &event) != nil {
		b.note("", fmt.Sprintf("%s: %d %s %v", to, answer.StatusCode, body, err))
		return
	}
	b.note(event.EventID, "")
}

func (b *balancer) note(accepted, failed string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if failed != "" {
		b.failed = append(b.failed, failed)
		return
	}
	b.accepted = append(b.accepted, accepted)
}

// count is how many events were accepted so far.
func (b *balancer) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.accepted)
}

// more waits until so many further events were accepted.
func (b *balancer) more(t *testing.T, n int) {
	t.Helper()
	from := b.count()
	eventually(t, func() bool { return b.count() >= from+n }, "further events are accepted")
}

// check compares the ledgers: no request failed, and what was accepted has arrived
// once, each.
func (b *balancer) check(t *testing.T, to *counter) {
	t.Helper()
	b.mu.Lock()
	accepted, failed := slices.Clone(b.accepted), slices.Clone(b.failed)
	b.mu.Unlock()
	require.Empty(t, failed, "requests that were not accepted, of %d", len(accepted)+len(failed))
	eventually(t, func() bool { return to.received() >= len(accepted) }, "everything arrives")
	arrived := map[string]int{}
	for _, id := range to.ids() {
		arrived[id]++
	}
	twice := 0
	for _, id := range accepted {
		require.Positive(t, arrived[id], "%s was accepted and has not arrived", id)
		twice += arrived[id] - 1
	}
	t.Logf("%d events accepted, none refused, none lost, %d sent twice", len(accepted), twice)
	require.Zero(t, twice)
	require.Len(t, arrived, len(accepted))
}
