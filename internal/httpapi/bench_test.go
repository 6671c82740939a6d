package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"datapusher/internal/httpapi"
)

// BenchmarkIncoming is the way of an event through the door alone: no network,
// no database.
func BenchmarkIncoming(b *testing.B) {
	h := httpapi.New(options())
	body := `{"order":"` + strings.Repeat("x", 1000) + `"}`
	req := newRequest("POST /server/incoming_data", body, "CL-X-TOKEN: jane", "Content-Type: application/json")
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		req.Body = io.NopCloser(strings.NewReader(body))
		w := &quiet{header: http.Header{}}
		if h.ServeHTTP(w, req); w.status != http.StatusAccepted {
			b.Fatal(w.status)
		}
	}
}

// quiet is a response that keeps no more than the status.
type quiet struct {
	header http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(status int)      { q.status = status }
