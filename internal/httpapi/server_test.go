package httpapi_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

func TestTheServerIsBounded(t *testing.T) {
	t.Parallel()
	s := httpapi.NewServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.Equal(t, 5*time.Second, s.ReadHeaderTimeout)
	require.Equal(t, 30*time.Second, s.ReadTimeout)
	require.Equal(t, time.Minute, s.WriteTimeout)
	require.Equal(t, 2*time.Minute, s.IdleTimeout)
	require.Equal(t, 64<<10, s.MaxHeaderBytes)
	require.NotNil(t, s.ErrorLog)
}

// A query string as long as the seed's clients may send fits, a longer one does not.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s := httpapi.NewServer(httpapi.New(options()), slog.New(slog.DiscardHandler))
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	served.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		served.Wait()
	})
	for size, want := range map[int]int{60 << 10: http.StatusOK, 80 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET /server/incoming_data?data=%22"+strings.Repeat("x", size)+"%22 HTTP/1.1\r\nHost: x\r\nCL-X-TOKEN: jane\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, want, resp.StatusCode)
		_ = resp.Body.Close()
		_ = conn.Close()
	}
}
