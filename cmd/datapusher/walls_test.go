package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// walls lists, for a room, whose packages nobody else may import; with a $ at its
// end it is one package alone.
var walls = map[string][]string{
	"go.temporal.io/":       {"datapusher/workflows/temporal", "datapusher/workflows/enginetest", "datapusher/internal/testutil/", "datapusher/cmd/"},
	"github.com/riverqueue": {"datapusher/workflows/river", "datapusher/cmd/"},
	"github.com/lib/pq":     {"datapusher/internal/database", "datapusher/internal/testutil/"},
	"modernc.org/sqlite":    {"datapusher/internal/database", "datapusher/internal/testutil/"},
	"database/sql$":         {"datapusher/internal/database", "datapusher/internal/ingest", "datapusher/internal/delivery", "datapusher/internal/seed", "datapusher/internal/rekey", "datapusher/internal/dbcopy", "datapusher/workflows/river", "datapusher/internal/testutil/", "datapusher/bench/"}, // see sql_test.go
	"datapusher/graph":      {"datapusher/graph", "datapusher/cmd/", "datapusher/internal/httpapi"},
	"datapusher/cmd/":       {"datapusher/cmd/"},
	"datapusher/internal/t": {"datapusher/cmd/", "datapusher/internal/te", "datapusher/bench/", "datapusher/faults/"}, // telemetry, testutil: never a dependency of a room
}

func TestWallsBetweenTheRooms(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "datapusher/...")) {
		room, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for imported := range strings.FieldsSeq(imports) {
			for behind, allowed := range walls {
				if strings.HasPrefix(imported+"$", behind) && !hasPrefix(room, allowed) {
					t.Errorf("%s imports %s; only %s may", room, imported, strings.Join(allowed, ", "))
				}
			}
			if room == "datapusher/workflows" && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("the seam imports %s; it knows the standard library alone", imported)
			}
		}
	}
}

func TestTheProductionBinaryLinksNoTemporalServer(t *testing.T) {
	t.Parallel()
	linked := list(t, "-deps", "datapusher/cmd/datapusher")
	require.Contains(t, linked, "go.temporal.io/sdk/client\n")
	require.NotContains(t, linked, "go.temporal.io/server")
	require.NotContains(t, linked, "github.com/temporalio/ui-server")
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func list(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	require.NoError(t, err)
	return string(out)
}
