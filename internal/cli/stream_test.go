package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// streams is a server whose subscriptions tell these payloads, a list for each
// connection; asked are the cursors that the connections begin with.
func streams(t *testing.T, asked *[]string, connections ...[]string) *client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var body struct{ Variables struct{ After string } }
		_ = json.NewDecoder(q.Body).Decode(&body)
		n := len(*asked)
		*asked = append(*asked, body.Variables.After)
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		if n >= len(connections) {
			<-q.Context().Done()
			return
		}
		for _, payload := range connections[n] {
			fmt.Fprintf(w, "event: next\ndata: {\"data\":{\"told\":%s}}\n\n", payload)
		}
	}))
	t.Cleanup(s.Close)
	return &client{server: s.URL, token: "t", http: s.Client()}
}

// follow gives what is shown, until there are so many.
func follow(t *testing.T, c *client, n int) (shown []string, notes string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var told bytes.Buffer
	err := c.follow(ctx, &Terminal{Err: &told}, "", map[string]any{}, func(payload json.RawMessage) error {
		if shown = append(shown, string(payload)); len(shown) == n {
			cancel()
		}
		return nil
	})
	require.NoError(t, err)
	return shown, told.String()
}

// Who goes on at another process is told the last seconds once more.
func TestWhatIsToldTwiceIsShownOnce(t *testing.T) {
	t.Parallel()
	event := func(cursor, id string) string { return `{"cursor":"` + cursor + `","event":{"id":"` + id + `"}}` }
	delivery := func(cursor, id, status string, attempts int) string {
		return fmt.Sprintf(`{"cursor":%q,"delivery":{"id":%q,"status":%q,"attemptCount":%d}}`, cursor, id, status, attempts)
	}
	for name, test := range map[string]struct{ first, then, shown []string }{
		"events": {
			[]string{event("1", "a"), event("2", "b")},
			[]string{event("3", "a"), event("4", "b"), event("5", "c")},
			[]string{event("1", "a"), event("2", "b"), event("5", "c")},
		},
		"deliveries": {
			[]string{delivery("1", "a", "PARKED", 1), delivery("2", "b", "RETRYING", 1), delivery("3", "c", "SUCCEEDED", 1)},
			[]string{delivery("4", "a", "RETRYING", 1), delivery("5", "b", "RETRYING", 2), delivery("6", "c", "SUCCEEDED", 1), delivery("7", "a", "PARKED", 1)},
			[]string{
				delivery("1", "a", "PARKED", 1), delivery("2", "b", "RETRYING", 1), delivery("3", "c", "SUCCEEDED", 1),
				delivery("4", "a", "RETRYING", 1), delivery("5", "b", "RETRYING", 2), delivery("7", "a", "PARKED", 1),
			},
		},
		"more that is left out": {
			[]string{event("1", "a")},
			[]string{`{"cursor":"2","skipped":3,"event":{"id":"a"}}`},
			[]string{event("1", "a"), `{"cursor":"2","skipped":3,"event":{"id":"a"}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			shown, notes := follow(t, streams(t, &asked, test.first, test.then), len(test.shown))
			require.Equal(t, test.shown, shown)
			require.Len(t, asked, 2)
			require.Equal(t, fmt.Sprint(len(test.first)), asked[1], "where it was")
			require.Contains(t, notes, "connecting again")
			require.NotContains(t, notes, "missing")
		})
	}
}

// Without a cursor there is nowhere to go on from.
func TestAGapThatCannotBeClosedIsSaid(t *testing.T) {
	t.Parallel()
	var asked []string
	shown, notes := follow(t, streams(t, &asked, nil, []string{`{"cursor":"1","event":{"id":"a"}}`}), 1)
	require.Len(t, shown, 1)
	require.Equal(t, []string{"", ""}, asked)
	require.Contains(t, notes, "may be missing")
}

func TestWhatWasShownIsForgottenInTheEnd(t *testing.T) {
	t.Parallel()
	var all shown
	for n := range 5 * maxShown {
		require.False(t, all.again(fmt.Sprint(n), state{}))
		require.LessOrEqual(t, len(all.recent)+len(all.before), 2*maxShown)
	}
	require.True(t, all.again(fmt.Sprint(4*maxShown), state{}))
	require.False(t, all.again("0", state{}))
}
