package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/stack"
	"datapusher/faults/check"
	"datapusher/faults/rig"
	"datapusher/faults/scenarios"
	"datapusher/internal/mutant"
)

// build builds the program with further flags.
func build(t *testing.T, path string, flags ...string) {
	t.Helper()
	args := append(append([]string{"build", "-o", path}, flags...), "../cmd/datapusher")
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// A little of everything, on the engine that needs no server of its own: what the
// frame injects breaks nothing, and each mutant is caught. `make faults` and `make
// mutants` do all of it.
func TestFaultsBreakNothingAndMutantsAreCaught(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	program, mutants := filepath.Join(bin, "datapusher"), filepath.Join(bin, "datapusher-mutants")
	build(t, program)
	build(t, mutants, "-tags", "mutants")
	text, err := os.ReadFile(program)
	require.NoError(t, err)
	require.False(t, bytes.Contains(text, []byte(mutant.Env)), "a program without the tag has nothing of the mutants")
	text, err = os.ReadFile(mutants)
	require.NoError(t, err)
	require.True(t, bytes.Contains(text, []byte(mutant.Env)))

	c := &command{out: t.Output(), programs: stack.Programs{DataPusher: program}, engines: []string{rig.River}, seed: 1, rate: 20, parallel: 7}
	t.Run("faults", func(t *testing.T) {
		t.Parallel()
		result, err := c.one(t.Context(), scenarios.Quick(), rig.River, c.programs, nil)
		require.NoError(t, err)
		require.Empty(t, result.Violations, "logs and ledgers are in %s", result.Dir)
		require.Equal(t, 5, result.Injected)
		require.NotZero(t, result.Accepted)
		t.Logf("%+v", result)
	})
	t.Run("mutants", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, c.mutants(t.Context(), nil))
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-engine", "other"}, {"-rate", "0"}, {"-time", "0s"}, {"-parallel", "0"}, {"no-such-scenario"}, {"mutants", "no-such-mutant"}, {"-x"},
	} {
		require.Error(t, run(t.Context(), args, t.Output()), args)
	}
	var list strings.Builder
	require.NoError(t, run(t.Context(), []string{"list"}, &list))
	for _, s := range scenarios.All {
		require.Contains(t, list.String(), s.Name)
		require.NotEmpty(t, s.Fault, s.Name)
		require.NotNil(t, s.Run, s.Name)
		found, ok := scenarios.Find(s.Name)
		require.True(t, ok && found.Fault == s.Fault, "%s is there twice", s.Name)
	}
}

func result(scenario, engine string, accepted int, rules ...string) rig.Result {
	r := rig.Result{Scenario: scenario, Engine: engine, Fault: "something", Injected: 2, Recover: 1.25}
	r.Accepted, r.Duplicates, r.Allowed = accepted, 1, 3
	for _, rule := range rules {
		r.Violations = append(r.Violations, check.Violation{Rule: rule})
	}
	return r
}

func TestTheTableKeepsWhatDidNotRun(t *testing.T) {
	t.Parallel()
	text := "before\n<!-- faults: generated -->\n<!-- faults: end -->\nafter\n"
	write := func(results ...rig.Result) {
		t.Helper()
		var err error
		text, err = replace(text, "faults", func(old []string) []string { return faultsTable(old, results, 60, 7) })
		require.NoError(t, err)
	}
	rows := func() (rows []string) {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "| k") {
				rows = append(rows, strings.TrimSpace(line))
			}
		}
		return rows
	}
	write(result("kill", "river", 10), result("kill", "temporal", 20))
	require.Equal(t, []string{
		"| kill | river | something | 2 | 10 | 0 | 1, 3 | 1.2 s |", "| kill | temporal | something | 2 | 20 | 0 | 1, 3 | 1.2 s |",
	}, rows())
	write(result("kill", "temporal", 30, "lost"))
	require.Equal(t, []string{
		"| kill | river | something | 2 | 10 | 0 | 1, 3 | 1.2 s |", "| kill | temporal | something | 2 | 30 | 0 | 1, 3 | 1.2 s; BROKEN: lost |",
	}, rows())
	require.Contains(t, text, "Each row is the last run")
	write(result("poison", "river", 1), result("kill-serve", "river", 1))
	require.Less(t, strings.Index(text, "| kill-serve |"), strings.Index(text, "| poison |"), "in the order of the list")
	write(result("kill", "river", 1), result("kill", "temporal", 1), result("poison", "river", 1), result("kill-serve", "river", 1))
	require.Contains(t, text, "All rows are of one run")
	require.Contains(t, text, time.Now().UTC().Format(time.DateOnly))
	require.True(t, strings.HasPrefix(text, "before\n") && strings.HasSuffix(text, "\nafter\n"))
	_, err := replace("nothing", "faults", nil)
	require.ErrorContains(t, err, "markers")
}

func TestFates(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]fate{
		"no mutant river sound":                         {engine: "river"},
		"no mutant river NOT SOUND: lost":               {engine: "river", rules: []string{"lost"}},
		"m river caught by: key, lost":                  {seeded: seeded{name: "m", rule: "lost"}, engine: "river", rules: []string{"key", "lost"}},
		`m river SURVIVED the rule "lost"; broken: key`: {seeded: seeded{name: "m", rule: "lost"}, engine: "river", rules: []string{"key"}},
		"m river SURVIVED":                              {seeded: seeded{name: "m", rule: "lost"}, engine: "river"},
	} {
		require.Equal(t, want, strings.Join(strings.Fields(f.String()), " "))
		require.Equal(t, !strings.Contains(want, "S"), f.right(), want)
	}
	names := map[string]bool{}
	for _, m := range allMutants {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		require.Contains(t, ruleNames(), m.rule)
	}
}

func ruleNames() (names []string) {
	for _, r := range check.Rules {
		names = append(names, r.Name)
	}
	return names
}

// The document's generated part is current, and has a place for each.
func TestTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/RELIABILITY.md")
	require.NoError(t, err)
	written, err := replace(string(text), "rules", rulesTable())
	require.NoError(t, err)
	require.Equal(t, string(text), written, "make faults writes it")
	_, err = replace(string(text), "mutants", func(old []string) []string { return old })
	require.NoError(t, err)
	_, err = replace(string(text), "faults", func(old []string) []string {
		table := strings.Join(old, "\n")
		for _, s := range scenarios.All {
			for _, engine := range []string{rig.Temporal, rig.River} {
				if s.Fits(engine) {
					require.Contains(t, table, "| "+s.Name+" | "+engine+" | "+s.Fault+" |", "make faults args='-engine %s %s' writes it", engine, s.Name)
				}
			}
		}
		require.NotContains(t, table, "NOT RUN")
		for _, row := range old {
			require.NotContains(t, row, "BROKEN")
		}
		return old
	})
	require.NoError(t, err)
}
