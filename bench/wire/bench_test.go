package wire_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/bench/wire"
)

// BenchmarkExchange is a request of 1 KB and its answer, over 64 connections.
func BenchmarkExchange(b *testing.B) {
	ok := wire.NewAnswer(http.StatusOK, []byte("{}\n"))
	address := serve(b, func(*wire.Request) *wire.Answer { return ok })
	body := strings.Repeat("x", 1024)
	request := []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	const connections = 64
	clients := make([]*wire.Client, connections)
	for i := range clients {
		clients[i] = dial(b, address)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for range b.N/connections + min(1, max(0, b.N%connections-i)) {
				if _, err := c.Do(request); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	require.False(b, b.Failed())
}
