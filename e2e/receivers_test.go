package e2e_test

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/receiver"
)

// attempt is what the API tells of one.
type attempt struct {
	Number            int
	Status            *int
	ErrorClass        *string
	AskedBy           string
	ResponseTruncated bool
	ResponseBody      *string
	ResponseHeaders   []struct{ Name, Value string }
	RequestHeaders    []struct{ Name, Value string }
	Timings           struct{ DNSMs, ConnectMs, TLSMs, FirstByteMs, TotalMs float64 }
}

func (a api) attempts(t *testing.T, event string) (status string, reason *string, due *time.Time, all []attempt) {
	t.Helper()
	var data struct {
		Event struct {
			Deliveries struct {
				Edges []struct {
					Node struct {
						Status        string
						Reason        *string
						NextAttemptAt *time.Time
						Attempts      struct {
							Edges []struct{ Node attempt }
						}
					}
				}
			}
		}
	}
	a.query(t, `query($id: ID!) { event(id: $id) { deliveries { edges { node { status reason nextAttemptAt attempts { edges { node {
		number status errorClass askedBy responseTruncated responseBody responseHeaders { name value } requestHeaders { name value }
		timings { dnsMs connectMs tlsMs firstByteMs totalMs }
	} } } } } } } }`, map[string]any{"id": event}, &data)
	if len(data.Event.Deliveries.Edges) == 0 {
		return "", nil, nil, nil
	}
	node := data.Event.Deliveries.Edges[0].Node
	for _, e := range node.Attempts.Edges {
		all = append(all, e.Node)
	}
	return node.Status, node.Reason, node.NextAttemptAt, all
}

// Receivers of every kind, against the whole program with a real Temporal: what
// each makes of its delivery, and that none of them holds up another.
func TestReceiversOfEveryKind(t *testing.T) {
	t.Parallel()
	_, admin, _ := bootStandalone(t, t.TempDir(), "--no-demo")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	slow := func(then receiver.Answer) receiver.Answer {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * time.Second): // longer than a workflow waits for its first attempts
			case <-r.Context().Done():
			}
			then(w, r)
		}
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 4096))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	flood := func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2000 {
			w.Header().Set("X-Flood-"+strconv.Itoa(i), strings.Repeat("y", 64))
		}
	}
	resetAfterTheBody := func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = connection.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
		_ = connection.(*net.TCPConn).SetLinger(0)
		_ = connection.Close()
	}
	ok := receiver.Status(http.StatusOK)
	for name, c := range map[string]struct {
		answers  []receiver.Answer
		url      string
		status   string // where it comes to
		reason   string
		attempts int
		after    time.Duration // until the next attempt, at least
		state    string        // of the destination
	}{
		"well":                   {answers: []receiver.Answer{ok}, status: "SUCCEEDED", attempts: 1, state: "SENDING"},
		"slow":                   {answers: []receiver.Answer{slow(ok)}, status: "SUCCEEDED", attempts: 1, state: "SENDING"},
		"dead":                   {url: "http://" + closed.Addr().String(), status: "RETRYING", reason: "connect", attempts: 2, after: 3 * time.Minute, state: "SENDING"},
		"flapping":               {answers: []receiver.Answer{receiver.Status(500), ok}, status: "SUCCEEDED", attempts: 2, state: "SENDING"},
		"gone":                   {answers: []receiver.Answer{receiver.Status(410)}, status: "PARKED", reason: "http_410", attempts: 1, state: "DISABLED"},
		"too many":               {answers: []receiver.Answer{receiver.Status(429, "Retry-After", "1")}, status: "RETRYING", reason: "http_429", attempts: 1, after: 40 * time.Second, state: "SENDING"},
		"moved":                  {answers: []receiver.Answer{receiver.Status(302, "Location", "http://127.0.0.1:1/")}, status: "RETRYING", reason: "http_302", attempts: 1, state: "SENDING"},
		"hangs up":               {answers: []receiver.Answer{receiver.Hangup, ok}, status: "SUCCEEDED", attempts: 2, state: "SENDING"},
		"resets after the body":  {answers: []receiver.Answer{resetAfterTheBody}, status: "SUCCEEDED", attempts: 1, state: "SENDING"},
		"answers without an end": {answers: []receiver.Answer{endless}, status: "SUCCEEDED", attempts: 1, state: "SENDING"},
		"floods with headers":    {answers: []receiver.Answer{flood, ok}, status: "SUCCEEDED", attempts: 2, state: "SENDING"},
		"no answer in time":      {answers: []receiver.Answer{receiver.Until(nil, nil)}, status: "RETRYING", reason: "timeout", attempts: 1, after: 40 * time.Second, state: "SENDING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account, token := admin.createAccount(t, strings.ReplaceAll(name, " ", "-")+"@example.com")
			a := admin.with(token)
			url := c.url
			if url == "" {
				url = receiver.New(t, c.answers...).URL
			}
			id, _ := a.createDestination(t, account, url, "POST")
			if name == "no answer in time" {
				a.mutate(t, "updateDestination", "UpdateDestinationInput", "destination { id }", map[string]any{"id": id, "timeout": "1s"}, nil)
			}
			event := a.push(t, payload)
			var (
				reason *string
				due    *time.Time
				all    []attempt
			)
			eventually(t, func() bool {
				var status string
				status, reason, due, all = a.attempts(t, event)
				// A delivery and its attempts are read one after the other: the time of the
				// next one may be that of the one that has just been made.
				later := c.after == 0 || due != nil && time.Until(*due) > c.after
				return status == c.status && len(all) >= c.attempts && later
			}, "it comes to "+c.status)
			require.Len(t, all, c.attempts)
			if c.reason != "" {
				require.Equal(t, c.reason, *reason)
			}
			require.Equal(t, c.state, a.health(t, id).State)
			last := all[len(all)-1]
			require.Equal(t, "SCHEDULE", last.AskedBy)
			require.NotEmpty(t, last.RequestHeaders)
			require.Positive(t, last.Timings.TotalMs)
			if name == "answers without an end" || name == "resets after the body" {
				require.True(t, last.ResponseTruncated)
				require.LessOrEqual(t, len(*last.ResponseBody), 16*1024)
			}
		})
	}
}
