package ledger_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/internal/id"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, size := range []int{ledger.MinPayload, 100, 1024} {
		b := ledger.AppendPayload(nil, size)
		require.Len(t, b, size)
		require.True(t, json.Valid(b))
		for _, n := range []uint64{0, 123, ledger.MaxNumber} {
			const at = 1764000000000000001
			ledger.Stamp(b, n, at)
			require.Len(t, b, size)
			require.True(t, json.Valid(b), "%s", b)
			gotN, gotT, ok := ledger.ReadStamp(b)
			require.True(t, ok)
			require.Equal(t, n, gotN)
			require.EqualValues(t, at, gotT)
		}
	}
}

func TestReadStampRefuses(t *testing.T) {
	t.Parallel()
	b := string(ledger.AppendPayload(nil, 100))
	for _, text := range []string{"", "{}", b[1:], b[:40], strings.Replace(b, "0", "x", 1), strings.Replace(b, "0}", "x}", 1), strings.Replace(b, `"t"`, `"u"`, 1)} {
		_, _, ok := ledger.ReadStamp([]byte(text))
		require.False(t, ok, text)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	var m id.Minter
	seen := make(map[ledger.ID]bool)
	for _, text := range m.Events(time.Now(), 100) {
		got, ok := ledger.ParseID([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, text, got.String())
		seen[got] = true
	}
	require.Len(t, seen, 100)
	room := bytes.Repeat([]byte("."), ledger.IDLength+1)
	ledger.NumberedID(33).Put(room)
	require.Equal(t, "evt_00000000000000000000000011.", string(room))
	_, ok := ledger.ParseID([]byte("evt_01JD3ZQ8M4T6W0Y5K2BX000000"))
	require.True(t, ok)
	for _, text := range []string{"", "evt_", "dlv_01JD3ZQ8M4T6W0Y5K2BX000000", "evt_01JD3ZQ8M4T6W0Y5K2BX00000", "evt_01JD3ZQ8M4T6W0Y5K2BX0000U0", "evt_01JD3ZQ8M4T6W0Y5K2bX000000", "evt_91JD3ZQ8M4T6W0Y5K2BX000000"} {
		_, ok := ledger.ParseID([]byte(text))
		require.False(t, ok, text)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	want := []ledger.Record{
		{ID: ledger.NumberedID(7), Number: 1 << 40, Account: 3, Kind: ledger.Accepted},
		{Number: 8, Account: 1 << 20, Kind: ledger.Uncertain},
	}
	var b []byte
	for _, r := range want {
		b = r.Append(b)
	}
	require.Len(t, b, 2*ledger.RecordSize)
	name := filepath.Join(t.TempDir(), "accepted")
	read := func(b []byte) (got []ledger.Record, err error) {
		require.NoError(t, os.WriteFile(name, b, 0o600))
		for r, err := range ledger.ReadFile(name) {
			if err != nil {
				return got, err
			}
			got = append(got, r)
		}
		return got, nil
	}
	got, err := read(b)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = read(b[:len(b)-1])
	require.ErrorContains(t, err, "unexpected EOF")
	require.Len(t, got, 1)
	b[ledger.RecordSize-1] = 'x'
	_, err = read(b)
	require.ErrorContains(t, err, "no record")
	for _, err := range ledger.ReadFile(filepath.Join(t.TempDir(), "none")) {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	var a, b, empty ledger.Latencies
	for i := range 1000 {
		a.Add(time.Duration(i+1) * time.Millisecond)
	}
	b.Merge(&a)
	b.Merge(&empty)
	b.Add(-time.Second)
	b.Add(100 * time.Hour)
	got := b.Summary()
	require.EqualValues(t, 1002, got.Count)
	require.InEpsilon(t, 500, got.P50, 0.01)
	require.InEpsilon(t, 990, got.P99, 0.01)
	require.InEpsilon(t, 3_600_000, got.Max, 0.01)
	b.Reset()
	empty.Reset()
	require.Equal(t, ledger.Summary{}, b.Summary())
	require.Equal(t, ledger.Summary{}, empty.Summary())
}
