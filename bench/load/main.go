package load

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Main runs a generator as its flags say, until it is done or gets SIGTERM, and
// prints its [Result] as the last line. Where there is a warm-up, the line
// {"measuring":true} comes when it is over.
func Main(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return runMain(ctx, args, os.Stdout, os.Stderr)
}

// Line is one of those that Main prints.
type Line struct {
	Measuring bool    `json:"measuring,omitempty"`
	Result    *Result `json:"result,omitempty"`
}

func runMain(ctx context.Context, args []string, out, usage io.Writer) error {
	o, err := parse(args, usage)
	if err != nil {
		return err
	}
	var mu sync.Mutex // the lines must not mix
	lines := json.NewEncoder(out)
	if o.Warmup > 0 {
		o.Measuring = func() {
			mu.Lock()
			defer mu.Unlock()
			_ = lines.Encode(Line{Measuring: true}) // whoever does not read it does not want it
		}
	}
	result, err := Run(ctx, o)
	if err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	return lines.Encode(Line{Result: result})
}

func parse(args []string, usage io.Writer) (Options, error) {
	var o Options
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Func("url", "of the door; more than one may be given", func(s string) error {
		o.URLs = append(o.URLs, s)
		return nil
	})
	f.Func("token", "of an account, or token:weight; more than one may be given", o.account)
	f.Func("tokens", "file with a token, or token:weight, on each line", func(name string) error {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for s := range strings.FieldsSeq(string(text)) {
			if err := o.account(s); err != nil {
				return err
			}
		}
		return nil
	})
	f.Func("header", "line of each request; more than one may be given", func(s string) error {
		o.Headers = append(o.Headers, s)
		return nil
	})
	f.IntVar(&o.Size, "size", 0, "bytes of a payload (1024)")
	f.IntVar(&o.Batch, "batch", 0, "events in a request, as an array")
	f.IntVar(&o.Connections, "connections", 0, "(64)")
	f.Float64Var(&o.Rate, "rate", 0, "requests a second; without it each connection sends when it has its answer")
	f.IntVar(&o.Count, "count", 0, "requests in all")
	f.DurationVar(&o.Duration, "duration", 0, "of what is measured")
	f.DurationVar(&o.Warmup, "warmup", 0, "before that")
	f.Uint64Var(&o.First, "first", 0, "number of the first event")
	f.DurationVar(&o.Timeout, "timeout", 0, "of a request (30s)")
	f.DurationVar(&o.MaxBackoff, "max-backoff", 0, "longest pause after a 503 (50ms)")
	f.StringVar(&o.Accepted, "accepted", "", "file to which the accepted events are appended")
	f.BoolVar(&o.Direct, "direct", false, "the URL is a receiver's: give each event an id")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	return o, nil
}

func (o *Options) account(s string) error {
	a := Account{Token: s}
	if token, weight, ok := strings.Cut(s, ":"); ok {
		n, err := strconv.Atoi(weight)
		if err != nil || n < 1 {
			return fmt.Errorf("weight %q", weight)
		}
		a = Account{Token: token, Weight: n}
	}
	o.Accounts = append(o.Accounts, a)
	return nil
}
