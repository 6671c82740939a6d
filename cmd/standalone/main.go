// Command standalone is Data Pusher in one process: the API, the worker, a
// Temporal server with its UI, and SQLite. It is what `make run` starts, and
// enough for one machine. Where users outgrow that, cmd/datapusher runs on
// Postgres and a Temporal cluster.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"datapusher/cmd/app"
)

// commands are those of the program. Without one it starts.
type commands struct {
	Run  start       `cmd:"" default:"withargs" help:"Start everything; what the program does without a command. Encryption keys have commands of their own: keys --help lists them."`
	Keys keysCommand `cmd:"" help:"Encryption keys of a data directory."`
}

// start is what the program does without a command.
type start struct{ config }

// Run starts everything and returns when ctx has ended it.
func (s *start) Run(ctx context.Context) error { return run(ctx, s.config, os.Stdout) }

// parserOptions tell kong about the program.
func parserOptions(ctx context.Context) []kong.Option {
	return []kong.Option{
		kong.Name("standalone"),
		kong.Description("Data Pusher in one process: API, worker, Temporal with its UI, and SQLite."),
		kong.Vars{
			"allow_cidrs": "127.0.0.0/8,::1/128", // to try things out on one machine
			"log_format":  "text",
			"drain_delay": "0s", // nobody stands in front who would have to hear of the end
		},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Help(help),
	}
}

// help lists the settings where no command is named: most people want to start.
func help(options kong.HelpOptions, k *kong.Context) error {
	if !slices.ContainsFunc(k.Path, func(p *kong.Path) bool { return p.Command != nil }) {
		run, err := kong.Trace(k.Kong, []string{"run"})
		if err != nil {
			return err
		}
		k = run
	}
	return kong.DefaultHelpPrinter(options, k)
}

func main() {
	// net/http writes what strange receivers send to the standard log.
	log.SetOutput(io.Discard)
	ctx, stop := app.Signals()
	defer stop()
	k := kong.Parse(new(commands), parserOptions(ctx)...)
	err := k.Run()
	app.FlushLog()
	k.FatalIfErrorf(err)
}
