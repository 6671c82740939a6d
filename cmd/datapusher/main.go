// Command datapusher receives JSON for an account and delivers it, durably, to
// every destination of that account.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/alecthomas/kong"

	"datapusher/cmd/app"
	"datapusher/internal/cli"
)

var commands struct {
	Serve   app.Serve       `cmd:"" help:"Serve the API; with --worker make attempts, too."`
	Worker  app.Worker      `cmd:"" help:"Make attempts, beside processes that serve."`
	Migrate app.Migrate     `cmd:"" help:"Bring the database to the schema of this version."`
	Engine  app.Engines     `cmd:"" help:"The engine that makes deliveries happen."`
	Keys    app.Keys        `cmd:"" help:"Encryption keys."`
	Copy    app.Copy        `cmd:"" help:"Copy a standalone's data into Postgres. May be interrupted and repeated."`
	Import  app.Import      `cmd:"" help:"Bring data over from other systems."`
	Health  app.Health      `cmd:"" help:"Ask a server whether it is well."`
	Doctor  app.Doctor      `cmd:"" help:"Look at database, schema, keys, clock, engine, egress and server, and say how to mend what is broken."`
	Version app.ShowVersion `cmd:"" help:"Print the version."`

	cli.Commands
}

func main() {
	// net/http writes what strange receivers send to the standard log.
	log.SetOutput(io.Discard)
	ctx, stop := app.Signals()
	defer stop()
	parser := kong.Must(&commands,
		kong.Name("datapusher"),
		kong.Description("Receives JSON for an account and delivers it, durably, to every destination of that account."),
		kong.UsageOnError(),
		kong.Vars{"allow_cidrs": "none", "log_format": "json", "drain_delay": "5s"},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(cli.NewTerminal()),
		kong.ExplicitGroups([]kong.Group{{Key: "client", Title: "As a client of a server:"}, {Key: "server", Title: "Which server, as whom:"}}),
	)
	k, err := parser.Parse(os.Args[1:])
	if err != nil {
		// As docs/CLI.md has it: standard output is for results, 2 for what has to change.
		parser.Stdout = parser.Stderr
		parser.Exit = func(int) { os.Exit(2) }
		parser.FatalIfErrorf(err)
	}
	err = k.Run()
	app.FlushLog()
	k.FatalIfErrorf(err)
}
