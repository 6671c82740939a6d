package database_test

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
)

func TestAServerThatIsGoneIsNoticed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	d := database.NewDialer()
	conn, err := d.DialTimeout("tcp", l.Addr().String(), time.Minute)
	require.NoError(t, err)
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		for option, want := range map[int]int{
			0x12: 20_000, syscall.TCP_KEEPIDLE: 10, syscall.TCP_KEEPINTVL: 3, syscall.TCP_KEEPCNT: 4,
		} {
			got, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option)
			require.NoError(t, err)
			require.Equal(t, want, got, option)
		}
	}))
}

func TestASocketInTheFileSystemIsDialledToo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", file)
	require.NoError(t, err)
	defer l.Close()
	d := database.NewDialer()
	conn, err := d.Dial("unix", file)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
