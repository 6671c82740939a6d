package rig

import (
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The child that has opened a connection is known, and nobody else is.
func TestPeer(t *testing.T) {
	t.Parallel()
	p := newPeers(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	child := exec.Command("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/"+port+"; read -r line <&3")
	require.NoError(t, child.Start())
	accepted, err := l.Accept()
	require.NoError(t, err)
	first := connectionOf(p.with(t.Context(), accepted))
	require.Eventually(t, func() bool { return p.of(first) == child.Process.Pid }, time.Minute, time.Millisecond)
	_, err = io.WriteString(accepted, "end\n")
	require.NoError(t, err)
	require.NoError(t, child.Wait())

	own, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer own.Close()
	accepted, err = l.Accept()
	require.NoError(t, err)
	second := connectionOf(p.with(t.Context(), accepted))
	require.NotEqual(t, first, second)
	require.Zero(t, p.of(second))
	require.Zero(t, connectionOf(t.Context()))
}
