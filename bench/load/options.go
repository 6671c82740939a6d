// Package load is the generator of a benchmark: it pushes events through the door
// over a fixed number of connections, and tells how long the door took and what
// it promised.
//
// In a closed loop each connection sends as soon as it has its answer, which finds
// out how much the door can take. At a rate, the loop is open: each request has a
// time at which it is meant to start, and its latency is counted from there, so
// what waits in the generator, since the door is slow, is not hidden.
package load

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"datapusher/bench/load/ledger"
)

// Account is a sender.
type Account struct {
	Token  string
	Weight int // how often it sends in relation to others; 0 is 1
}

// Options are what to send, where and how fast.
type Options struct {
	URLs        []string // of the door, http alone; connections take turns
	Accounts    []Account
	Headers     []string // more lines of each request, such as "Event-Type: a"
	Size        int      // bytes of a payload; 0 is 1024
	Batch       int      // events in a request; 0 is one that is no array
	Connections int      // 0 is 64

	Rate     float64       // requests a second; 0 is a closed loop
	Count    int           // requests in all, the warm-up's included; 0 is no limit
	Duration time.Duration // of what is measured; 0 is no limit
	Warmup   time.Duration // before that: sent and recorded, but not in the result
	// Measuring, where there is one, is called when the warm-up is over.
	Measuring func()

	First      uint64        // the number of the first event
	Timeout    time.Duration // of a request, which may take an eighth more; 0 is 30 s
	MaxBackoff time.Duration // how long 503 and 429 hold a connection of a closed loop at most; 0 is 50 ms
	Accepted   string        // the file to which the records of package ledger are appended; "" is none
	// Direct says that the URLs are a receiver's, not a door's: a request carries
	// the webhook-id that the door would have given.
	Direct bool
}

func (o Options) complete() (Options, error) {
	defaults(&o.Size, 1024)
	defaults(&o.Connections, 64)
	defaults(&o.Timeout, 30*time.Second)
	defaults(&o.MaxBackoff, 50*time.Millisecond)
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{}}
	}
	accounts := make([]Account, len(o.Accounts))
	for i, a := range o.Accounts {
		defaults(&a.Weight, 1)
		if a.Weight < 0 {
			return o, fmt.Errorf("account %d has the weight %d", i, a.Weight)
		}
		accounts[i] = a
	}
	o.Accounts = accounts
	switch {
	case len(o.URLs) == 0:
		return o, errors.New("no URL to send to")
	case o.Size < ledger.MinPayload:
		return o, fmt.Errorf("a payload has at least %d bytes", ledger.MinPayload)
	case o.Connections < 0 || o.Batch < 0 || o.Rate < 0 || o.Count < 0 || o.Duration < 0 || o.Warmup < 0:
		return o, errors.New("a number is negative")
	case o.Count == 0 && o.Duration == 0:
		return o, errors.New("neither a count nor a duration")
	case o.Direct && o.Batch > 0:
		return o, errors.New("a receiver takes no batches")
	}
	for _, u := range o.URLs {
		if p, err := url.Parse(u); err != nil || p.Scheme != "http" || p.Host == "" {
			return o, fmt.Errorf("no URL of http: %q", u)
		}
	}
	return o, nil
}

func defaults[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// events is how many a request carries.
func (o *Options) events() int { return max(o.Batch, 1) }
