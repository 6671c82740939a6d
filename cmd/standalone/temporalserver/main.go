// Command temporalserver runs the Temporal server that the standalone program
// embeds, alone: for tests and benchmarks, which start it as a child process.
//
// It prints one line of JSON to stdout as soon as it takes requests, such as
//
//	{"address":"127.0.0.1:40123","ui":"","version":"1.32.0","store":"sqlite"}
//
// and runs until its stdin reaches the end or it is sent SIGINT or SIGTERM. A
// parent that holds the other end of stdin therefore takes it along when it
// ends, in whatever way. What it logs goes to stderr. The exit code is 0 after
// a stop, 1 when the server cannot be started and 2 when it is called wrongly.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"datapusher/cmd/standalone/embedded"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	options, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "temporalserver:", err)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, options, os.Stdin, os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "temporalserver:", err)
		os.Exit(1)
	}
}

func parse(args []string, help io.Writer) (embedded.Options, error) {
	options := embedded.Options{SearchAttributes: embedded.DeliverySearchAttributes()}
	var store, dsn string
	flags := flag.NewFlagSet("temporalserver", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.StringVar(&store, "store", "sqlite", "what the state is kept in: sqlite or postgres")
	flags.StringVar(&dsn, "dsn", "", "a file for sqlite (none: in memory), or a postgres:// `URL`")
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:0", "`host:port` of the frontend; port 0 is a free one")
	flags.StringVar(&options.UIListen, "ui-listen", "", "`host:port` of the web UI (default none)")
	flags.StringVar(&options.Namespace, "namespace", embedded.DefaultNamespace, "created if it is missing")
	flags.Float64Var(&options.FaultRate, "fault-rate", 0, "`share` of what the server asks its store for that fails, half of the writes after they were made")
	if err := flags.Parse(args); err != nil {
		return embedded.Options{}, err
	}
	if flags.NArg() > 0 {
		return embedded.Options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	postgres := embedded.IsPostgres(dsn)
	switch {
	case store != "sqlite" && store != "postgres":
		return embedded.Options{}, fmt.Errorf("-store is %q, not sqlite or postgres", store)
	case options.FaultRate < 0 || options.FaultRate > 1:
		return embedded.Options{}, fmt.Errorf("-fault-rate is %v, not a share from 0 to 1", options.FaultRate)
	case postgres != (store == "postgres"):
		return embedded.Options{}, fmt.Errorf("-dsn does not fit -store %s", store)
	}
	options.Store = dsn
	return options, nil
}

// run starts the server, announces it on stdout, and stops it when ctx or stdin ends.
func run(ctx context.Context, options embedded.Options, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Read from the start on: a parent that dies meanwhile is noticed too.
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, stdin)
	}()
	server, err := embedded.Start(ctx, options)
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer server.Stop()
	if err := json.NewEncoder(stdout).Encode(struct {
		Address string `json:"address"`
		UI      string `json:"ui"`
		Version string `json:"version"`
		Store   string `json:"store"`
	}{server.Address(), server.UIURL(), server.Version(), server.Store()}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
