// Command faults tries to lose events: it stands a Data Pusher up as it is in
// production, breaks it under load, and compares what senders were answered, what
// the database says and what receivers got. docs/RELIABILITY.md tells how to read
// what it prints.
//
//	faults [flags] [scenario ...]         run scenarios, all of them by default
//	faults soak [flags]                   faults at random for -time
//	faults mutants [flags] [mutant ...]   see whether seeded faults of our own are caught
//	faults list                           the scenarios
//
// Load goes to loopback addresses alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"datapusher/bench/stack"
	"datapusher/faults/rig"
	"datapusher/faults/scenarios"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// command is one run of the program.
type command struct {
	out      io.Writer
	programs stack.Programs
	engines  []string
	seed     uint64
	rate     float64
	time     time.Duration
	parallel int
	write    string
	json     string
	keep     bool
	verbose  bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c := &command{out: out}
	mode, names, err := c.parse(args)
	if err != nil {
		return err
	}
	switch mode {
	case "list":
		for _, s := range scenarios.All {
			fmt.Fprintf(out, "%-24s %s\n", s.Name, s.Fault)
		}
		return nil
	case "mutants":
		return c.mutants(ctx, names)
	case "soak":
		return c.all(ctx, []rig.Scenario{scenarios.Soak(c.time / time.Duration(len(c.engines)))})
	}
	chosen := scenarios.All
	if len(names) > 0 {
		chosen = nil
		for _, name := range names {
			s, ok := scenarios.Find(name)
			if !ok {
				return fmt.Errorf("there is no scenario %q: faults list lists them", name)
			}
			chosen = append(chosen, s)
		}
	}
	return c.all(ctx, chosen)
}

func (c *command) parse(args []string) (mode string, names []string, err error) {
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	bin := f.String("bin", "bin", "folder of the programs datapusher, datapusher-mutants and temporalserver")
	engine := f.String("engine", "both", "temporal, river or both")
	f.Uint64Var(&c.seed, "seed", 0, "of all that is random; 0 is a new one, which is printed")
	f.Float64Var(&c.rate, "rate", 30, "events a second")
	f.DurationVar(&c.time, "time", 30*time.Minute, "of a soak, for all engines together")
	f.IntVar(&c.parallel, "parallel", 1, "mutants at a time")
	f.StringVar(&c.write, "write", "", "document whose generated parts are written")
	f.StringVar(&c.json, "json", "", "file for the results as JSON")
	f.BoolVar(&c.keep, "keep", false, "keep logs and ledgers where nothing is wrong, too")
	f.BoolVar(&c.verbose, "v", false, "tell of each fault")
	if err := f.Parse(args); err != nil {
		return "", nil, err
	}
	if names = f.Args(); len(names) > 0 && slices.Contains([]string{"soak", "mutants", "list"}, names[0]) {
		mode = names[0]
		if err := f.Parse(names[1:]); err != nil {
			return "", nil, err
		}
	}
	switch *engine {
	case rig.Temporal, rig.River:
		c.engines = []string{*engine}
	case "both":
		c.engines = []string{rig.Temporal, rig.River}
	default:
		return "", nil, fmt.Errorf("-engine is temporal, river or both, not %q", *engine)
	}
	if c.rate <= 0 || c.time <= 0 || c.parallel < 1 {
		return "", nil, errors.New("-rate, -time and -parallel have to be more than nothing")
	}
	if c.seed == 0 {
		c.seed = uint64(rand.Uint32())
	}
	c.programs = stack.Programs{DataPusher: filepath.Join(*bin, "datapusher"), Temporal: filepath.Join(*bin, "temporalserver")}
	return mode, f.Args(), nil
}

// all runs scenarios with each engine that they fit.
func (c *command) all(ctx context.Context, chosen []rig.Scenario) error {
	fmt.Fprintf(c.out, "seed %d\n", c.seed)
	var results []rig.Result
	var failed error
	broken := 0
	for _, s := range chosen {
		for _, engine := range c.engines {
			if !s.Fits(engine) {
				continue
			}
			result, err := c.one(ctx, s, engine, c.programs, nil)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				// One that could not be run says nothing of the others, which take an hour.
				failed = errors.Join(failed, err)
				result = rig.Result{Scenario: s.Name, Fault: s.Fault, Engine: engine, Seed: c.seed, NotRun: err.Error()}
			}
			c.print(result)
			results = append(results, result)
			if len(result.Violations) > 0 {
				broken++
			}
			if err := c.save(results); err != nil { // each: what follows may be broken off
				return err
			}
		}
	}
	if broken > 0 {
		failed = errors.Join(failed, fmt.Errorf("%d of %d runs have broken a rule; seed %d", broken, len(results), c.seed))
	}
	return failed
}

// one runs a scenario in a folder of its own, which stays where something is wrong.
func (c *command) one(ctx context.Context, s rig.Scenario, engine string, programs stack.Programs, env []string) (result rig.Result, err error) {
	dir, err := os.MkdirTemp("", "datapusher-faults-"+s.Name+"-")
	if err != nil {
		return result, err
	}
	defer func() {
		if c.keep || err != nil && ctx.Err() == nil || len(result.Violations) > 0 && env == nil {
			result.Dir = dir
			return
		}
		_ = os.RemoveAll(dir)
	}()
	o := rig.Options{Programs: programs, Engine: engine, Seed: c.seed, Rate: c.rate, Dir: dir, Env: env}
	if c.verbose {
		o.Log = c.out
	}
	if result, err = rig.Run(ctx, s, o); err != nil {
		err = fmt.Errorf("with %s: %w; logs are in %s", engine, err, dir)
	}
	return result, err
}
