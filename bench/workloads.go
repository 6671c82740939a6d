package main

import (
	"context"
	"time"
)

// Workload is one row of the table.
type Workload struct {
	Name string
	What string
	Full bool // in `make bench-full` alone, unless it is named

	Shape        Shape
	Accounts     int      // 0 is 1
	Heavy        int      // how many times its share the first account sends; 0 is 1
	Destinations []string // of each account: the receiver's ways to answer
	Size         int      // bytes of an event; 0 is 1,024
	Batch        int      // events in a request
	Connections  int      // 0 is 64
	Rate         float64  // requests a second; 0 is a closed loop
	Serve        []string // further arguments of Data Pusher
	Watchers     int      // subscriptions of GraphQL, of events and of deliveries in turn

	run func(context.Context, *bench, Workload) (*Row, error)
}

// Shape is what processes there are.
type Shape string

// The shapes.
const (
	Together   Shape = "serve --worker"
	Split      Shape = "serve, worker"
	NoTemporal Shape = "serve --worker, Temporal stopped"
	River      Shape = "serve --worker --engine=river"
	Standalone Shape = "standalone"
)

// temporal reports whether there is a Temporal beside Data Pusher.
func (s Shape) temporal() bool { return s == Together || s == Split || s == "" }

// ok is so many destinations that answer at once.
func ok(n int) []string {
	kinds := make([]string, n)
	for i := range kinds {
		kinds[i] = "ok"
	}
	return kinds
}

const (
	engineFirst   = "--first-attempt=engine"
	activityFirst = "--first-attempt=activity"
	lightRate     = 100
	watchers      = 200
	mixedRate     = 400
	fairAccounts  = 10
)

// workloads in the order of the table: a baseline stands before what is compared
// with it.
var workloads = []Workload{
	{Name: "bare", What: "generator to receiver, nothing between", run: bare},
	{Name: "pgbench", What: "the same rows, inserted by pgbench", run: pgbench},

	{Name: "one", What: "1 KB to 1 destination", Destinations: ok(1), run: measure},
	{Name: "one-engine", What: "the same, first attempts by the engine", Destinations: ok(1), Serve: []string{engineFirst}, run: measure},
	{Name: "one-split", What: "the same, serve and worker apart", Destinations: ok(1), Shape: Split, run: measure},
	{Name: "one-naive", What: "a workflow per event, attempts as activities; 75 events/s, more than that can do", Destinations: ok(1), Rate: 75, Serve: []string{activityFirst}, run: measure},
	{Name: "one-stopped", What: "the same, Temporal stopped", Destinations: ok(1), Shape: NoTemporal, run: measure},
	{Name: "one-river", What: "the same, River in place of Temporal", Destinations: ok(1), Shape: River, run: measure},
	{Name: "one-river-engine", What: "the same, first attempts by River", Destinations: ok(1), Shape: River, Serve: []string{engineFirst}, run: measure},
	{Name: "one-subscribers", What: "1 KB to 1 destination, Temporal, and 200 subscriptions to all of it", Destinations: ok(1), Watchers: watchers, run: measure},
	{Name: "one-standalone", What: "the same, standalone on SQLite", Destinations: ok(1), Shape: Standalone, run: measure},

	{Name: "five", What: "1 KB to 5 destinations", Destinations: ok(5), run: measure},
	{Name: "five-engine", What: "the same, first attempts by the engine", Destinations: ok(5), Serve: []string{engineFirst}, run: measure},
	{Name: "five-river", What: "the same, River in place of Temporal", Destinations: ok(5), Shape: River, run: measure},
	{Name: "hundred", What: "1 KB to 100 destinations", Destinations: ok(100), run: measure},
	{Name: "hundred-engine", What: "the same, first attempts by the engine", Destinations: ok(100), Serve: []string{engineFirst}, run: measure},
	{Name: "large", What: "64 KB to 1 destination", Destinations: ok(1), Size: 64 << 10, run: measure},
	{Name: "large-engine", What: "the same, first attempts by the engine", Destinations: ok(1), Size: 64 << 10, Serve: []string{engineFirst}, run: measure},
	{Name: "accounts", What: "1 KB from 1,000 accounts", Accounts: 1000, Destinations: ok(1), run: measure},
	{Name: "accounts-engine", What: "the same, first attempts by the engine", Accounts: 1000, Destinations: ok(1), Serve: []string{engineFirst}, run: measure},
	{Name: "accounts-subscribers", What: "1 KB from 1,000 accounts, Temporal, and 200 subscriptions, each to an account of its own", Accounts: 1000, Destinations: ok(1), Watchers: watchers, run: measure},
	{Name: "batch", What: "1 KB, 100 in a request, to 1 destination", Destinations: ok(1), Batch: 100, Connections: 16, run: measure},
	{Name: "batch-engine", What: "the same, first attempts by the engine", Destinations: ok(1), Batch: 100, Connections: 16, Serve: []string{engineFirst}, run: measure},
	{Name: "batch-only", What: "the same, no destination", Destinations: nil, Batch: 100, Connections: 16, run: measure},

	{Name: "light", What: "100 events/s to 1 destination", Destinations: ok(1), Rate: lightRate, run: measure},
	{Name: "light-engine", What: "the same, first attempts by the engine", Destinations: ok(1), Rate: lightRate, Serve: []string{engineFirst}, run: measure},
	{Name: "light-split", What: "the same, serve and worker apart", Destinations: ok(1), Rate: lightRate, Shape: Split, run: measure},
	{Name: "light-river", What: "the same, River in place of Temporal", Destinations: ok(1), Rate: lightRate, Shape: River, run: measure},
	{Name: "light-subscribers", What: "100 events/s, Temporal, and 200 subscriptions to all of them", Destinations: ok(1), Rate: lightRate, Watchers: watchers, run: measure},
	{Name: "lag-100", What: "100 events/s, one subscription to the events and one to the deliveries", Destinations: ok(1), Rate: 100, Watchers: 2, run: measure},
	{Name: "lag-1000", What: "1,000 events/s, the same", Destinations: ok(1), Rate: 1000, Watchers: 2, run: measure},

	{Name: "healthy", What: "400 events/s to 5 that are well", Destinations: ok(5), Rate: mixedRate, run: measure},
	{Name: "mixed", What: "400 events/s to 3 that are well, 1 dead, 1 slow (2 s)", Destinations: []string{"ok", "ok", "ok", "dead", "slow/2s"}, Rate: mixedRate, run: measure},
	{Name: "mixed-engine", What: "the same, first attempts by the engine", Destinations: []string{"ok", "ok", "ok", "dead", "slow/2s"}, Rate: mixedRate, Serve: []string{engineFirst}, run: measure},

	{Name: "fair", What: "1,900 events/s from 10 accounts", Accounts: fairAccounts, Destinations: ok(1), Rate: 1900, run: measure},
	{Name: "unfair", What: "as many, and the first sends 10 times as much as another", Accounts: fairAccounts, Heavy: 10, Destinations: ok(1), Rate: 1900, run: measure},
	{Name: "unfair-engine", What: "the same, first attempts by the engine", Accounts: fairAccounts, Heavy: 10, Destinations: ok(1), Rate: 1900, Serve: []string{engineFirst}, run: measure},
	{Name: "overload", What: "15,000 events/s over 6,000 connections: more than it can take", Destinations: ok(1), Rate: 15000, Connections: 6000, run: measure},
	{Name: "overload-engine", What: "the same, first attempts by the engine", Destinations: ok(1), Rate: 15000, Connections: 6000, Serve: []string{engineFirst}, run: measure},

	{Name: "backlog", What: "200,000 pending deliveries, from a cold start", Destinations: ok(1), run: backlog},
	{Name: "empty", What: "1 KB to 1 destination again: machines change their speed within minutes", Destinations: ok(1), run: measure},
	{Name: "history", What: "1 KB to 1 destination, a million events in the tables", Destinations: ok(1), run: grown(1_000_000)},
	{Name: "history-full", What: "1 KB to 1 destination, ten million events in the tables", Destinations: ok(1), Full: true, run: grown(10_000_000)},
}

// warmup is what is sent before a measurement.
const warmup = 2 * time.Second

// drainPatience is how long what was accepted may take to arrive.
const drainPatience = 2 * time.Minute
