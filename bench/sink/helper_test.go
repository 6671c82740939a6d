package sink_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/bench/sink"
)

// world is a sink and a client of it.
type world struct {
	*sink.Sink
	url    string
	client *http.Client
}

func newWorld(t testing.TB) *world {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := sink.Start(l)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	t.Cleanup(client.CloseIdleConnections)
	return &world{Sink: s, url: "http://" + l.Addr().String(), client: client}
}

func payload(n uint64, at time.Time) []byte {
	b := ledger.AppendPayload(nil, 100)
	ledger.Stamp(b, n, at.UnixNano())
	return b
}

// push sends what a sender sends, and gives the status.
func (w *world) push(t testing.TB, path string, body []byte, headers map[string]string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url+path, bytes.NewReader(body))
	require.NoError(t, err)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	a, err := w.client.Do(r)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, a.Body)
	require.NoError(t, err)
	require.NoError(t, a.Body.Close())
	return a.StatusCode
}

// event sends event n.
func (w *world) event(t testing.TB, path string, n uint64) int {
	t.Helper()
	return w.push(t, path, payload(n, time.Now()), map[string]string{"webhook-id": ledger.NumberedID(n).String()})
}

// file writes records.
func file(t testing.TB, records ...ledger.Record) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "accepted")
	var b []byte
	for _, r := range records {
		b = r.Append(b)
	}
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return name
}

func accepted(n uint64, account uint32) ledger.Record {
	return ledger.Record{ID: ledger.NumberedID(n), Number: n, Account: account, Kind: ledger.Accepted}
}
