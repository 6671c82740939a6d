package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"datapusher/faults/rig"
	"datapusher/faults/scenarios"
	"datapusher/internal/mutant"
)

// seeded is a fault of our own, and what has to see it.
type seeded struct {
	name, what string
	scenario   rig.Scenario
	rule       string // that has to be broken
}

const (
	// ample is the time to drain of what is not about that.
	ample = 2 * time.Minute
	// enough is what the program needs to hand over again what its engine has
	// forgotten, which is some 15 s, and a little more.
	enough = 25 * time.Second
)

// all mutants, which internal/mutant names.
var allMutants = []seeded{
	{mutant.AnswerBeforeCommit, "senders are answered before the commit", scenarios.Small("kills of serve", 8, 0, ample), "lost"},
	{mutant.NoReconciler, "nothing looks for what is overdue", scenarios.Forgotten("the engine forgets everything", enough), "pending"},
	{mutant.NewIDPerRetry, "each attempt has a webhook-id of its own", scenarios.Small("no fault", 0, 0, ample), "identity"},
	{mutant.NoUniqueKey, "idempotency keys are forgotten", scenarios.Small("no fault", 0, 0, ample), "key"},
	{mutant.MarkBeforeSend, "a delivery has succeeded before it is sent", scenarios.Small("kills of worker", 0, 8, ample), "false success"},
	{mutant.SendTwice, "now and then an attempt is made twice", scenarios.Small("no fault", 0, 0, ample), "duplicate"},
	{mutant.TakeAnothers, "a first attempt is made though another process is at it", scenarios.TwoWorkers("no fault, two workers", ample), "duplicate"},
	{mutant.SendSettled, "now and then what has succeeded is sent again", scenarios.Small("kills of worker", 0, 8, ample), "duplicate"},
}

// control is what the mutants are told from: the same program, without one.
var control = seeded{"", "the program without a mutant", scenarios.Small("kills of serve and worker", 4, 4, ample), ""}

// fate is what became of a mutant.
type fate struct {
	seeded
	engine string
	rules  []string
	err    error
}

// right reports whether the fate is the one that it ought to be.
func (f fate) right() bool {
	if f.name == "" {
		return len(f.rules) == 0
	}
	return slices.Contains(f.rules, f.rule)
}

func (f fate) String() string {
	name := f.name
	if name == "" {
		name = "no mutant"
	}
	switch {
	case f.name == "" && len(f.rules) == 0:
		return fmt.Sprintf("%-22s %-8s sound", name, f.engine)
	case f.name == "":
		return fmt.Sprintf("%-22s %-8s NOT SOUND: %s", name, f.engine, strings.Join(f.rules, ", "))
	case f.right():
		return fmt.Sprintf("%-22s %-8s caught by: %s", name, f.engine, strings.Join(f.rules, ", "))
	case len(f.rules) > 0:
		return fmt.Sprintf("%-22s %-8s SURVIVED the rule %q; broken: %s", name, f.engine, f.rule, strings.Join(f.rules, ", "))
	}
	return fmt.Sprintf("%-22s %-8s SURVIVED", name, f.engine)
}

// mutants runs each mutant with the scenario that has to see it.
func (c *command) mutants(ctx context.Context, names []string) error {
	chosen := append([]seeded{control}, allMutants...)
	if len(names) > 0 {
		chosen = slices.DeleteFunc(chosen, func(m seeded) bool { return !slices.Contains(names, m.name) })
		if len(chosen) != len(names) {
			return fmt.Errorf("not all of %q are mutants", names)
		}
	}
	fmt.Fprintf(c.out, "seed %d\n", c.seed)
	fates := c.fates(ctx, chosen)
	wrong := 0
	for _, f := range fates {
		if f.err != nil {
			return f.err
		}
		if !f.right() {
			wrong++
		}
	}
	if c.write != "" && len(names) == 0 {
		err := rewrite(c.write, func(text string) (string, error) {
			return replace(text, "mutants", func([]string) []string { return mutantsTable(fates) })
		})
		if err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d have not the fate that they ought to have", wrong, len(fates))
	}
	return nil
}

// fates runs mutants, some at a time, and prints what becomes of each.
func (c *command) fates(ctx context.Context, chosen []seeded) []fate {
	var (
		all    []fate
		mu     sync.Mutex // of what is printed
		places = make(chan struct{}, c.parallel)
		wait   sync.WaitGroup
	)
	for _, engine := range c.engines {
		for _, m := range chosen {
			all = append(all, fate{seeded: m, engine: engine})
		}
	}
	for i := range all {
		f := &all[i]
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			f.rules, f.err = c.fate(ctx, f.seeded, f.engine)
			mu.Lock()
			defer mu.Unlock()
			if f.err == nil {
				fmt.Fprintln(c.out, f)
			}
		})
	}
	wait.Wait()
	return all
}

func (c *command) fate(ctx context.Context, m seeded, engine string) (rules []string, err error) {
	programs := c.programs
	programs.DataPusher = filepath.Join(filepath.Dir(programs.DataPusher), "datapusher-mutants")
	result, err := c.one(ctx, m.scenario, engine, programs, []string{mutant.Env + "=" + m.name})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the mutant %q", m.name), err)
	}
	if c.verbose || m.name == "" {
		for _, v := range result.Violations {
			fmt.Fprintf(c.out, "  %s: %s\n", m.name, v)
		}
	}
	return result.Rules(), nil
}

func mutantsTable(fates []fate) []string {
	lines := []string{
		"Last written on " + time.Now().UTC().Format(time.DateOnly) + ".", "",
		"| mutant | what it does wrong | engine | under | caught by |", "|---|---|---|---|---|",
	}
	for _, f := range fates {
		caught := strings.Join(f.rules, ", ")
		switch {
		case f.name == "" && f.right():
			caught = "nothing is broken"
		case !f.right():
			caught = "SURVIVED"
		}
		name := "`" + f.name + "`"
		if f.name == "" {
			name = "none"
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s |", name, f.what, f.engine, f.scenario.Fault, caught))
	}
	return lines
}
