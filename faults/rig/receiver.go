package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"datapusher/bench/load/ledger"
	"datapusher/faults/check"
)

// Manner is how a destination answers. The zero value answers 200 at once.
type Manner struct {
	Fails float64       // share of requests that get 503
	Slow  time.Duration // an answer takes up to so long
	Hangs bool          // there is no answer
	Drops float64       // share of answers that are written down and lost with their connection
}

// Destination is one of the receiver's.
type Destination struct {
	DestinationSpec
	ID string // of Data Pusher

	account string
	webhook *webhooks.Webhook
	manner  atomic.Pointer[Manner]
}

// Behave changes how the destination answers, from the next request on.
func (d *Destination) Behave(m Manner) { d.manner.Store(&m) }

// receiver is all destinations. It writes down and syncs what it got and what it
// is about to answer, and then answers.
type receiver struct {
	server  *http.Server
	address string
	journal *journal
	peers   *peers
	served  chan struct{}

	mu           sync.Mutex
	destinations map[string]*Destination // by name, which is the path
	random       *rand.Rand
}

func startReceiver(ctx context.Context, file string, random *rand.Rand) (*receiver, error) {
	j, err := openJournal(file)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, j.close())
	}
	r := &receiver{
		journal: j, address: l.Addr().String(), peers: newPeers(ctx), served: make(chan struct{}),
		destinations: map[string]*Destination{}, random: random,
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute, ConnContext: r.peers.with}
	go func() {
		defer close(r.served)
		_ = r.server.Serve(l)
	}()
	return r, nil
}

func (r *receiver) add(d *Destination) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Behave(d.Manner)
	r.destinations[d.Name] = d
}

// meet says how a destination answers this request.
func (r *receiver) meet(name string) (d *Destination, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d = r.destinations[name]
	if d == nil {
		return nil, a
	}
	m := d.manner.Load()
	a = answer{status: http.StatusOK, hangs: m.Hangs, drops: r.random.Float64() < m.Drops}
	if r.random.Float64() < m.Fails {
		a.status = http.StatusServiceUnavailable
	}
	if m.Slow > 0 {
		a.after = time.Duration(r.random.Int64N(int64(m.Slow)))
	}
	return d, a
}

// answer is what a request gets.
type answer struct {
	status       int
	after        time.Duration
	hangs, drops bool
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // it never arrived
	}
	d, a := r.meet(strings.TrimPrefix(q.URL.Path, "/"))
	if d == nil {
		http.NotFound(w, q)
		return
	}
	got := check.Received{Destination: d.ID, ID: q.Header.Get("webhook-id"), At: time.Now(), Status: a.status, Hash: hashOf(body)}
	var pushed int64
	if got.Number, pushed, got.Stamped = ledger.ReadStamp(body); got.Stamped {
		got.Pushed = time.Unix(0, pushed)
	}
	if err := d.webhook.Verify(body, q.Header); err != nil {
		got.Signature = err.Error()
	}
	got.Connection, got.Dropped = connectionOf(q.Context()), a.drops
	if a.hangs {
		<-q.Context().Done()
		got.Status = 0
	}
	// It does its work whether or not somebody still waits for the answer.
	pause(context.WithoutCancel(q.Context()), a.after)
	got.Answered = time.Now()
	if err := r.journal.write(got); err != nil || got.Status == 0 || got.Dropped {
		panic(http.ErrAbortHandler) // what is not written down is not answered
	}
	w.WriteHeader(got.Status)
}

// pause reports whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (r *receiver) close() error {
	err := r.server.Close()
	<-r.served
	return errors.Join(err, r.journal.close())
}
