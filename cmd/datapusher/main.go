// Command datapusher receives JSON for an account and delivers it, durably, to
// every destination of that account.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"datapusher/cmd/app"
)

var commands struct {
	Serve   app.Serve       `cmd:"" help:"Serve the API; with --worker make attempts, too."`
	Worker  app.Worker      `cmd:"" help:"Make attempts, beside processes that serve."`
	Migrate app.Migrate     `cmd:"" help:"Bring the database to the schema of this version."`
	Engine  app.Engines     `cmd:"" help:"The engine that makes deliveries happen."`
	Keys    app.Keys        `cmd:"" help:"Encryption keys."`
	Import  app.Import      `cmd:"" help:"Bring data over from other systems."`
	Health  app.Health      `cmd:"" help:"Ask a server whether it is well."`
	Version app.ShowVersion `cmd:"" help:"Print the version."`
}

func main() {
	// net/http writes what strange receivers send to the standard log.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&commands,
		kong.Name("datapusher"),
		kong.Description("Receives JSON for an account and delivers it, durably, to every destination of that account."),
		kong.UsageOnError(),
		kong.Vars{"allow_cidrs": "none", "log_format": "json"},
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	err := k.Run()
	app.FlushLog()
	k.FatalIfErrorf(err)
}
