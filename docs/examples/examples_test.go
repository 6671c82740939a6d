// Package examples holds receivers to copy from, in several languages, and the
// test that sends to each of them.
package examples

import (
	"bufio"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// Each receiver takes what is signed, whatever the method and while a secret is
// being rotated, and refuses everything else.
func TestReceiversVerify(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ language, file string }{
		"Node":   {"node", "node/receiver.mjs"},
		"Python": {"python3", "python/receiver.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(test.language)
			if err != nil {
				t.Skip(test.language + " is not there")
			}
			key, other := sender.NewSecret(), sender.NewSecret()
			url := run(t, program, test.file, sender.FormatSecret(key))
			out := sender.New(sender.Options{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			t.Cleanup(out.Close)
			for name, c := range map[string]struct {
				method string
				keys   []sender.Key
				status int
			}{
				"a body":                {http.MethodPost, []sender.Key{{Bytes: key}}, http.StatusNoContent},
				"a query string":        {http.MethodGet, []sender.Key{{Bytes: key}}, http.StatusNoContent},
				"PUT":                   {http.MethodPut, []sender.Key{{Bytes: key}}, http.StatusNoContent},
				"while it is rotated":   {http.MethodPost, []sender.Key{{Bytes: other}, {Bytes: key}}, http.StatusNoContent},
				"another key":           {http.MethodPost, []sender.Key{{Bytes: other}}, http.StatusUnauthorized},
				"another key for a GET": {http.MethodGet, []sender.Key{{Bytes: other}}, http.StatusUnauthorized},
			} {
				result := out.Send(t.Context(), &sender.Request{
					EventID: "evt_01JD3ZQ8M4T6W0Y5K2BXH7000000", Method: c.method, URL: url + "/in?x=1",
					Payload: []byte(`{"n":1.00,"text":"é y"}`), Keys: c.keys,
				})
				require.Equal(t, c.status, result.Status, "%s: %s", name, result.Class)
			}
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(q)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusUnauthorized, answer.StatusCode, "without a signature")
		})
	}
}

// run starts a receiver until the test ends, and returns its URL.
func run(t *testing.T, program, file, secret string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, file)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "PORT=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // it ends with the test's context
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() { // or it would wait for room in the pipe
				}
			}()
			return m[1]
		}
	}
	t.Fatal("the receiver has not begun to listen")
	return ""
}
