package sink_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/bench/sink"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range uint64(4) {
		w.event(t, "/ok/1", n)
		w.event(t, "/ok/2", n)
	}
	w.event(t, "/ok/2", 0)
	w.event(t, "/ok/2", 0)
	w.event(t, "/ok/3", 9) // is not asked about
	all := file(t, accepted(0, 0), accepted(1, 1), accepted(2, 0), accepted(3, 1))
	for name, c := range map[string]struct {
		file         string
		destinations []uint32
		accounts     []uint32
		want         sink.Verdict
	}{
		"good":      {all, []uint32{1}, nil, sink.Verdict{Accepted: 4}},
		"duplicate": {all, []uint32{1, 2}, nil, sink.Verdict{Accepted: 4, Duplicates: 2, Examples: []string{"duplicate: evt_00000000000000000000000000 at destination 2, number 0"}}},
		"missing": {file(t, accepted(0, 0), accepted(1, 0), accepted(2, 0), accepted(3, 0), accepted(7, 0)), []uint32{1}, nil,
			sink.Verdict{Accepted: 5, Missing: 1, Examples: []string{"missing: evt_00000000000000000000000007 at destination 1, number 7"}}},
		"unexpected": {file(t, accepted(0, 0), accepted(1, 0), accepted(2, 0)), []uint32{1}, nil,
			sink.Verdict{Accepted: 3, Unexpected: 1, Examples: []string{"unexpected: evt_00000000000000000000000003 at destination 1, number 3"}}},
		"uncertain": {file(t, accepted(0, 0), accepted(1, 0), accepted(2, 0), ledger.Record{Number: 3, Kind: ledger.Uncertain}, ledger.Record{Number: 8, Kind: ledger.Uncertain}), []uint32{1}, nil,
			sink.Verdict{Accepted: 3, Uncertain: 1}},
		"accounts": {all, []uint32{1}, []uint32{0, 1}, sink.Verdict{Accepted: 4}},
	} {
		for range 2 { // a check leaves nothing behind
			got, err := w.Check(sink.Expectation{Accepted: c.file, Destinations: c.destinations, Accounts: c.accounts})
			require.NoError(t, err)
			require.Equal(t, c.want, got, name)
		}
	}

	got, err := w.Check(sink.Expectation{Accepted: all, Destinations: []uint32{1}, Accounts: []uint32{1}})
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Accepted)
	require.EqualValues(t, 2, got.Unexpected) // those of the other account

	got, err = w.Check(sink.Expectation{Accepted: all, Destinations: []uint32{4, 5}})
	require.NoError(t, err)
	require.EqualValues(t, 8, got.Missing)
	require.Len(t, got.Examples, 5)

	_, err = w.Check(sink.Expectation{Accepted: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
}
