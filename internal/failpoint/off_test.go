//go:build !failpoints

package failpoint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/failpoint"
)

// What is released does not look at the environment.
func TestWithoutTheTagNothingFails(t *testing.T) {
	t.Setenv("DATAPUSHER_FAILPOINTS", "committed=panic,sending=panic,clock=1h@0s,dns=127.0.0.1:1")
	require.False(t, failpoint.Enabled)
	for _, at := range failpoint.All() {
		failpoint.Hit(at)
	}
	require.Nil(t, failpoint.Resolver())
	now := time.Now()
	require.Equal(t, now, failpoint.Clock(func() time.Time { return now })())
}
