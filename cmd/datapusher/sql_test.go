package main_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent/migrate"
)

// rawSQL are the rooms that may have SQL of their own, past ent and its rules.
var rawSQL = map[string]string{
	"internal/ingest":         "the hot path: the events of everybody who waits, in one statement",
	"internal/delivery":       "the hot path: workers, which serve no caller",
	"internal/statistics":     "writes and sweeps what a process has counted; it is read through ent",
	"internal/rekey":          "seals everything anew: a command of the operator",
	"internal/dbcopy":         "copies every table as it is: a command of the operator",
	"internal/database":       "opens databases",
	"workflows/river":         "River's own tables, in a schema of their own",
	"internal/seed":           "reads the seed system's file",
	"ent/keyed":               "writes parts of ent's own statements",
	"cmd/standalone/embedded": "Temporal's own databases",
	"internal/testutil/":      "tests",
	"bench":                   "benchmarks",
	"faults":                  "the fault suite, which reads what is stored",
}

// scoped are those whose statements are about our own tables and whose functions
// serve callers, too. Those of internal/rekey are put together for every column
// that is sealed, of everybody, and run for the operator alone.
var scoped = []string{"internal/ingest", "internal/delivery", "internal/statistics"}

// allAccounts are the functions with statements that do not name the account of
// what they read or change, and why: none of them serves a caller.
var allAccounts = map[string]string{
	"internal/ingest Ingest.sweepOnce":  "what has expired, of everybody",
	"internal/statistics Counter.sweep": "what is kept no longer, of everybody",

	"internal/delivery settle":          byRun,
	"internal/delivery lease":           byRun,
	"internal/delivery take":            byRun,
	"internal/delivery holdTaken":       byRun,
	"internal/delivery renew":           byRun,
	"internal/delivery move":            byRun,
	"internal/delivery claim":           byPark,
	"internal/delivery release":         byPark,
	"internal/delivery oldestParked":    byLane,
	"internal/delivery parkWaiting":     byLane,
	"internal/delivery cancelWaiting":   byLane,
	"internal/delivery waking":          byReconciler,
	"internal/delivery wakingReplays":   byReconciler,
	"internal/delivery overdueRuns":     byReconciler,
	"internal/delivery Mover.unsettled": byMove,
	"internal/delivery Mover.give":      byMove,
	"internal/delivery backlog":         "counts for the metrics, over everybody",
}

const (
	byRun        = "a worker's: of the run that it owns"
	byPark       = "a lane's: of what it has found parked for its destination"
	byLane       = "a lane's: of its destination, which is one account's"
	byMove       = "an operator's command: of the runs that the other engine has"
	byReconciler = "the reconciler's: what nobody has cared for, of everybody"
)

// executing are the methods that take a statement, and at which place.
var executing = map[string]int{"ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1, "Keep": 0}

var (
	looksLikeSQL = regexp.MustCompile(`(?s)^\s*(WITH \w+.* AS|SELECT .|INSERT INTO |UPDATE \w+.* SET |DELETE FROM )`)
	beginsScope  = regexp.MustCompile(`(?s)^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\s`)
	namesTable   = regexp.MustCompile(`\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)`)
)

// statements are the texts that a room executes, by function.
func statements(r *room) map[string][]string {
	all := map[string][]string{}
	r.eachFunc(func(name string, body ast.Node) {
		ast.Inspect(body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok {
				if at, runs := executing[f.Sel.Name]; runs && at < len(call.Args) {
					if text := r.text(call.Args[at]); looksLikeSQL.MatchString(text) {
						all[name] = append(all[name], text)
					}
				}
			}
			return true
		})
	})
	return all
}

// literals are the texts in a room that look like SQL.
func literals(r *room) (all []string) {
	for _, file := range r.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, _ := strconv.Unquote(lit.Value); looksLikeSQL.MatchString(text) {
					all = append(all, text)
				}
			}
			return true
		})
	}
	return all
}

// scopes are the parts of a statement that choose rows by themselves: the whole,
// and each query within it, without one another.
func scopes(statement string) (all []string) {
	open := []*strings.Builder{{}}
	for _, c := range statement {
		last := len(open) - 1
		switch {
		case c == '(':
			open = append(open, &strings.Builder{})
		case c == ')' && last > 0:
			inner := open[last].String()
			open = open[:last]
			if beginsScope.MatchString(inner) {
				all = append(all, inner)
			} else {
				open[last-1].WriteString("(" + inner + ")")
			}
		default:
			open[last].WriteRune(c)
		}
	}
	for _, rest := range open {
		all = append(all, rest.String())
	}
	return all
}

// unscoped is the first part of a statement that is about rows of accounts and does
// not say of which.
func unscoped(statement string, owned []string) string {
	for _, scope := range scopes(statement) {
		for _, found := range namesTable.FindAllStringSubmatch(scope, -1) {
			if slices.Contains(owned, found[1]) && !strings.Contains(scope, "account_id") {
				return scope
			}
		}
	}
	return ""
}

// Raw SQL knows no privacy rules: so there is little of it, and each statement names
// the account, or is listed with the reason why it need not.
func TestRawSQLNamesTheAccount(t *testing.T) {
	t.Parallel()
	var owned []string
	for _, table := range migrate.Tables {
		if table.HasColumn("account_id") {
			owned = append(owned, table.Name)
		}
	}
	all, looked, excused := rooms(t), 0, map[string]bool{}
	for path, r := range all {
		if slices.Contains(scoped, path) {
			continue
		}
		if !under(path, rawSQL) {
			require.Empty(t, literals(r), "%s has SQL of its own", path)
		}
	}
	for _, path := range scoped {
		r := all[path]
		if r == nil {
			continue // not there yet
		}
		var run []string
		for function, texts := range statements(r) {
			for _, text := range texts {
				looked++
				run = append(run, text)
				part := unscoped(text, owned)
				reason := ""
				for _, name := range []string{function, function[strings.LastIndex(function, ".")+1:]} {
					if why, listed := allAccounts[path+" "+name]; listed && part != "" {
						reason, excused[path+" "+name] = why, true
					}
				}
				if part != "" && reason == "" {
					t.Errorf("%s, %s: this does not name the account, and no reason is given:\n%s", path, function, part)
				}
			}
		}
		for _, text := range literals(r) {
			require.True(t, slices.ContainsFunc(run, func(one string) bool { return strings.Contains(one, text) }),
				"%s: nobody sees where this is executed:\n%s", path, text)
		}
	}
	for name := range allAccounts {
		require.True(t, excused[name], "%s needs no excuse any more", name)
	}
	t.Logf("%d statements looked at, %d functions excused", looked, len(excused))
}

// under reports whether a path is one of the rooms, or in one whose name ends with
// a slash or has rooms of its own.
func under(path string, rooms map[string]string) bool {
	for room := range rooms {
		if path == strings.TrimSuffix(room, "/") || strings.HasPrefix(path, strings.TrimSuffix(room, "/")+"/") {
			return true
		}
	}
	return false
}

func TestScopesOfStatements(t *testing.T) {
	t.Parallel()
	owned := []string{"deliveries", "events"}
	for statement, want := range map[string]string{
		"SELECT 1 FROM deliveries WHERE account_id = $1":                                  "",
		"SELECT 1 FROM deliveries d JOIN destinations USING (account_id)":                 "",
		"SELECT 1 FROM replays":                                                           "",
		"INSERT INTO events (id, account_id) VALUES ($1, $2)":                             "",
		"UPDATE deliveries SET run = lower($1) WHERE id = $2":                             "UPDATE deliveries SET run = lower($1) WHERE id = $2",
		"SELECT account_id, (SELECT count(*) FROM deliveries) FROM events":                "SELECT count(*) FROM deliveries",
		"WITH w AS (DELETE FROM events RETURNING id) SELECT account_id FROM deliveries":   "DELETE FROM events RETURNING id",
		"WITH w AS (SELECT account_id FROM events) SELECT id FROM deliveries WHERE x = 1": "WITH w AS  SELECT id FROM deliveries WHERE x = 1",
	} {
		require.Equal(t, want, unscoped(statement, owned), statement)
	}
}
