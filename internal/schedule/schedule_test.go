package schedule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/schedule"
)

func TestTheDefaultIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	require.Equal(t, schedule.Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
		20 * time.Hour, 24 * time.Hour,
	}, schedule.Default)
	none, err := schedule.Parse("")
	require.NoError(t, err)
	require.Equal(t, schedule.Default, none)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	for _, s := range []schedule.Schedule{schedule.Default, {time.Second}, {90 * time.Second, schedule.MaxWait}} {
		read, err := schedule.Parse(s.String())
		require.NoError(t, err)
		require.Equal(t, s, read)
	}
	_, err := schedule.Parse("5s soon")
	require.Error(t, err)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, schedule.Default.Check())
	require.NoError(t, make20(time.Second).Check())
	require.ErrorContains(t, append(make20(time.Second), time.Second).Check(), "at most 20")
	require.ErrorContains(t, schedule.Schedule{time.Second - 1}.Check(), "between 1s and 7d")
	require.ErrorContains(t, schedule.Schedule{schedule.MaxWait + 1}.Check(), "between 1s and 7d")
}

func make20(wait time.Duration) schedule.Schedule {
	s := make(schedule.Schedule, 20)
	for i := range s {
		s[i] = wait
	}
	return s
}
