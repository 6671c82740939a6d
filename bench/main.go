// Command bench measures Data Pusher on this machine: it starts a Postgres with
// durable settings, Temporal on it, Data Pusher, a receiver and a generator, each
// as a process of its own, sends what a workload says, and checks that each
// accepted event has arrived once at each destination. docs/PERFORMANCE.md tells
// how to read what it prints.
//
//	bench [flags] [workload ...]   (default: all but the long ones)
//	bench load|sink|watch ...      the ends, which the first form starts
//
// Load goes to loopback addresses alone.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"datapusher/bench/load"
	"datapusher/bench/sink"
	"datapusher/bench/stack"
	"datapusher/bench/watch"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "load":
			return load.Main(args[1:])
		case "sink":
			return sink.Main(args[1:])
		case "watch":
			return watch.Main()
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, only, err := parse(args)
	if err != nil {
		return err
	}
	return b.all(ctx, only)
}

// bench is one run of the command.
type bench struct {
	programs stack.Programs
	full     bool
	duration time.Duration
	dir      string // what processes leave behind; removed at the end unless kept
	keep     bool
	profiles string
	out      string
	lines    bool
	markdown bool
	serve    []string // further arguments of Data Pusher

	report Report
}

func parse(args []string) (*bench, []string, error) {
	b := &bench{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	bin := f.String("bin", "bin", "folder of the programs datapusher, standalone and temporalserver")
	f.BoolVar(&b.full, "full", false, "ten million events of history instead of one, and longer runs")
	f.DurationVar(&b.duration, "duration", 8*time.Second, "of what is measured of a workload")
	f.StringVar(&b.profiles, "profiles", "", "folder for profiles of Data Pusher's processes, of each workload")
	f.StringVar(&b.out, "out", "", "file for the results as JSON")
	f.BoolVar(&b.lines, "benchstat", false, "print the results as lines of Go benchmarks as well, for benchstat")
	f.BoolVar(&b.markdown, "markdown", false, "print the tables as docs/PERFORMANCE.md has them as well")
	f.BoolVar(&b.keep, "keep", false, "keep the logs of all processes")
	f.Func("serve", "further argument of Data Pusher, such as --serve=--pace=500ms; more than one may be given", func(s string) error {
		b.serve = append(b.serve, s)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return nil, nil, err
	}
	for _, name := range f.Args() {
		if !slices.ContainsFunc(workloads, func(w Workload) bool { return w.Name == name }) {
			return nil, nil, fmt.Errorf("there is no workload %q", name)
		}
	}
	b.programs = stack.Programs{
		DataPusher: filepath.Join(*bin, "datapusher"), Standalone: filepath.Join(*bin, "standalone"),
		Temporal: filepath.Join(*bin, "temporalserver"),
	}
	var err error
	b.dir, err = os.MkdirTemp("", "datapusher-bench-")
	return b, f.Args(), err
}

// all runs workloads: those that are named, or all.
func (b *bench) all(ctx context.Context, only []string) error {
	if b.keep {
		fmt.Println("logs are in", b.dir)
	} else {
		defer func() { _ = os.RemoveAll(b.dir) }()
	}
	b.report.describeMachine()
	fmt.Println(b.report.Machine)
	failed := 0
	for _, w := range workloads {
		if len(only) > 0 && !slices.Contains(only, w.Name) || len(only) == 0 && w.Full && !b.full {
			continue
		}
		row, err := w.run(ctx, b, w)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		row.Name, row.What = w.Name, w.What
		b.report.Rows = append(b.report.Rows, *row)
		row.print()
		if b.lines {
			row.printBenchmark()
		}
		if !row.Conserved() {
			failed++
		}
	}
	b.report.print()
	if b.markdown {
		b.report.printMarkdown()
	}
	if b.out != "" {
		text, err := json.MarshalIndent(b.report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.out, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d workloads have lost or repeated events", failed)
	}
	return nil
}
