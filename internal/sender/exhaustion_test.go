//go:build unix

package sender_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// Not parallel: the limit holds for the whole process.
func TestAProcessWithoutFilesDoesNotBlameTheReceiver(t *testing.T) {
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
	none := was
	none.Cur = 1
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	res := newSender(t).Send(t.Context(), post("http://127.0.0.1:9/"))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was))
	require.Equal(t, sender.Local, res.Class)
	require.True(t, res.Class.OurSide())
}
