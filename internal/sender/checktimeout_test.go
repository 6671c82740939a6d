package sender_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestTimeoutsOfADestination(t *testing.T) {
	t.Parallel()
	for _, good := range []time.Duration{time.Second, 1500 * time.Millisecond, sender.DefaultTimeout, 30 * time.Second} {
		require.NoError(t, sender.CheckTimeout(good), good)
	}
	for _, bad := range []time.Duration{
		0, -time.Second, math.MinInt64, time.Second - 1, 30*time.Second + 1, time.Minute, math.MaxInt64,
	} {
		require.EqualError(t, sender.CheckTimeout(bad), "must be between 1s and 30s", bad)
	}
}
