package id_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/id"
)

func TestNewIsWellFormedAndSortsByTime(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_800_000_000_000)
	early, late := id.New(id.Account, at), id.New(id.Account, at.Add(time.Millisecond))
	require.True(t, id.Is(id.Account, early))
	require.False(t, id.Is(id.Token, early))
	require.Less(t, early, late)
}

func TestMinterGrowsStrictlyEvenWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	var m id.Minter
	at := time.UnixMilli(1_800_000_000_000)
	ids := m.Events(at, 1000)
	ids = append(ids, m.Events(at.Add(-time.Hour), 1000)...)
	ids = append(ids, m.Events(at.Add(time.Second), 1000)...)
	require.True(t, slices.IsSorted(ids))
	require.Len(t, slices.Compact(ids), 3000)
	for _, e := range ids {
		require.True(t, id.Is(id.Event, e), e)
	}
}

func TestIdsOfOneEventAreBuiltFromEachOther(t *testing.T) {
	t.Parallel()
	var m id.Minter
	event := m.Events(time.Now(), 1)[0]
	first, second, last := id.DeliveryOf(event, 0), id.DeliveryOf(event, 1), id.DeliveryOf(event, id.MaxOrdinal)
	require.True(t, id.Is(id.Delivery, first))
	require.Less(t, first, second)

	from, to := id.FanOut(event)
	for _, d := range []string{first, second, last} {
		require.GreaterOrEqual(t, d, from)
		require.Less(t, d, to)
	}
	require.Equal(t, "att_"+strings.TrimPrefix(second, "dlv_")[:23]+"00A", id.AttemptOf(second, 10))
	require.True(t, id.Is(id.Attempt, id.AttemptOf(second, id.MaxOrdinal)))
	from, to = id.Attempts(second)
	for _, number := range []int{1, 10, id.MaxOrdinal} {
		require.GreaterOrEqual(t, id.AttemptOf(second, number), from)
		require.Less(t, id.AttemptOf(second, number), to)
	}
	require.GreaterOrEqual(t, id.AttemptOf(last, 1), to)
}

func TestFirstIsBelowWhatIsMintedThen(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	var m id.Minter
	minted := m.Events(at, 1)[0]
	require.LessOrEqual(t, id.First(id.Event, at), minted)
	require.Greater(t, id.First(id.Event, at.Add(time.Millisecond)), minted)
	require.True(t, id.Is(id.Event, id.First(id.Event, at)))
	require.True(t, id.Is(id.Event, id.First(id.Event, time.Time{})))
}

func TestParseRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	good := id.New(id.Event, time.Now())
	for name, s := range map[string]string{
		"empty":          "",
		"short":          good[:29],
		"long":           good + "0",
		"unknown prefix": "foo" + good[3:],
		"lower case":     strings.ToLower(good),
		"letter U":       good[:29] + "U",
		"time too big":   "evt_8" + good[5:],
		"not ASCII":      good[:28] + "é",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := id.Parse(s)
			require.Error(t, err)
		})
	}
}

func TestTimeOf(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	require.Equal(t, at, id.TimeOf(id.New(id.Destination, at)))
	var m id.Minter
	event := m.Events(at, 1)[0]
	require.Equal(t, at, id.TimeOf(event))
	require.Equal(t, at, id.TimeOf(id.DeliveryOf(event, 3)))
	for _, bad := range []string{"", "evt_", "evt_U0000000000000000000000000"} {
		require.True(t, id.TimeOf(bad).IsZero(), bad)
	}
}
