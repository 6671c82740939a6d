// Command loadhistory migrates a Postgres database and loads a history into it:
//
//	go run ./bench/history/cmd/loadhistory -events 1000000 postgres://…
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"datapusher/bench/history"
	"datapusher/internal/database"
)

func main() {
	var o history.Options
	flag.IntVar(&o.Events, "events", 1_000_000, "how many events")
	flag.IntVar(&o.Accounts, "accounts", history.DefaultAccounts, "how many accounts they belong to")
	flag.IntVar(&o.Destinations, "destinations", history.DefaultDestinations, "how many destinations an account has")
	flag.DurationVar(&o.Span, "span", history.DefaultSpan, "how long before now the oldest is accepted")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: loadhistory [flags] postgres://…")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := load(ctx, flag.Arg(0), o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func load(ctx context.Context, url string, o history.Options) error {
	db, err := database.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	began := time.Now()
	o.Progress = func(n int) {
		if n%500_000 == 0 || n == o.Events {
			fmt.Printf("%d events, %.0f a second\n", n, float64(n)/time.Since(began).Seconds())
		}
	}
	if err := history.Load(ctx, db.Write, o); err != nil {
		return err
	}
	fmt.Printf("done after %s\n", time.Since(began).Round(time.Millisecond))
	return nil
}
