package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"datapusher/bench/load/ledger"
	"datapusher/faults/check"
)

const (
	payloadSize = 512 // bytes
	// keyless is how many events there are for one that has no Idempotency-Key, and
	// repeated for one that is sent again although it was accepted.
	keyless, repeated = 8, 16
	// together is how many events may be on their way at once; then the load waits.
	together = 512
	// requestTimeout is how long a sender waits for an answer.
	requestTimeout = 10 * time.Second
	// readyEvery is how often the senders ask whether a door is ready, as a load
	// balancer does.
	readyEvery = 100 * time.Millisecond
	// longestPause is how long a sender waits before it sends again, at most.
	longestPause = time.Second
)

// door is a server as senders see it.
type door struct {
	url   string
	ready atomic.Bool
}

// senders push events at a rate, whatever becomes of them, and each until it is
// known whether it was accepted. They write down and sync each answer before
// they act on it.
type senders struct {
	rate     float64
	accounts []account
	doors    []*door
	client   *http.Client
	asking   *http.Client
	journal  *journal
	turn     atomic.Uint64 // of the doors

	accepted atomic.Int64
	failure  atomic.Pointer[error] // of the journal
	places   chan struct{}
	events   sync.WaitGroup
	pacing   sync.WaitGroup
	probing  sync.WaitGroup
	stop     context.CancelFunc // of new events
	endProbe context.CancelFunc
	give     context.Context // ends when nothing is sent again
	giveUp   context.CancelFunc
}

type account struct{ id, token string }

func newSenders(file string, rate float64, accounts []account, urls []string) (*senders, error) {
	j, err := openJournal(file)
	if err != nil {
		return nil, err
	}
	s := &senders{rate: rate, accounts: accounts, journal: j, places: make(chan struct{}, together)}
	for _, url := range urls {
		d := &door{url: url}
		d.ready.Store(true)
		s.doors = append(s.doors, d)
	}
	s.client = &http.Client{
		Timeout:   requestTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: together, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext},
	}
	s.asking = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return s, nil
}

// start begins to send.
func (s *senders) start(ctx context.Context) {
	pacing, stop := context.WithCancel(ctx)
	probing, endProbe := context.WithCancel(ctx)
	s.stop, s.endProbe = stop, endProbe
	s.give, s.giveUp = context.WithCancel(ctx)
	for _, d := range s.doors {
		s.probing.Go(func() { s.probe(probing, d) })
	}
	s.pacing.Go(func() { s.pace(pacing) })
}

// pace starts an event whenever one is due.
func (s *senders) pace(ctx context.Context) {
	began := time.Now()
	for n := uint64(0); ; n++ {
		due := began.Add(time.Duration(float64(n) / s.rate * float64(time.Second)))
		if !pause(ctx, time.Until(due)) {
			return
		}
		select {
		case s.places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		s.events.Go(func() {
			defer func() { <-s.places }()
			s.event(n, due)
		})
	}
}

// finish sends no new events and waits until it is known of each what became of
// it, so long at most.
func (s *senders) finish(patience time.Duration) {
	s.stop()
	s.pacing.Wait()
	late := time.AfterFunc(patience, s.giveUp)
	s.events.Wait()
	late.Stop()
	s.giveUp()
	s.endProbe()
	s.probing.Wait()
	s.client.CloseIdleConnections()
}

func (s *senders) close() error {
	if s.stop != nil {
		s.giveUp()
		s.finish(0)
	}
	return s.journal.close()
}

// probe asks a door again and again whether it is ready.
func (s *senders) probe(ctx context.Context, d *door) {
	for pause(ctx, readyEvery) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/readyz", nil)
		if err != nil {
			return
		}
		answer, err := s.asking.Do(q)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		d.ready.Store(err == nil && answer.StatusCode == http.StatusOK)
	}
}

// next is the door whose turn it is, of those that are ready if there is one.
func (s *senders) next() *door {
	turn := s.turn.Add(1)
	for i := range s.doors {
		if d := s.doors[(turn+uint64(i))%uint64(len(s.doors))]; d.ready.Load() {
			return d
		}
	}
	return s.doors[turn%uint64(len(s.doors))]
}

// event sends an event until it is accepted or refused for good. Without a key
// it is not sent again when it may have been accepted.
func (s *senders) event(n uint64, due time.Time) {
	a := s.accounts[n%uint64(len(s.accounts))]
	body := ledger.AppendPayload(nil, payloadSize)
	ledger.Stamp(body, n, due.UnixNano())
	key := "event-" + strconv.FormatUint(n, 10)
	if n%keyless == keyless-1 {
		key = ""
	}
	known := false
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, longestPause) {
		sent := s.send(n, a, key, body)
		if err := s.journal.write(sent); err != nil {
			s.failure.CompareAndSwap(nil, &err)
			return
		}
		switch sent.Outcome {
		case check.Accepted:
			if !known {
				s.accepted.Add(1)
			}
			if known || key == "" || n%repeated != 0 {
				return
			}
			known = true // and once more, as somebody does who has forgotten
			continue
		case check.Ambiguous:
			if key == "" {
				return
			}
		case check.Refused:
			if sent.Status/100 == 4 && sent.Status != http.StatusTooManyRequests {
				return
			}
		}
		if !pause(s.give, wait) {
			return
		}
	}
}

// send makes one request and says what its answer means.
func (s *senders) send(n uint64, a account, key string, body []byte) check.Sent {
	sent := check.Sent{Number: n, Account: a.id, Key: key, Hash: hashOf(body), At: time.Now()}
	status, answer, err := s.post(a, key, body)
	sent.Took = float64(time.Since(sent.At).Microseconds()) / 1000
	sent.Status = status
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		sent.Outcome, sent.Error = check.Refused, err.Error()
	case err != nil:
		sent.Outcome, sent.Error, sent.Cut = check.Ambiguous, err.Error(), isCut(err)
	case status == http.StatusAccepted:
		var receipt struct {
			EventID   string `json:"event_id"`
			Duplicate bool   `json:"duplicate"`
		}
		if err := json.Unmarshal(answer, &receipt); err != nil || receipt.EventID == "" {
			sent.Outcome, sent.Error = check.Ambiguous, fmt.Sprintf("the answer is %q", answer)
			break
		}
		sent.Outcome, sent.Event, sent.Duplicate = check.Accepted, receipt.EventID, receipt.Duplicate
	case status/100 == 4:
		sent.Outcome, sent.Error = check.Refused, string(answer)
	default:
		sent.Outcome, sent.Error = check.Ambiguous, string(answer)
	}
	return sent
}

func (s *senders) post(a account, key string, body []byte) (status int, answer []byte, err error) {
	q, err := http.NewRequestWithContext(s.give, http.MethodPost, s.next().url+"/server/incoming_data", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+a.token)
	if key != "" {
		// Written like this, so that net/http does not know it: otherwise it sends the
		// request twice by itself, and nothing of that would be written down.
		q.Header["idempotency-key"] = []string{key}
	}
	r, err := s.client.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = r.Body.Close() }()
	answer, err = io.ReadAll(r.Body)
	return r.StatusCode, answer, err
}

// isCut reports whether the other side has ended the connection.
func isCut(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "server closed idle connection") // as the request came; net/http has no name for it
}
