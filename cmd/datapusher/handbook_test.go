package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// The table of docs/CONFIGURATION.md has each command that is none of a client's,
// which are in docs/CLI.md.
func TestTheHandbookNamesEveryCommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/CONFIGURATION.md")
	require.NoError(t, err)
	k, err := kong.New(&commands, kong.Vars{"allow_cidrs": "none", "log_format": "json", "drain_delay": "5s"})
	require.NoError(t, err)
	for _, command := range k.Model.Children {
		if command.Hidden || command.Group != nil {
			continue
		}
		rows := ""
		for row := range strings.Lines(string(text)) {
			if strings.HasPrefix(row, "| `"+command.Name) {
				rows += row
			}
		}
		require.NotEmpty(t, rows, command.Name)
		for _, sub := range command.Children {
			require.Contains(t, rows, sub.Name, command.Name)
		}
	}
}
