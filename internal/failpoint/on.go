//go:build failpoints

package failpoint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Enabled tells whether the program was built with failpoints.
const Enabled = true

// Env names the environment variable that says what fails.
const Env = "DATAPUSHER_FAILPOINTS"

// plan is what a process was told.
type plan struct {
	faults map[Point][]*fault
	jumps  []jump
	dns    string
}

// fault is what happens at a point, and when.
type fault struct {
	action  string        // kill, panic or wait
	wait    time.Duration // with wait
	nth     int64         // 0: not by number
	percent float64       // 0: not by chance
	hits    atomic.Int64
}

// jump is a shift of the wall clock, so long after the start.
type jump struct{ after, shift time.Duration }

var (
	began = time.Now()
	told  = mustParse(os.Getenv(Env))
)

func mustParse(text string) *plan {
	p, err := parse(text)
	if err != nil {
		panic(Env + ": " + err.Error())
	}
	return p
}

func parse(text string) (*plan, error) {
	p := &plan{faults: map[Point][]*fault{}}
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, fmt.Errorf("%q has no =", entry)
		}
		var err error
		switch {
		case name == "dns":
			p.dns = value
		case name == "clock":
			err = p.jump(value)
		case slices.Contains(All(), Point(name)):
			var f *fault
			f, err = parseFault(value)
			p.faults[Point(name)] = append(p.faults[Point(name)], f)
		default:
			err = errors.New("no such point")
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", entry, err)
		}
	}
	return p, nil
}

func (p *plan) jump(value string) error {
	shift, after, ok := strings.Cut(value, "@")
	if !ok {
		return errors.New("write it as <shift>@<after>")
	}
	by, err := time.ParseDuration(shift)
	if err != nil {
		return err
	}
	from, err := time.ParseDuration(after)
	p.jumps = append(p.jumps, jump{from, by.Truncate(time.Second)})
	return err
}

func parseFault(value string) (f *fault, err error) {
	f = &fault{}
	if action, n, ok := strings.Cut(value, "@"); ok {
		if f.nth, err = strconv.ParseInt(n, 10, 64); err != nil || f.nth < 1 {
			return nil, fmt.Errorf("%q is no number of a time", n)
		}
		value = action
	} else if action, share, ok := strings.Cut(value, "%"); ok {
		if f.percent, err = strconv.ParseFloat(share, 64); err != nil || f.percent <= 0 || f.percent > 100 {
			return nil, fmt.Errorf("%q is no share in percent", share)
		}
		value = action
	}
	f.action, value, _ = strings.Cut(value, ":")
	switch f.action {
	case "kill", "panic":
	case "wait":
		f.wait, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("there is no action %q", f.action)
	}
	return f, err
}

// due tells whether it happens now.
func (f *fault) due() bool {
	n := f.hits.Add(1)
	switch {
	case f.nth > 0:
		return n == f.nth
	case f.percent > 0:
		return rand.Float64()*100 < f.percent
	}
	return true
}

// Hit is where the program may be told to fail. What happens is said on standard
// error first, for whoever counts.
func Hit(at Point) {
	for _, f := range told.faults[at] {
		if !f.due() {
			continue
		}
		fmt.Fprintf(os.Stderr, "{\"failpoint\":%q,\"action\":%q}\n", at, f.action)
		switch f.action {
		case "kill":
			kill()
		case "panic":
			panic("failpoint " + string(at))
		case "wait":
			time.Sleep(f.wait)
		}
	}
}

func kill() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // nothing more of this goroutine is seen
}

// Clock is a clock whose wall time jumps as told. Its monotonic reading does not,
// as that of a machine whose clock is set.
func Clock(now func() time.Time) func() time.Time {
	if len(told.jumps) == 0 {
		return now
	}
	return func() time.Time {
		t := now()
		since := t.Sub(began)
		for _, j := range told.jumps {
			if since >= j.after {
				t = set(t, j.shift)
			}
		}
		return t
	}
}

// set moves the wall time of a reading of the clock and leaves its monotonic part,
// for which package time has no function: the seconds of a reading that has both
// stand above the nanoseconds, in bits 30 to 62 of its first word.
func set(t time.Time, by time.Duration) time.Time {
	const monotonic = 1 << 63
	word := (*uint64)(unsafe.Pointer(&t))
	if *word&monotonic == 0 {
		return t.Add(by)
	}
	*word += uint64(int64(by/time.Second)) << 30
	return t
}

// Resolver asks the name server that was named; nil is the system's.
func Resolver() *net.Resolver {
	if told.dns == "" {
		return nil
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", told.dns)
	}}
}
