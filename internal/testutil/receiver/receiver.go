// Package receiver is a destination for tests: a real HTTP server on loopback
// that answers by a script, records every request byte for byte, and lets a test
// wait for requests without sleeping.
package receiver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Request is one request as it arrived.
type Request struct {
	Method        string
	Path          string // decoded
	RawQuery      string // as sent, without the "?"
	Target        string // the whole request target as sent
	Host          string
	Header        http.Header
	ContentLength int64 // as declared; -1 when unknown (chunked)
	Body          []byte
	BodyErr       error     // why the body ends early, when it does
	At            time.Time // when the body had arrived
	RemoteAddr    string    // tells connections apart
}

// Receiver is a running destination. It ends with its test.
type Receiver struct {
	URL string // such as "http://127.0.0.1:41234", without a slash at the end

	mu       sync.Mutex
	requests []Request
	arrived  chan struct{} // closed, and replaced, at each arrival
	script   []Answer      // of the requests to come; the last one repeats
}

// New starts a receiver that answers its requests with these answers, in order;
// the last one repeats. Without any it answers 200.
func New(t testing.TB, answers ...Answer) *Receiver {
	t.Helper()
	r := &Receiver{arrived: make(chan struct{})}
	r.Script(answers...)
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = server.URL
	t.Cleanup(func() {
		// Ends the contexts of answers that still block, which Close would wait for.
		server.CloseClientConnections()
		server.Close()
	})
	return r
}

// Script sets the answers of the requests to come, as [New] does.
func (r *Receiver) Script(answers ...Answer) {
	if len(answers) == 0 {
		answers = []Answer{Status(http.StatusOK)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = slices.Clone(answers)
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	answer := r.record(Request{
		Method: req.Method, Path: req.URL.Path, RawQuery: req.URL.RawQuery, Target: req.RequestURI,
		Host: req.Host, Header: req.Header.Clone(), ContentLength: req.ContentLength,
		Body: body, BodyErr: err, At: time.Now(), RemoteAddr: req.RemoteAddr,
	})
	req.Body = io.NopCloser(bytes.NewReader(body))
	answer(w, req)
}

// record keeps a request and gives its answer in one step, so that the answers
// follow the order of the records.
func (r *Receiver) record(req Request) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
	close(r.arrived)
	r.arrived = make(chan struct{})
	answer := r.script[0]
	if len(r.script) > 1 {
		r.script = r.script[1:]
	}
	return answer
}

// Requests is what has arrived so far, in order of arrival.
func (r *Receiver) Requests() []Request {
	requests, _ := r.state()
	return requests
}

func (r *Receiver) state() ([]Request, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests), r.arrived
}

// patience bounds a wait, so that a test fails with what did arrive, long before
// go test's own limit.
const patience = time.Minute

// Wait blocks until at least n requests have arrived in all, and gives everything
// that has. The sender may not have the last answer yet. It ends the test when
// they do not arrive within a minute, or before the test's deadline.
func (r *Receiver) Wait(t testing.TB, n int) []Request {
	t.Helper()
	limit := patience
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, ok := d.Deadline(); ok {
			limit = min(limit, time.Until(at)-time.Second)
		}
	}
	timeout := time.After(limit)
	for {
		requests, arrived := r.state()
		if len(requests) >= n {
			return requests
		}
		select {
		case <-arrived:
		case <-timeout:
			t.Fatalf("waited for %d requests at %s; there are %d: %s", n, r.URL, len(requests), summary(requests))
		}
	}
}

func summary(requests []Request) string {
	var b bytes.Buffer
	for _, r := range requests {
		fmt.Fprintf(&b, "\n%s %s %s (%d bytes)", r.At.Format("15:04:05.000"), r.Method, r.Target, len(r.Body))
	}
	return b.String()
}
