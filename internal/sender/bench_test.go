package sender_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// The figures hold the receiver as well, which runs in the same process.
func BenchmarkSend(b *testing.B) {
	srv := serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		b.Run(method, func(b *testing.B) {
			s := newSender(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := post(srv.URL)
				r.Method, r.Headers = method, headers("Authorization", "Bearer x")
				for pb.Next() {
					require.Equal(b, 200, s.Send(b.Context(), r).Status)
				}
			})
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	s := newSender(b)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		b.Run(method, func(b *testing.B) {
			r := post("https://example.com/hook")
			r.Method, r.Headers = method, headers("Authorization", "Bearer x")
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.Build(r)
			}
		})
	}
	b.Run("Ed25519", func(b *testing.B) {
		r := post("https://example.com/hook")
		r.Keys = []sender.Key{edKey}
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Build(r)
		}
	})
}
