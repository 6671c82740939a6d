package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"datapusher/cmd/app"
	"datapusher/internal/datadir"
	"datapusher/internal/pusher"
)

// state is what the demo remembers from start to start.
type state struct {
	Receiver     string   `json:"receiver"` // the address it listened on
	AccountID    string   `json:"account"`
	Destinations []string `json:"destinations"`
	Done         bool     `json:"done"`
}

const stateFile = "demo.json"

// receiver is the built-in endpoint that the demo's destinations point to.
type receiver struct {
	*http.Server
	address string
	got     chan string // methods of the requests that came in
}

// startReceiver listens where the demo's destinations expect it. When another
// program has taken the address meanwhile, the destinations are changed.
func (d *dataDir) startReceiver(ctx context.Context, server *app.Server) (*receiver, error) {
	s, err := d.state()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", orLoopback(s.Receiver))
	if err != nil {
		if l, err = lc.Listen(ctx, "tcp", orLoopback("")); err != nil {
			return nil, fmt.Errorf("the demo's receiver: %w", err)
		}
	}
	r := &receiver{address: l.Addr().String(), got: make(chan string, 16)}
	r.Server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.Serve(l) }()
	if s.Receiver == r.address || len(s.Destinations) == 0 {
		return r, nil
	}
	for _, id := range s.Destinations {
		to := r.url()
		_, err := server.Pusher.UpdateDestination(asAdmin(ctx), pusher.UpdateDestinationInput{ID: id, URL: &to})
		if err != nil {
			return nil, fmt.Errorf("move the demo's destinations: %w", err)
		}
	}
	s.Receiver = r.address
	return r, d.remember(s)
}

func orLoopback(address string) string {
	if address == "" {
		return "127.0.0.1:0"
	}
	return address
}

func (r *receiver) url() string { return loopback(r.address, "/demo") }

// ServeHTTP takes everything.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, q.Body, 2<<20))
	select {
	case r.got <- q.Method:
	default: // nobody watches
	}
	fmt.Fprintln(w, "received")
}

func (d *dataDir) state() (s state, err error) {
	if !fileExists(d.file(stateFile)) {
		return s, nil
	}
	content, err := os.ReadFile(d.file(stateFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(content, &s)
}

func (d *dataDir) remember(s state) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return datadir.WriteFile(d.file(stateFile), append(content, '\n'))
}
