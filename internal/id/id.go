// Package id mints and reads the ids of Data Pusher: a prefix that names the
// type, an underscore and a ULID of 26 characters, such as
// "evt_01JD3ZQ8M4T6W0Y5K2BXH7000000".
//
// Ids sort bytewise by the time they were minted, and by their prefix they tell
// which table they belong to, so a lookup by id alone needs no table of ids.
//
// The ids around one event are built from each other, so that nobody has to
// generate, transmit or index more than needed:
//
//	event     evt_ + 10 time + 10 random             + 000000
//	delivery  dlv_ + the event's first 20 characters + 3 destination ordinal + 000
//	attempt   att_ + the delivery's first 23         + 3 attempt number
//
// An attempt's id therefore IS its (delivery, number) pair: the primary key
// alone refuses a second attempt with the same number, in a partitioned table too.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Prefix names the type of an id.
type Prefix string

// The prefixes in use.
const (
	Account     Prefix = "acc"
	Token       Prefix = "tok"
	Destination Prefix = "dst"
	Event       Prefix = "evt"
	Delivery    Prefix = "dlv"
	Attempt     Prefix = "att"
	Replay      Prefix = "rpl"
	Action      Prefix = "act"
	Session     Prefix = "ses"
	PortalLink  Prefix = "lnk"
	Process     Prefix = "prc"
)

// Length is the length of every id in bytes.
const Length = 4 + ulid.EncodedSize

const (
	// MaxOrdinal is the highest ordinal of a destination within an event and the
	// highest number of an attempt within a delivery: three base32 characters.
	MaxOrdinal = 1<<15 - 1

	alphabet = ulid.Encoding
	zeros    = "000000"
)

// New mints an id of time t. Ids minted in one process for the same millisecond
// are not ordered among themselves; [Minter] orders them.
func New(p Prefix, t time.Time) string {
	var u ulid.ULID
	// A time before 1970 or after 10889 is a broken clock; it is clamped to 1970.
	_ = u.SetTime(uint64(max(t.UnixMilli(), 0)))
	_, _ = rand.Read(u[6:]) // never fails, see crypto/rand
	return string(p) + "_" + u.String()
}

// First is below every id with that prefix that is minted at t or later.
func First(p Prefix, t time.Time) string {
	return string(p) + "_" + encode(uint64(max(t.UnixMilli(), 0)), 10) + strings.Repeat("0", ulid.EncodedSize-10)
}

// NewBatch mints the id of a run, "batch/<ulid>": deliveries that one workflow
// carries. Those of one event may have "event/<id>" instead.
func NewBatch(t time.Time) string { return "batch/" + New("", t)[1:] }

// Minter mints event ids that grow strictly within the process, whatever the
// clock does. The zero value is ready for use by any number of goroutines.
type Minter struct {
	mu   sync.Mutex
	ms   uint64
	rand uint64 // 50 bits
}

const randomBits = 50

// Events mints n event ids of time t in growing order.
func (m *Minter) Events(t time.Time, n int) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ms := uint64(max(t.UnixMilli(), 0)); ms > m.ms {
		m.ms, m.rand = ms, random50()
	}
	ids := make([]string, n)
	for i := range ids {
		// A random step keeps ids of parallel processes apart; running over moves to
		// the next millisecond, which keeps the order.
		m.rand += 1 + random50()>>14
		if m.rand >= 1<<randomBits {
			m.ms, m.rand = m.ms+1, random50()>>1
		}
		ids[i] = string(Event) + "_" + encode(m.ms, 10) + encode(m.rand, 10) + zeros
	}
	return ids
}

func random50() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:]) >> (64 - randomBits)
}

// encode writes the lowest 5×n bits of v in Crockford's base32.
func encode(v uint64, n int) string {
	b := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		b[i] = alphabet[v&31]
		v >>= 5
	}
	return string(b)
}

// DeliveryOf is the id of the delivery of an event to the destination with that
// ordinal (from 0) in the event's fan-out.
func DeliveryOf(event string, ordinal int) string {
	return string(Delivery) + event[3:Length-6] + encode(uint64(ordinal), 3) + zeros[:3] //nolint:gosec // G115: at most MaxOrdinal
}

// FanOut is the half-open range of ids of the deliveries that an event got when
// it was accepted.
func FanOut(event string) (from, to string) {
	stem := string(Delivery) + event[3:Length-6]
	return stem + zeros, stem + "ZZZ" + "ZZZ"
}

// Attempts is the half-open range of ids of the attempts of a delivery.
func Attempts(delivery string) (from, to string) {
	stem := string(Attempt) + delivery[3:Length-3]
	return stem + zeros[:3], stem + "[" // what follows Z
}

// AttemptOf is the id of the attempt with that number (from 1) of a delivery.
func AttemptOf(delivery string, number int) string {
	return string(Attempt) + delivery[3:Length-3] + encode(uint64(number), 3) //nolint:gosec // G115: at most MaxOrdinal
}

// Is reports whether s is a well-formed id with prefix p.
func Is(p Prefix, s string) bool { return strings.HasPrefix(s, string(p)) && check(s) == nil }

// Parse checks the form of an id of a type that the API shows as a node, and
// returns its prefix.
func Parse(s string) (Prefix, error) {
	if len(s) != Length || s[3] != '_' {
		return "", check(s)
	}
	switch p := Prefix(s[:3]); p {
	case Account, Token, Destination, Event, Delivery, Attempt, Replay, Action:
		return p, check(s)
	default:
		return "", fmt.Errorf("unknown id prefix %q", string(p))
	}
}

// check looks at the form of an id, whatever its type.
func check(s string) error {
	if len(s) != Length || s[3] != '_' {
		return fmt.Errorf("an id is a prefix of three letters, an underscore and %d characters", ulid.EncodedSize)
	}
	if s[4] > '7' {
		return errors.New("the time of the id is out of range")
	}
	for _, c := range s[4:] {
		if !strings.ContainsRune(alphabet, c) {
			return fmt.Errorf("an id has the characters %s after its prefix", alphabet)
		}
	}
	return nil
}

// TimeOf is when an id was minted, to the millisecond, on the clock of whoever
// did; zero for what is no id.
func TimeOf(s string) time.Time {
	if len(s) != Length {
		return time.Time{}
	}
	var ms int64
	for _, c := range []byte(s[4:14]) {
		v := values[c]
		if v < 0 {
			return time.Time{}
		}
		ms = ms<<5 | int64(v)
	}
	return time.UnixMilli(ms)
}

// values are the numbers that the characters of an id stand for; -1: none.
var values = func() (v [256]int8) {
	for i := range v {
		v[i] = int8(strings.IndexByte(alphabet, byte(i))) //nolint:gosec // G115: less than 32
	}
	return v
}()
