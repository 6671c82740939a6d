// Package cli is the command line of Data Pusher's users: it speaks GraphQL, and
// the doors for events, to a server here or elsewhere, as any other client does.
// What runs and keeps a server is in cmd/app.
//
// Commands print what they have made or found on standard output, as a table for
// people or as JSON or YAML with the names of the GraphQL schema, and everything
// else on standard error. Their exit status tells scripts what went wrong; see
// [Error.ExitCode].
package cli

// Commands are those of the command line, for kong.
type Commands struct {
	Account     Accounts     `cmd:"" group:"client" help:"Accounts: who owns destinations and events."`
	Token       Tokens       `cmd:"" group:"client" help:"Tokens: an account's credentials."`
	Destination Destinations `cmd:"" group:"client" help:"Destinations: where an account's events go."`
	Event       Events       `cmd:"" group:"client" help:"Events: what was accepted."`
	Delivery    Deliveries   `cmd:"" group:"client" help:"Deliveries: one event to one destination."`
	Replay      Replays      `cmd:"" group:"client" help:"Send events once more: all that match, after a dry run."`

	Send   Send   `cmd:"" group:"client" help:"Send events: from a file or standard input, one or many."`
	Tail   Tail   `cmd:"" group:"client" help:"Show events and deliveries as they come."`
	Listen Listen `cmd:"" group:"client" help:"Receive an account's events here, until Ctrl-C: a destination of your own for as long as you look."`

	Open       Open       `cmd:"" group:"client" help:"Print a link that opens the dashboard or the playground with your credential."`
	Profile    Profiles   `cmd:"" group:"client" help:"Servers and credentials by name."`
	Completion Completion `cmd:"" group:"client" help:"Print what makes a shell complete commands and flags."`
	Complete   Complete   `cmd:"" hidden:"" name:"__complete" help:"What the shell asks."`
}
