package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"datapusher/cmd/app"
	"datapusher/cmd/standalone/embedded"
	"datapusher/internal/datadir"
)

// run starts everything, tells where it is, and stops it when ctx ends.
func run(ctx context.Context, c config, out io.Writer) error {
	began := time.Now()
	dir, err := openDataDir(c.DataDir)
	if err != nil {
		return err
	}
	defer dir.close()
	operator, err := dir.fill(&c.Config)
	if err != nil {
		return err
	}
	// Until the welcome is printed only warnings are, so that it can be read.
	level := new(slog.LevelVar)
	level.Set(max(c.LogLevel, slog.LevelWarn))
	logger := c.LoggerAt(level)

	temporal, err := embedded.Start(ctx, embedded.Options{
		Listen: c.TemporalListen, UIListen: c.TemporalUIListen, Store: embedded.SQLiteFile(c.DataDir),
		SearchAttributes: embedded.DeliverySearchAttributes(), Logger: logger,
	})
	if err != nil {
		return fmt.Errorf("start the embedded Temporal server: %w", err)
	}
	defer temporal.Stop()
	if c.TemporalUIURL == "" {
		c.TemporalUIURL = temporal.UIURL()
	}

	server, err := app.Start(ctx, c.Config, app.Options{
		TemporalAddress: temporal.Address(), Own: temporal.Listeners(), Work: true, Logger: logger,
	})
	if err != nil {
		return err
	}
	defer server.Close()

	where := datadir.Endpoints{API: server.URL(), Temporal: temporal.Address(), TemporalUI: temporal.UIURL()}
	if err := where.Write(dir.path); err != nil {
		return err
	}
	defer datadir.RemoveEndpoints(dir.path)
	fmt.Fprintf(out, "Data Pusher %s is up after %s.\n\n", app.Version, time.Since(began).Round(time.Millisecond))

	receiver, err := dir.startReceiver(ctx, server)
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close() }()
	credentials := sample{}
	if c.Demo {
		if credentials, err = dir.demo(ctx, out, server, receiver); err != nil {
			return fmt.Errorf("the demo: %w", err)
		}
	}
	welcome(out, c, where, dir, operator, credentials)
	level.Set(c.LogLevel)
	return server.Wait(ctx)
}

// admin is what the welcome says of the admin token.
type admin struct {
	shown string // the token, at the first start alone: terminals and logs of later ones need not have it
	kept  string // where it is
	shell string // what stands for it in a command
}

// fill sets what the data directory decides where the configuration does not.
func (d *dataDir) fill(c *app.Config) (_ admin, err error) {
	c.Migrate = true
	if c.EncryptionKeys == "" {
		if c.EncryptionKeys, err = d.keys(); err != nil {
			return admin{}, err
		}
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = d.databaseURL()
	}
	if c.AdminToken != "" {
		return admin{kept: "as you have set it", shell: "$DATAPUSHER_ADMIN_TOKEN"}, nil
	}
	file := d.file(datadir.AdminToken)
	a := admin{kept: "kept in " + file, shell: fmt.Sprintf(`$(cat "%s")`, file)}
	token, made, err := d.once(datadir.AdminToken, newAdminToken)
	if c.AdminToken = token; made {
		a.shown = token
	}
	return a, err
}

func (d *dataDir) databaseURL() string { return "sqlite:" + d.file(datadir.Database) }

// welcome prints where everything is and what to do next.
func welcome(out io.Writer, c config, where datadir.Endpoints, dir *dataDir, a admin, s sample) {
	token := a.kept
	if a.shown != "" {
		token = fmt.Sprintf("%s\n                (shown this once, and %s)", a.shown, a.kept)
	}
	fmt.Fprintf(out, `
  API           %[1]s/graphql
  Dashboard     %[1]s%[7]s
  Playground    %[1]s/playground%[6]s
  Temporal UI   %[2]s
  Data          %[3]s
  Admin token   %[4]s

  Destinations may be at these addresses although they are not public: %[5]s
`, where.API, where.TemporalUI, dir.path, token, c.AllowCIDRs, signedIn(a.shown), dashboard(a.shown))
	if s.secretToken != "" {
		fmt.Fprintf(out, `
Push another event of the demo account:

  curl %s/server/incoming_data -H 'Authorization: Bearer %s' \
    -H 'Content-Type: application/json' -d '{"hello":"world"}'
`, where.API, s.secretToken)
	} else {
		fmt.Fprintf(out, `
Make an account, then push an event with the secretToken that it answers:

  curl %s/graphql -H "Authorization: Bearer %s" -H 'Content-Type: application/json' \
    -d '{"query":"mutation{createAccount(input:{name:\"Me\",email:\"me@example.com\"}){account{id} secretToken}}"}'
`, where.API, a.shell)
	}
	fmt.Fprint(out, "\nStop with Ctrl-C; everything is kept.\n")
}

// signedIn is what a link of this machine ends with so that the page it opens has
// the admin token. Browsers send to nobody what stands behind a #.
func signedIn(token string) string {
	if token == "" {
		return ""
	}
	return "#" + url.Values{"token": {token}}.Encode()
}

// dashboard is the page of the link that signs an operator in.
func dashboard(token string) string {
	if token == "" {
		return "/"
	}
	return "/sign-in" + signedIn(token)
}

// loopback makes the URL of a listener on this machine.
func loopback(address, path string) string {
	return (&url.URL{Scheme: "http", Host: address, Path: path}).String()
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
