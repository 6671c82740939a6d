package sender_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

func TestMethodsOfADestination(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		require.NoError(t, sender.CheckMethod(good))
	}
	for _, bad := range []string{"", "get", "HEAD", "OPTIONS", "TRACE", "CONNECT", "POST ", "P\r\nX"} {
		require.EqualError(t, sender.CheckMethod(bad), "must be one of GET, POST, PUT, PATCH, DELETE", bad)
	}
}

func TestHeadersThatMayBeSaved(t *testing.T) {
	t.Parallel()
	require.Empty(t, sender.CheckHeaders(nil))
	require.Empty(t, sender.CheckHeaders(headers(
		"Authorization", "Bearer x", "X-Api-Key", "", "Idempotency-Key", "1", "User-Agent", "u", "Content-Type", "text/plain",
		"Accept-Encoding", "gzip", "Cookie", "a=b", "X_Y", "tab\tinside", "X-Utf8", "é", "Hosts", "1", "Web", "2", "Tea", "3")))
	most := make([]sender.Header, sender.MaxHeaders)
	for i := range most {
		most[i].Name = fmt.Sprintf("X-%d", i)
	}
	require.Empty(t, sender.CheckHeaders(most))
	require.Empty(t, sender.CheckHeaders(headers("X-Long", strings.Repeat("a", sender.MaxHeaderBytes-6))))
}

func TestHeadersThatMayNotBeSaved(t *testing.T) {
	t.Parallel()
	for _, reserved := range []string{
		"Connection", "connection", "Keep-Alive", "TE", "te", "Trailer", "Transfer-Encoding", "transfer-encoding", "Upgrade", "HTTP2-Settings", "http2-settings",
		"Proxy-Authorization", "proxy-connection", "Proxy-", "Host", "HOST", "Content-Length", "Expect",
		"webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "webhook-anything",
	} {
		got := sender.CheckHeaders(headers("X-Fine", "1", reserved, "2"))
		require.Len(t, got, 1, reserved)
		require.Equal(t, "headers[1].name", got[0].Name)
		require.Equal(t, "is reserved: leave "+reserved+" out", got[0].Message)
	}
	for _, bad := range []string{"", " ", "X Y", "X:", ":authority", "X\r\n", "X\x00", "é", "X(", "X-A "} {
		got := sender.CheckHeaders(headers(bad, "1"))
		require.Len(t, got, 1, "%q", bad)
		require.Equal(t, "headers[0].name", got[0].Name)
		require.Contains(t, got[0].Message, "must be letters, digits and hyphens")
	}
	for _, bad := range []string{"a\r\nb", "a\nb", "a\r", "\x00", "\x1b[0m", "\x7f"} {
		got := sender.CheckHeaders(headers("X-A", bad))
		require.Len(t, got, 1, "%q", bad)
		require.Equal(t, "headers[0].value", got[0].Name)
		require.Contains(t, got[0].Message, "must not contain line breaks")
	}
	got := sender.CheckHeaders(headers("X-A", "1", "X-B", "2", "x-a", "3"))
	require.Len(t, got, 1)
	require.Equal(t, "headers[2].name", got[0].Name)
	require.Equal(t, "is there twice: give x-a once", got[0].Message)

	got = sender.CheckHeaders(headers("X-Long", strings.Repeat("a", sender.MaxHeaderBytes-5)))
	require.Len(t, got, 1)
	require.Contains(t, got[0].Message, "at most 8192 bytes")

	got = sender.CheckHeaders(make([]sender.Header, sender.MaxHeaders+1))
	require.Len(t, got, 1)
	require.Equal(t, "must be at most 50", got[0].Message)

	require.Len(t, sender.CheckHeaders(headers("Host", "a\nb", "", "c")), 3, "all are told at once")
}
