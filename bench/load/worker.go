package load

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"datapusher/bench/load/ledger"
	"datapusher/bench/wire"
)

// worker is one connection.
type worker struct {
	run      *run
	address  string
	request  *request
	journal  journal
	client   *wire.Client  // nil until it is needed
	deadline time.Duration // of the connection, since the start
	warm     tally
	measured tally
	err      error // the first
}

func (r *run) newWorker(door string, heads [][]byte) *worker {
	u, _ := url.Parse(door)
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	return &worker{run: r, address: address, request: newRequest(&r.o, heads), journal: journal{f: r.file}}
}

// send sends a request that is meant to start at a time since the start, and
// tells how long the connection is to pause.
func (w *worker) send(ctx context.Context, ticket int, at time.Duration) time.Duration {
	r := w.run
	account := r.order[ticket%len(r.order)]
	t := &w.measured
	if at < r.o.Warmup {
		t = &w.warm
	}
	sent := time.Since(r.start)
	if r.o.Rate > 0 {
		t.late.Add(sent - at)
	}
	t.requests++
	first := r.o.First + uint64(ticket)*uint64(r.o.events())
	answer, begun, err := w.do(ctx, w.request.of(account, first, r.wall+int64(at)), sent)
	now := time.Since(r.start)
	t.last = max(t.last, now)
	if err != nil {
		return w.failed(t, account, first, begun, err)
	}
	pause := time.Duration(0)
	if answer.Status/100 == 2 {
		t.accepted++
		if l := now - at; r.heavy[account] {
			t.heavy.Add(l)
		} else {
			t.others.Add(l)
		}
		before := t.events
		w.accept(t, account, first, answer.Body)
		t.second(now-r.o.Warmup, t.events-before)
	} else {
		pause = w.refused(t, account, first, answer)
	}
	if answer.Close {
		w.hangUp()
	}
	return pause
}

// do sends a request on a connection that is open, or is opened. begun tells
// whether the server may have got it.
func (w *worker) do(ctx context.Context, request []byte, now time.Duration) (answer *wire.Response, begun bool, err error) {
	if w.client == nil {
		if err := w.dial(ctx); err != nil {
			return nil, false, err
		}
	}
	// To set the deadline costs, so one stands for many requests.
	if timeout := w.run.o.Timeout; w.deadline < now+timeout {
		w.deadline = now + timeout + timeout/8
		if err := w.client.SetDeadline(w.run.start.Add(w.deadline)); err != nil {
			return nil, false, err
		}
	}
	answer, err = w.client.Do(request)
	return answer, true, err
}

func (w *worker) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: w.run.o.Timeout}
	conn, err := d.DialContext(ctx, "tcp", w.address)
	if err != nil {
		return err
	}
	w.client, w.deadline = wire.NewClient(conn), 0
	return nil
}

func (w *worker) hangUp() {
	if w.client != nil {
		_ = w.client.Close()
		w.client = nil
	}
}

// accept records the events that an answer promises to deliver.
func (w *worker) accept(t *tally, account int, first uint64, body []byte) {
	note := func(i int, id ledger.ID) {
		t.events++
		w.journal.add(ledger.Record{ID: id, Number: first + uint64(i), Account: uint32(account), Kind: ledger.Accepted})
	}
	n, total := 0, w.run.o.events()
	switch {
	case w.run.o.Direct:
		note(0, ledger.NumberedID(first))
		n = 1
	case w.run.o.Batch == 0:
		if id, ok := receipt(body); ok {
			note(0, id)
			n = 1
		}
	default:
		for id, ok := range receipts(body) {
			if n == total {
				break
			}
			if ok {
				note(n, id)
			} else {
				t.refused++
			}
			n++
		}
	}
	t.unreadable += int64(total - n)
	w.uncertain(account, first+uint64(n), total-n)
}

// refused counts an answer that promises nothing.
func (w *worker) refused(t *tally, account int, first uint64, a *wire.Response) time.Duration {
	told := a.Header("Retry-After")
	t.status(a.Status, told != nil)
	if a.Status >= 500 { // it may have failed after the event was stored
		w.uncertain(account, first, w.run.o.events())
	}
	if w.run.o.Rate > 0 || a.Status != 503 && a.Status != 429 {
		return 0
	}
	pause := w.run.o.MaxBackoff
	if seconds, err := strconv.Atoi(string(told)); err == nil && seconds >= 0 && seconds < 3600 {
		pause = min(pause, time.Duration(seconds)*time.Second)
	}
	t.backoffs++
	t.backoff += pause
	return pause
}

// failed counts a request without an answer. A door that is down is not asked
// without a pause.
func (w *worker) failed(t *tally, account int, first uint64, begun bool, err error) time.Duration {
	w.hangUp()
	t.errors++
	if w.err == nil && !errors.Is(err, context.Canceled) {
		w.err = err
	}
	if begun {
		w.uncertain(account, first, w.run.o.events())
	}
	if w.run.o.Rate > 0 {
		return 0
	}
	return w.run.o.MaxBackoff
}

func (w *worker) uncertain(account int, first uint64, n int) {
	for i := range n {
		w.journal.add(ledger.Record{Number: first + uint64(i), Account: uint32(account), Kind: ledger.Uncertain})
	}
}
