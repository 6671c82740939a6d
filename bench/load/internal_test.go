package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/bench/wire"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{0}, schedule([]Account{{Weight: 5}}))
	require.Equal(t, []int{0, 1, 2}, schedule([]Account{{Weight: 2}, {Weight: 2}, {Weight: 2}}))
	order := schedule([]Account{{Weight: 1}, {Weight: 10}, {Weight: 1}})
	require.Len(t, order, 12)
	row, longest := 0, 0
	for _, a := range order {
		if row++; a != 1 {
			row = 0
		}
		longest = max(longest, row)
	}
	require.LessOrEqual(t, longest, 5) // spread, not ten in a row
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	one, two := ledger.NumberedID(1), ledger.NumberedID(2)
	id, ok := receipt([]byte(` { "a" : {"event_id":"x"}, "b\",":[1,"]"] , "event_id" : "` + one.String() + `" } `))
	require.True(t, ok)
	require.Equal(t, one, id)
	for _, text := range []string{``, `[]`, `{`, `{"event_id"`, `{"event_id":`, `{"event_id":1}`, `{"event_id":"a"}`, `{"x":{"event_id":"` + one.String() + `"}}`, `{"event_id:`} {
		_, ok := receipt([]byte(text))
		require.False(t, ok, text)
	}
	type result struct {
		id ledger.ID
		ok bool
	}
	var got []result
	for id, ok := range receipts([]byte(`{"status":true,"results":[{"status":true,"event_id":"` + one.String() + `"},
		{"event_id":"` + one.String() + `","status":false}, {"status":true}, {}, 7, {"event_id":"` + two.String() + `","status":true}]}`)) {
		got = append(got, result{id, ok})
	}
	require.Equal(t, []result{{one, true}, {one, false}, {ok: false}, {ok: false}, {ok: false}, {two, true}}, got)
}

func TestRequestIsHTTP(t *testing.T) {
	t.Parallel()
	o, err := Options{
		URLs: []string{"http://door:80/in?a=b"}, Accounts: []Account{{Token: "a"}, {Token: "longer"}},
		Size: 100, Batch: 3, Count: 1,
	}.complete()
	require.NoError(t, err)
	r := newRequest(&o, heads(&o, o.URLs[0]))
	const at = 1764000000000000001
	for i, account := range []int{1, 0, 0, 1} {
		parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.of(account, uint64(i), at))))
		require.NoError(t, err)
		require.Equal(t, "door:80", parsed.Host)
		require.Equal(t, "/in?a=b", parsed.RequestURI)
		require.Equal(t, "Bearer "+o.Accounts[account].Token, parsed.Header.Get("Authorization"))
		var payloads []json.RawMessage
		require.NoError(t, json.NewDecoder(parsed.Body).Decode(&payloads))
		require.Len(t, payloads, 3)
		for k, p := range payloads {
			n, stamped, ok := ledger.ReadStamp(p)
			require.True(t, ok)
			require.EqualValues(t, i+k, n)
			require.EqualValues(t, at, stamped)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(tokens, []byte("a:10\nb\n"), 0o600))
	o, err := parse([]string{
		"-url", "http://a", "-url", "http://b", "-tokens", tokens, "-token", "c:2", "-header", "X: y", "-size", "100", "-batch", "5",
		"-connections", "3", "-rate", "1.5", "-count", "7", "-duration", "1s", "-warmup", "2s", "-first", "9", "-timeout", "3s",
		"-max-backoff", "4ms", "-accepted", "f", "-direct",
	}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, Options{
		URLs: []string{"http://a", "http://b"}, Accounts: []Account{{"a", 10}, {"b", 0}, {"c", 2}}, Headers: []string{"X: y"},
		Size: 100, Batch: 5, Connections: 3, Rate: 1.5, Count: 7, Duration: time.Second, Warmup: 2 * time.Second, First: 9,
		Timeout: 3 * time.Second, MaxBackoff: 4 * time.Millisecond, Accepted: "f", Direct: true,
	}, o)
	for _, args := range [][]string{{"x"}, {"-token", "a:0"}, {"-tokens", filepath.Join(t.TempDir(), "none")}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err)
	}
}

func TestMainPrintsLines(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ok := wire.NewAnswer(http.StatusOK, nil)
	s := wire.Serve(l, func(<-chan struct{}) wire.Handler { return func(*wire.Request) *wire.Answer { return ok } })
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	var out bytes.Buffer
	require.NoError(t, runMain(t.Context(), []string{"-url", "http://" + l.Addr().String(), "-direct", "-warmup", "1ms", "-duration", "50ms"}, &out, io.Discard))
	lines := json.NewDecoder(&out)
	var first, last Line
	require.NoError(t, lines.Decode(&first))
	require.NoError(t, lines.Decode(&last))
	require.True(t, first.Measuring)
	require.NotNil(t, last.Result)
	require.Positive(t, last.Result.Accepted)
	require.False(t, lines.More())
}

func TestAnAnswerThatDoesNotCome(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := wire.Serve(l, func(<-chan struct{}) wire.Handler { return func(*wire.Request) *wire.Answer { return nil } })
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	result, err := Run(t.Context(), Options{URLs: []string{"http://" + l.Addr().String()}, Connections: 1, Count: 1, Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	require.EqualValues(t, 1, result.Errors)
	require.Contains(t, result.FirstError, "timeout")
}
