//go:build linux

package embedded_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/cmd/standalone/embedded"
)

// Deliveries are kept away from what a server names here, so it must name all
// that it listens on. Not parallel: no other test of this process may listen.
func TestAServerNamesEverythingThatItListensOn(t *testing.T) {
	before := listening(t)
	server := start(t, embedded.Options{UIListen: "127.0.0.1:0"})
	named := map[int]bool{}
	for _, address := range server.Listeners() {
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		named[n] = true
	}
	require.Len(t, named, 5, "frontend, history, matching, worker and UI")
	for port := range listening(t) {
		require.True(t, named[port] || before[port], "port %d is not named", port)
	}
	for port := range named {
		require.True(t, listening(t)[port], "nobody listens on port %d", port)
	}
}

// listening are the TCP ports that this process listens on.
func listening(t *testing.T) map[int]bool {
	t.Helper()
	own := map[string]bool{} // inodes of this process's sockets
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, f := range files {
		to, _ := os.Readlink("/proc/self/fd/" + f.Name())
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	ports := map[int]bool{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		f, err := os.Open(table)
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			const listen = "0A"
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || fields[3] != listen || !own[fields[9]] {
				continue
			}
			var port int
			_, err := fmt.Sscanf(fields[1][strings.LastIndex(fields[1], ":")+1:], "%X", &port)
			require.NoError(t, err)
			ports[port] = true
		}
		require.NoError(t, lines.Err())
		require.NoError(t, f.Close())
	}
	return ports
}
