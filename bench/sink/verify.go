package sink

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/bench/wire"
)

// verifier checks the signature of some requests.
type verifier struct {
	mu    sync.Mutex
	rules atomic.Pointer[rules]
	seen  atomic.Int64 // while there are rules
	good  atomic.Int64
	bad   atomic.Int64
	first atomic.Pointer[string]
}

// rules say which requests are checked with which key. They are not changed.
type rules struct {
	every int64
	all   []byte            // the key of destinations without one of their own; nil is none
	of    map[uint32][]byte // the keys of destinations
}

// Verified is what the checks of signatures found.
type Verified struct {
	Good     int64  `json:"good"`
	Bad      int64  `json:"bad"`
	FirstBad string `json:"first_bad,omitempty"`
}

// Verify checks the signature of every so manieth request from now on, with a
// secret "whsec_…" of one destination or, where that is nil, of all that have none
// of their own. Where every is 0 no more are checked, and secrets are forgotten.
func (s *Sink) Verify(secret string, every int, destination *uint32) error {
	v := &s.verifier
	v.mu.Lock()
	defer v.mu.Unlock()
	if every <= 0 {
		v.rules.Store(nil)
		return nil
	}
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return errors.New(`a secret begins with "whsec_"`)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return errors.New("a secret is base64")
	}
	next := rules{every: int64(every), of: make(map[uint32][]byte)}
	if old := v.rules.Load(); old != nil {
		next.all = old.all
		maps.Copy(next.of, old.of)
	}
	if destination == nil {
		next.all = key
	} else {
		next.of[*destination] = key
	}
	v.rules.Store(&next)
	return nil
}

// check checks a request, where it is one to be checked.
func (v *verifier) check(r *wire.Request, destination uint32, now time.Time) {
	rules := v.rules.Load()
	if rules == nil || v.seen.Add(1)%rules.every != 0 {
		return
	}
	key := rules.all
	if own, ok := rules.of[destination]; ok {
		key = own
	}
	if key == nil {
		return
	}
	if err := verify(r, key, now); err != nil {
		v.bad.Add(1)
		text := fmt.Sprintf("destination %d: %s: %v", destination, r.Header("webhook-id"), err)
		v.first.CompareAndSwap(nil, &text)
		return
	}
	v.good.Add(1)
}

func (v *verifier) result() Verified {
	r := Verified{Good: v.good.Load(), Bad: v.bad.Load()}
	if first := v.first.Load(); first != nil {
		r.FirstBad = *first
	}
	return r
}

// tolerance is how far the time of an attempt may be away.
const tolerance = 5 * time.Minute

func verify(r *wire.Request, key []byte, now time.Time) error {
	id, timestamp := r.Header("webhook-id"), r.Header("webhook-timestamp")
	seconds, err := strconv.ParseInt(string(timestamp), 10, 64)
	if err != nil {
		return fmt.Errorf("the timestamp is %q", timestamp)
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return fmt.Errorf("the timestamp %d is not now", seconds)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(bytes.Join([][]byte{id, timestamp, r.Body}, []byte(".")))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for one := range strings.FieldsSeq(string(r.Header("webhook-signature"))) {
		if hmac.Equal([]byte(one), []byte(want)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
