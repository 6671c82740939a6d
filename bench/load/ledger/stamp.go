// Package ledger is what the two ends of a benchmark agree on: the stamp in an
// event's payload, how an event is named, and the file of what was accepted,
// against which a receiver checks what arrived.
package ledger

import "fmt"

// A payload begins with a stamp whose numbers stand at fixed places, so that a
// generator can patch them and a receiver can read them without parsing JSON:
//
//	{"bench":{"n":"000000000123","t":1764000000000000000},"pad":"xxx…"}
//
// n is a string, since a number of JSON has no leading zeros. t is nanoseconds
// since 1970, which have 19 digits until 2286.
const (
	beforeNumber = `{"bench":{"n":"`
	beforeTime   = `","t":`
	beforePad    = `},"pad":"`
	end          = `"}`

	numberDigits = 12
	timeDigits   = 19
	numberAt     = len(beforeNumber)
	timeAt       = numberAt + numberDigits + len(beforeTime)
	padAt        = timeAt + timeDigits + len(beforePad)
)

// MinPayload is the size of the smallest payload.
const MinPayload = padAt + len(end)

// MaxNumber is the highest number of an event.
const MaxNumber = 1_000_000_000_000 - 1

// AppendPayload appends a payload of exactly that many bytes, at least
// [MinPayload], with a stamp of number 0 and some time.
func AppendPayload(to []byte, size int) []byte {
	to = fmt.Appendf(to, "%s%0*d%s%d%s", beforeNumber, numberDigits, 0, beforeTime, int64(1e18), beforePad)
	for range size - MinPayload {
		to = append(to, 'x')
	}
	return append(to, end...)
}

// Stamp writes the event's number and its time into a payload.
func Stamp(payload []byte, n uint64, t int64) {
	putDigits(payload[numberAt:numberAt+numberDigits], n)
	putDigits(payload[timeAt:timeAt+timeDigits], uint64(t))
}

// ReadStamp reads the stamp of a payload; false where it has none.
func ReadStamp(payload []byte) (n uint64, t int64, ok bool) {
	if len(payload) < MinPayload || string(payload[:numberAt]) != beforeNumber ||
		string(payload[timeAt-len(beforeTime):timeAt]) != beforeTime {
		return 0, 0, false
	}
	n, ok = digits(payload[numberAt : numberAt+numberDigits])
	if !ok {
		return 0, 0, false
	}
	at, ok := digits(payload[timeAt : timeAt+timeDigits])
	return n, int64(at), ok
}

func putDigits(to []byte, n uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = '0' + byte(n%10)
		n /= 10
	}
}

func digits(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
