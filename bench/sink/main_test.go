package sink

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
)

func TestMainReceivesUntilItsInputEnds(t *testing.T) {
	t.Parallel()
	in, hold := io.Pipe()
	lines, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(nil, in, out, io.Discard) }()
	var at Addresses
	require.NoError(t, json.NewDecoder(lines).Decode(&at))

	client := &http.Client{Transport: &http.Transport{}}
	call := func(method, url, body string) (int, string) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("webhook-id", ledger.NumberedID(7).String())
		a, err := client.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(a.Body)
		require.NoError(t, err)
		require.NoError(t, a.Body.Close())
		return a.StatusCode, strings.TrimSpace(string(text))
	}
	file := filepath.Join(t.TempDir(), "accepted")
	require.NoError(t, os.WriteFile(file, ledger.Record{ID: ledger.NumberedID(7), Kind: ledger.Accepted}.Append(nil), 0o600))
	for _, c := range []struct {
		method, url, body string
		status            int
		want              string
	}{
		{"POST", at.URL + "/ok/3", string(ledger.AppendPayload(nil, 100)), 200, "{}"},
		{"GET", at.Control + "/control/stats", "", 200, `"classes":{"ok":{"arrivals":1,"distinct":1,"unnamed":0,`},
		{"GET", at.Control + "/control/latency", "", 200, `"all":{"count":1,`},
		{"POST", at.Control + "/control/reset-latency", "", 200, "{}"},
		{"GET", at.Control + "/control/latency", "", 200, `"all":{"count":0,`},
		{"POST", at.Control + "/control/check", `{"accepted":"` + file + `","destinations":[3]}`, 200, `{"accepted":1,"missing":0,"duplicates":0,"unexpected":0,"uncertain":0}`},
		{"POST", at.Control + "/control/reset", "", 200, "{}"},
		{"POST", at.Control + "/control/check", `{"accepted":"` + file + `","destinations":[3]}`, 200, `"missing":1,`},
		{"POST", at.Control + "/control/check", `{"accepted":"` + file + `.none"}`, 400, `{"error":"open `},
		{"POST", at.Control + "/control/check", `?`, 400, `{"error":`},
		{"POST", at.Control + "/control/verify?secret=whsec_YWJj&every=1&destination=3", "", 200, "{}"},
		{"POST", at.URL + "/ok/3", "", 200, "{}"},
		{"GET", at.Control + "/control/stats", "", 200, `"verified":{"good":0,"bad":1,`},
		{"POST", at.Control + "/control/verify?secret=a&every=1", "", 400, `whsec_`},
		{"POST", at.Control + "/control/verify?secret=whsec_YWJj&every=x", "", 400, `every is a number`},
		{"POST", at.Control + "/control/verify?secret=whsec_YWJj&every=1&destination=x", "", 400, `destination is a number`},
	} {
		status, got := call(c.method, c.url, c.body)
		require.Equal(t, c.status, status, c.url)
		require.Contains(t, got, c.want, c.url)
	}
	client.CloseIdleConnections()
	require.NoError(t, hold.Close())
	require.NoError(t, <-ended)
	for _, args := range [][]string{{"-x"}, {"-listen", "nowhere"}, {"-control", "nowhere"}} {
		require.Error(t, run(args, in, out, io.Discard), args)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 28, unsafe.Sizeof(entry{}))
	var table table
	const n = 3*blockSize + 5
	keys := func(visit func(key)) {
		for i := range uint64(n) {
			k := key{id: ledger.NumberedID(i / 3), destination: uint32(i % 3)}
			visit(k)
		}
	}
	require.Nil(t, table.find(key{}, key{}.hash()))
	keys(func(k key) { require.True(t, table.add(k, k.hash(), unknownNumber)) })
	keys(func(k key) { require.False(t, table.add(k, k.hash(), 0)) })
	keys(func(k key) { require.Equal(t, k, table.find(k, k.hash()).key) })
	seen := 0
	table.each(func(e *entry) {
		seen++
		require.EqualValues(t, 1, e.again)
		require.EqualValues(t, noNumber, e.number)
	})
	require.Equal(t, n, seen)
}
