package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
)

// tail subscribes to a server with server-sent events, and gives what it tells with
// the time when it came.
func (a api) tail(t *testing.T, subscription string) <-chan arrival {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/graphql?query="+url.QueryEscape(subscription), nil)
	require.NoError(t, err)
	q.Header.Set("Accept", "text/event-stream")
	q.Header.Set("Authorization", "Bearer "+a.token)
	answer, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, http.StatusOK, answer.StatusCode)
	told := make(chan arrival, 100_000)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				told <- arrival{data, time.Now()}
			}
		}
	}()
	return told
}

type arrival struct {
	data string
	at   time.Time
}

func (a arrival) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, one := range texts {
		require.Contains(t, a.data, one)
	}
}

func next(t *testing.T, told <-chan arrival) arrival {
	t.Helper()
	select {
	case a, ok := <-told:
		require.True(t, ok, "the stream has ended")
		return a
	case <-time.After(patience):
		require.FailNow(t, "nothing was told")
	}
	panic("unreachable")
}

// TestSubscriptionsHearOfOtherProcesses: two processes serve, a third works. What one
// accepts, and what the worker does, a subscriber of the other hears of within a
// second.
func TestSubscriptionsHearOfOtherProcesses(t *testing.T) {
	t.Parallel()
	i := newRiverInstallation(t, pgtest.URL(t))
	_, one := i.serve(t, "--migrate")
	_, two := i.serve(t)
	start(t, production(t), i.env, "worker").waitFor(t, `"msg":"working"`)
	account, token := one.createAccount(t, "live@example.com")
	there := receiver.New(t)
	destination, _ := one.createDestination(t, account, there.URL, "POST")

	events := two.with(token).tail(t, `subscription { eventReceived { event { id } } }`)
	updates := two.with(token).tail(t, `subscription { deliveryUpdated { delivery { event { id } status } } }`)
	health := two.with(token).tail(t, `subscription { destinationHealthChanged { destination { id state } } }`)
	for range 3 {
		began := time.Now()
		event := one.with(token).push(t, payload)
		told := next(t, events)
		told.has(t, event)
		require.Less(t, told.at.Sub(began), time.Second)
		t.Logf("told of an event after %v", told.at.Sub(began))
		for told := next(t, updates); ; told = next(t, updates) {
			told.has(t, event)
			if strings.Contains(told.data, "SUCCEEDED") {
				break
			}
		}
	}
	var data any
	began := time.Now()
	one.query(t, `mutation($id: ID!) { pauseDestination(input: {destinationID: $id}) { destination { id } } }`, map[string]any{"id": destination}, &data)
	told := next(t, health)
	told.has(t, destination, "PAUSED")
	require.Less(t, told.at.Sub(began), time.Second)
}

// clients are subscription clients that are not ours, installed once.
var clients = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("npm", "--prefix", "clients", "ci", "--no-audit", "--no-fund", "--loglevel=error").CombinedOutput()
	return string(out), err
})

// requireNode skips where Node is missing, but not in CI.
func requireNode(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			require.Empty(t, os.Getenv("CI"), "CI needs %s 20.19 or later for the clients in e2e/clients", tool)
			t.Skipf("%s is missing, which the clients in e2e/clients need", tool)
		}
	}
}

// TestOtherClientsSubscribe: what people use speaks to the real program.
func TestOtherClientsSubscribe(t *testing.T) {
	t.Parallel()
	requireNode(t)
	i := newRiverInstallation(t, pgtest.URL(t))
	_, admin := i.serve(t, "--migrate")
	account, token := admin.createAccount(t, "clients@example.com")
	sender := admin.with(token)
	out, err := clients()
	require.NoError(t, err, "%s", out)

	for _, name := range []string{"graphql-ws", "graphql-sse", "urql", "urql-ws", "EventSource"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What is there before is queried; from its cursor on nothing is missing.
			before := sender.push(t, `"before"`)
			var data struct {
				Events struct{ Edges []struct{ Cursor string } }
			}
			sender.query(t, `query($id: ID!) { events(where: {id: $id}) { edges { cursor } } }`, map[string]any{"id": before}, &data)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			const n = 20
			cmd := exec.CommandContext(ctx, "node", filepath.Join("clients", "subscribe.mjs"),
				name, admin.url+"/graphql", token, data.Events.Edges[0].Cursor, strconv.Itoa(1000))
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			pushed := map[string]bool{}
			for range n {
				pushed[sender.push(t, `"`+name+`"`)] = true
			}
			for lines := bufio.NewScanner(stdout); len(pushed) > 0; {
				require.True(t, lines.Scan(), stderr.String())
				var told struct {
					Cursor, At string
					Event      struct{ ID, Payload string }
				}
				require.NoError(t, json.Unmarshal(lines.Bytes(), &told), lines.Text())
				if pushed[told.Event.ID] {
					require.Equal(t, `"`+name+`"`, told.Event.Payload)
					delete(pushed, told.Event.ID)
				}
			}
			cancel()
			_ = cmd.Wait()
			_ = account
		})
	}
}

// TestSubscriptionLag measures how long after its record in the database a client
// hears of something, at two rates, in the process that accepts and in another one.
// It takes a while, and is for whoever wants to know: DATAPUSHER_E2E_LAG=10s.
func TestSubscriptionLag(t *testing.T) {
	each, err := time.ParseDuration(os.Getenv("DATAPUSHER_E2E_LAG"))
	if err != nil {
		t.Skip("DATAPUSHER_E2E_LAG says how long each rate is measured, such as 10s")
	}
	i := newRiverInstallation(t, pgtest.URL(t))
	_, one := i.serve(t, "--migrate", "--worker")
	_, two := i.serve(t)
	account, token := one.createAccount(t, "lag@example.com")
	there := receiver.New(t)
	one.createDestination(t, account, there.URL, "POST")
	type measured struct {
		name string
		told <-chan arrival
	}
	var all []measured
	for process, server := range map[string]api{"same process": one, "another process": two} {
		all = append(all,
			measured{"eventReceived, " + process, server.with(token).tail(t, `subscription { eventReceived { at skipped } }`)},
			measured{"deliveryUpdated, " + process, server.with(token).tail(t, `subscription { deliveryUpdated { at skipped delivery { settledAt } } }`)})
	}
	for _, rate := range []int{100, 1000} {
		stop := make(chan struct{})
		var pushing sync.WaitGroup
		var pushed atomic.Int64
		const senders = 20
		for n := range senders {
			pushing.Go(func() {
				time.Sleep(time.Duration(n) * time.Second / time.Duration(rate)) // one after the other
				ticker := time.NewTicker(senders * time.Second / time.Duration(rate))
				defer ticker.Stop()
				for {
					select {
					case <-stop:
						return
					case <-ticker.C:
						one.with(token).push(t, `{"a":1}`)
						pushed.Add(1)
					}
				}
			})
		}
		time.AfterFunc(each, func() { close(stop) })
		pushing.Wait()
		for _, m := range all {
			var lags []time.Duration
			skipped := 0
			for quiet := false; !quiet; {
				select {
				case a := <-m.told:
					var payload struct{ Data map[string]json.RawMessage }
					require.NoError(t, json.Unmarshal([]byte(a.data), &payload))
					for _, text := range payload.Data {
						var one struct {
							At       time.Time
							Skipped  int
							Delivery *struct{ SettledAt *time.Time }
						}
						require.NoError(t, json.Unmarshal(text, &one))
						skipped += one.Skipped
						if one.Delivery == nil || one.Delivery.SettledAt != nil {
							lags = append(lags, a.at.Sub(one.At))
						}
					}
				case <-time.After(time.Second):
					quiet = true
				}
			}
			slices.Sort(lags)
			require.NotEmpty(t, lags)
			t.Logf("%4d/s for %v, %s: %d pushed, %d told, %d skipped, p50 %v, p99 %v", rate, each, m.name, pushed.Load(), len(lags), skipped,
				lags[len(lags)/2].Round(time.Millisecond/10), lags[len(lags)*99/100].Round(time.Millisecond/10))
		}
	}
}
