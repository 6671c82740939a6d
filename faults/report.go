package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"datapusher/faults/check"
	"datapusher/faults/rig"
	"datapusher/faults/scenarios"
)

// print tells of one run.
func (c *command) print(r rig.Result) {
	if r.NotRun != "" {
		fmt.Fprintf(c.out, "%-20s %-8s NOT RUN: %s\n", r.Scenario, r.Engine, r.NotRun)
		return
	}
	fmt.Fprintf(c.out, "%-20s %-8s injected %d, accepted %d, uncertain %d, lost %d, duplicates %d of at most %d, cut %d, recovered in %.1f s (took %.0f s)\n",
		r.Scenario, r.Engine, r.Injected, r.Accepted, r.Uncertain, r.Lost, r.Duplicates, r.Allowed, r.Cuts, r.Recover, r.Took)
	if r.BaselineMS > 0 {
		fmt.Fprintf(c.out, "%29s p99 of the healthy: %.0f ms before, %.0f ms meanwhile\n", "", r.BaselineMS, r.MeasuredMS)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(c.out, "%29s of %d of %d requests it is not known which process has made them\n", "", r.Unknown, r.Received)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(c.out, "%29s BROKEN %s\n", "", v)
	}
	if r.Dir != "" {
		fmt.Fprintf(c.out, "%29s logs and ledgers are in %s\n", "", r.Dir)
	}
}

// save writes the results where the flags say.
func (c *command) save(results []rig.Result) error {
	if c.json != "" {
		text, err := json.MarshalIndent(results, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if c.write == "" {
		return nil
	}
	return rewrite(c.write, func(text string) (string, error) {
		text, err := replace(text, "rules", rulesTable())
		if err != nil {
			return "", err
		}
		return replace(text, "faults", func(old []string) []string { return faultsTable(old, results, c.rate, c.seed) })
	})
}

func rewrite(file string, change func(string) (string, error)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := change(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(changed), 0o644)
}

// replace writes a generated part of a document, which stands between two markers,
// anew. It is told the lines that were there.
func replace(text, name string, lines func(old []string) []string) (string, error) {
	begin, end := "<!-- "+name+": generated -->\n", "<!-- "+name+": end -->"
	before, rest, ok := strings.Cut(text, begin)
	old, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", fmt.Errorf("the markers of the part %q are missing", name)
	}
	return before + begin + strings.Join(lines(strings.Split(strings.TrimSpace(old), "\n")), "\n") + "\n" + end + after, nil
}

func rulesTable() func([]string) []string {
	return func([]string) []string {
		lines := []string{"| rule | holds when |", "|---|---|"}
		for _, r := range check.Rules {
			lines = append(lines, fmt.Sprintf("| %s | %s |", r.Name, r.Says))
		}
		return lines
	}
}

const faultsHead = "| scenario | engine | fault | injected | events accepted | lost | duplicates, of at most | time to recover |"

// faultsTable has a row for each scenario and engine, in the order in which they run:
// of those that did not run this time, the one that was there.
func faultsTable(old []string, results []rig.Result, rate float64, seed uint64) []string {
	key := func(line string) string {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			return strings.TrimSpace(cells[1]) + " " + strings.TrimSpace(cells[2])
		}
		return ""
	}
	var rows []string
	for i, line := range old {
		if i > 0 && strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|--") && line != faultsHead {
			rows = append(rows, line)
		}
	}
	for _, r := range results {
		row := fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %d, %d | %s |",
			r.Scenario, r.Engine, r.Fault, r.Injected, r.Accepted, r.Lost, r.Duplicates, r.Allowed, recovery(r))
		if i := slices.IndexFunc(rows, func(have string) bool { return key(have) == key(row) }); i >= 0 {
			rows[i] = row
		} else {
			rows = append(rows, row)
		}
	}
	place := func(line string) int {
		scenario, _, _ := strings.Cut(key(line), " ")
		return slices.IndexFunc(scenarios.All, func(s rig.Scenario) bool { return s.Name == scenario })
	}
	slices.SortStableFunc(rows, func(a, b string) int { return place(a) - place(b) })
	which := "Each row is the last run of its scenario; the newest is"
	if len(results) == len(rows) {
		which = "All rows are of one run, which is"
	}
	lines := []string{
		fmt.Sprintf("%s of %s, on %d cores, with %g events a second and seed %d.",
			which, time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), rate, seed),
		"", faultsHead, "|---|---|---|--:|--:|--:|--:|--:|",
	}
	return append(lines, rows...)
}

func recovery(r rig.Result) string {
	if r.NotRun != "" {
		return "NOT RUN"
	}
	text := fmt.Sprintf("%.1f s", r.Recover)
	if rules := r.Rules(); len(rules) > 0 {
		text += "; BROKEN: " + strings.Join(rules, ", ")
	}
	return text
}
