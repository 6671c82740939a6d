package watch

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// door is a server that answers one subscription a connection: with what a test
// tells it to say.
type door struct {
	*httptest.Server
	asked chan string // queries
	say   chan string // after the pong; the connection ends with the channel
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{asked: make(chan string, 8), say: make(chan string)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		write := func(text string) bool { return conn.Write(r.Context(), websocket.MessageText, []byte(text)) == nil }
		for {
			_, text, err := conn.Read(r.Context())
			var m message
			if err != nil || json.Unmarshal(text, &m) != nil {
				return
			}
			switch m.Type {
			case "connection_init":
				write(`{"type":"connection_ack"}`)
			case "subscribe":
				var asks struct{ Query string }
				_ = json.Unmarshal(m.Payload, &asks)
				d.asked <- asks.Query
			case "ping":
				write(`{"type":"pong"}`)
				for s := range d.say {
					write(s)
				}
				return
			}
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func next(data string) string { return `{"id":"1","type":"next","payload":{"data":` + data + `}}` }

// The lag is that from the time in the database.
func TestWhatIsHeardIsCounted(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	w, err := Start(t.Context(), Options{URL: d.URL, Subscriptions: []Subscription{{Token: "secret", Field: "deliveryUpdated", Account: "acc_1"}}})
	require.NoError(t, err)
	defer w.Close()
	require.Equal(t, `subscription { deliveryUpdated(accountID: "acc_1") { at skipped delivery { id status } } }`, <-d.asked)

	update := func(ago time.Duration, skipped int) string {
		return next(fmt.Sprintf(`{"deliveryUpdated":{"at":%q,"skipped":%d,"delivery":{"id":"dlv_1","status":"SUCCEEDED"}}}`,
			time.Now().Add(-ago).UTC().Format(time.RFC3339Nano), skipped))
	}
	d.say <- update(10*time.Second, 0)
	d.say <- update(20*time.Second, 17)
	d.say <- `{"id":"1","type":"complete"}`
	close(d.say)
	require.Eventually(t, func() bool { return w.Heard()["deliveryUpdated"].Ended == 1 }, 5*time.Second, time.Millisecond)
	h := w.Heard()["deliveryUpdated"]
	require.EqualValues(t, 2, h.Messages)
	require.EqualValues(t, 17, h.Skipped)
	require.EqualValues(t, 2, h.Lag.Count)
	require.InEpsilon(t, 10_000, h.Lag.P50, 0.01)
	require.InEpsilon(t, 20_000, h.Lag.Max, 0.01)
}

func TestWhatCannotBeReadEndsASubscription(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	w, err := Start(t.Context(), Options{URL: d.URL, Subscriptions: []Subscription{{Token: "secret", Field: "eventReceived", Account: "acc_1"}}})
	require.NoError(t, err)
	defer w.Close()
	d.say <- next(`null`)
	close(d.say)
	require.Eventually(t, func() bool { return w.Heard()["eventReceived"].Ended == 1 }, 5*time.Second, time.Millisecond)
	require.Contains(t, w.Heard()["eventReceived"].FirstEnd, "it cannot be read")
}

func TestMainWatchesUntilItsInputEnds(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	close(d.say)
	options, err := json.Marshal(Options{URL: d.URL, Subscriptions: []Subscription{{Token: "secret", Field: "eventReceived"}}})
	require.NoError(t, err)
	in, tell := io.Pipe()
	out, say := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), in, say) }()
	_, err = fmt.Fprintf(tell, "%s\n", options)
	require.NoError(t, err)
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.JSONEq(t, `{"watching":1}`, lines.Text())
	_, err = io.WriteString(tell, "\n")
	require.NoError(t, err)
	require.NoError(t, tell.Close())
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), `{"heard":{"eventReceived":{"subscriptions":1,"messages":0,`)
	require.NoError(t, <-ended)
}

func TestAWatchForgetsWhatItHasHeard(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	w, err := Start(t.Context(), Options{URL: d.URL, Subscriptions: []Subscription{{Token: "secret", Field: "eventReceived", Account: "acc_1"}}})
	require.NoError(t, err)
	defer w.Close()
	d.say <- next(`{"eventReceived":{"at":"2026-01-01T00:00:00Z","skipped":3,"event":{"id":"evt_1"}}}`)
	require.Eventually(t, func() bool { return w.Heard()["eventReceived"].Lag.Count == 1 }, 5*time.Second, time.Millisecond)
	w.Reset()
	require.Zero(t, w.Heard()["eventReceived"].Messages+w.Heard()["eventReceived"].Skipped)
	close(d.say)
	require.Eventually(t, func() bool { return w.Heard()["eventReceived"].Ended == 1 }, 5*time.Second, time.Millisecond)
}

func TestASubscriptionThatDoesNotBeginIsAnError(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for want, s := range map[string]Subscription{
		"401":                       {Token: "wrong", Field: "eventReceived"},
		`no subscription "nothing"`: {Token: "secret", Field: "nothing"},
	} {
		_, err := Start(t.Context(), Options{URL: d.URL, Subscriptions: []Subscription{s}})
		require.ErrorContains(t, err, want)
	}
}
