package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/datadir"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
)

// Doctor is the command "doctor".
type Doctor struct {
	Config
	DataDir string        `env:"DATAPUSHER_DATA_DIR" default:"./data" help:"Data directory of a standalone program, looked at where no --database-url is given."`
	URL     string        `help:"URL of a server that runs; it does not get the admin token. Not given: the standalone program's, --public-url, or where --listen says."`
	Timeout time.Duration `default:"5s" help:"How long each look may take."`
	JSON    bool          `name:"json" help:"The findings as JSON."`
}

// Bounds of what the doctor takes for well.
const (
	// maxClockOffset between this process and the database, or a server: leases
	// and signatures with a time bear a minute, and a machine that keeps its time
	// is far below a second.
	maxClockOffset = 2 * time.Second
	// maxLooked are destinations whose names are looked up, the newest first.
	maxLooked = 50
)

// finding is what one look has found.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warning, failed or skipped
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"`
}

// The statuses of findings.
const (
	found   = "ok"
	warning = "warning"
	failed  = "failed"
	skipped = "skipped"
)

// Run looks at everything, prints what it finds and fails where something is
// broken. It changes nothing.
func (d *Doctor) Run(ctx context.Context) error {
	return d.run(ctx, os.Stdout)
}

func (d *Doctor) run(ctx context.Context, out io.Writer) error {
	p := &patient{Doctor: d}
	defer p.close()
	p.look(ctx, "configuration", p.configuration)
	p.look(ctx, "keys", p.keys)
	p.look(ctx, "database", p.database)
	p.look(ctx, "durability", p.durability)
	p.look(ctx, "schema", p.schema)
	p.look(ctx, "keys of the database", p.keyChecks)
	p.look(ctx, "clock of the database", p.clock)
	p.look(ctx, "engine", p.engine)
	p.look(ctx, "egress", p.egress)
	p.look(ctx, "server", p.server)
	if err := p.print(out); err != nil {
		return err
	}
	n := 0
	for _, f := range p.findings {
		if f.Status == failed {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d looks found something broken", n, len(p.findings))
	}
	return nil
}

// patient is the installation that is looked at.
type patient struct {
	*Doctor
	local    bool   // a standalone program's data directory
	own      string // URL of the program that runs on it; "": none does
	temporal string
	box      *secret.Box
	db       *database.DB
	findings []finding
}

func (p *patient) close() {
	if p.db != nil {
		_ = p.db.Close()
	}
}

func (p *patient) look(ctx context.Context, name string, at func(context.Context) finding) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	f := at(ctx)
	f.Check = name
	p.findings = append(p.findings, f)
}

func (p *patient) print(out io.Writer) error {
	if p.JSON {
		text, err := json.MarshalIndent(p.findings, "", "  ")
		if err != nil {
			return err
		}
		_, err = out.Write(append(text, '\n'))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range p.findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Check, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Mend)
		}
	}
	return w.Flush()
}

// broken is a finding that something does not work.
func broken(err error, mend string) finding {
	return finding{Status: failed, Detail: err.Error(), Mend: mend}
}

func well(format string, args ...any) finding {
	return finding{Status: found, Detail: fmt.Sprintf(format, args...)}
}

func later(what string) finding {
	return finding{Status: skipped, Detail: "needs " + what}
}

// configuration takes a data directory's own files where nothing else is set.
func (p *patient) configuration(context.Context) finding {
	if p.DatabaseURL == "" {
		file := filepath.Join(p.DataDir, datadir.Database)
		if _, err := os.Stat(file); err == nil {
			p.local, p.DatabaseURL = true, "sqlite:"+file
			p.AdminToken = cmp.Or(p.AdminToken, p.read(datadir.AdminToken))
			p.EncryptionKeys = cmp.Or(p.EncryptionKeys, p.read(datadir.Keys))
			running := datadir.ReadEndpoints(p.DataDir)
			p.own, p.temporal = running.API, running.Temporal
		}
	}
	if p.DatabaseURL == "" && p.URL != "" {
		return later("--database-url, to look at more than the server")
	}
	if err := p.validate(true); err != nil {
		return broken(err, "docs/CONFIGURATION.md lists the settings")
	}
	if p.local {
		return well("the standalone program's, in %s", p.DataDir)
	}
	return well("complete")
}

func (p *patient) read(name string) string {
	value, _ := datadir.Secret(p.DataDir, name) // what is missing is found missing
	return value
}

func (p *patient) keys(context.Context) finding {
	if p.EncryptionKeys == "" {
		return later("encryption keys")
	}
	box, err := secret.Open(p.EncryptionKeys)
	if err != nil {
		return broken(err, "take the keyset from your copy; `datapusher keys generate` makes one for a new database")
	}
	p.box = box
	return well("open; key %d seals", box.KeyID())
}

func (p *patient) database(ctx context.Context) finding {
	if p.DatabaseURL == "" {
		return later("--database-url")
	}
	began := time.Now()
	db, err := database.Open(ctx, p.DatabaseURL)
	if err != nil {
		return broken(err, "is it running, is --database-url right, may this machine connect?")
	}
	p.db = db
	version, err := db.Version(ctx)
	if err != nil {
		return broken(err, "is it running?")
	}
	return well("%s, answered in %s", version, time.Since(began).Round(time.Millisecond))
}

func (p *patient) durability(ctx context.Context) finding {
	if p.db == nil {
		return later("the database")
	}
	if err := p.db.CheckDurable(ctx); err != nil {
		if p.AllowUnsafe && errors.Is(err, database.ErrNotDurable) {
			return finding{Status: warning, Detail: err.Error(), Mend: "fine where its storage is durable without it, as --allow-unsafe-database says"}
		}
		return broken(err, "--allow-unsafe-database, where its storage is durable without it")
	}
	return well("what is committed is on disk")
}

func (p *patient) schema(ctx context.Context) finding {
	if p.db == nil {
		return later("the database")
	}
	if err := p.db.CheckMigrated(ctx); err != nil {
		return broken(err, "datapusher migrate up")
	}
	return well("current")
}

func (p *patient) keyChecks(ctx context.Context) finding {
	if p.db == nil || p.box == nil {
		return later("the database and the keys")
	}
	if err := rekey.Verify(ctx, p.db, p.box); err != nil {
		return broken(err, "start with the keyset that this database was sealed with")
	}
	return well("they open what is stored")
}

func (p *patient) clock(ctx context.Context) finding {
	if p.db == nil {
		return later("the database")
	}
	before := time.Now()
	now, err := p.db.Now(ctx)
	if err != nil {
		return broken(err, "")
	}
	return offset(now.Sub(before.Add(time.Since(before)/2)), "the database's")
}

func offset(by time.Duration, whose string) finding {
	if by.Abs() > maxClockOffset {
		return finding{
			Status: failed, Detail: fmt.Sprintf("%s clock is %s off this machine's", whose, by.Round(time.Millisecond)),
			Mend: "have NTP keep the time on both: leases and signatures go by it",
		}
	}
	return well("within %s of this machine's", by.Abs().Round(time.Millisecond))
}

func (p *patient) engine(ctx context.Context) finding {
	if p.db == nil {
		return later("the database")
	}
	if p.local && p.temporal == "" {
		return later("the standalone program to run")
	}
	engine, stop, err := newEngine(p.Config, Options{TemporalAddress: p.temporal}, p.db, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return broken(err, "")
	}
	defer stop()
	if err := engine.Check(ctx); err != nil {
		mend := "is Temporal running, and are TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE right? Events are accepted meanwhile"
		if p.Engine == engineRiver {
			mend = "datapusher migrate up --engine=river"
		}
		return broken(err, mend)
	}
	return well("%s answers", p.Engine)
}

// egress looks at where the newest destinations are: a name that does not
// resolve, and an address that the guard refuses, are why nothing arrives there.
func (p *patient) egress(ctx context.Context) finding {
	allowed, err := sender.ParseCIDRs(p.AllowCIDRs)
	if err != nil {
		return broken(err, "--allow-cidrs is a list such as 10.1.0.0/16,fd00::/8, or none")
	}
	nat64, err := sender.ParseNAT64(p.NAT64Prefixes)
	if err != nil {
		return broken(err, "--nat64-prefixes is a list such as 64:ff9b::/96, or none")
	}
	if p.db == nil {
		return later("the database")
	}
	if p.local && len(allowed) == 0 {
		allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")} // its default
	}
	newest, err := p.db.Ent.Destination.Query().Where(destination.EnabledEQ(true)).WithAccount().
		Order(destination.ByID(sql.OrderDesc())).Limit(maxLooked).All(auth.AsSystem(ctx))
	if err != nil {
		return broken(err, "")
	}
	guard := sender.NewGuard(sender.GuardOptions{Allow: allowed, NAT64: nat64})
	var bad []string
	for _, d := range newest {
		if why := p.reach(ctx, guard, d); why != "" {
			bad = append(bad, d.ID+": "+why)
		}
	}
	if len(bad) > 0 {
		return finding{
			Status: warning, Detail: fmt.Sprintf("%d of the newest %d destinations cannot be reached: %s", len(bad), len(newest), strings.Join(bad, "; ")),
			Mend: "mend the name, or allow the network with --allow-cidrs or the account's setAccountEgress",
		}
	}
	return well("the newest %d destinations have addresses that may be sent to", len(newest))
}

func (p *patient) reach(ctx context.Context, guard *sender.Guard, d *ent.Destination) string {
	u, err := url.Parse(d.URL)
	if err != nil {
		return "its URL cannot be read"
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return u.Hostname() + " does not resolve"
	}
	if d.Edges.Account != nil {
		own, err := sender.ParseCIDRs(cmp.Or(strings.Join(d.Edges.Account.AllowCidrs, ","), "none"))
		if err == nil {
			guard = guard.With(own)
		}
	}
	for _, a := range addresses {
		if guard.Check(a.Unmap()) == nil {
			return ""
		}
	}
	return u.Hostname() + " is at an address that is not allowed"
}

// server asks one that runs for its readiness, and for the time.
func (p *patient) server(ctx context.Context) finding {
	base := strings.TrimRight(cmp.Or(p.URL, p.own, p.PublicURL, "http://"+p.Listen), "/")
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return broken(err, "--url must be a URL such as https://push.example.com")
	}
	if p.URL == "" || base == p.own { // a server that is named may be anybody's
		q.Header.Set("Authorization", "Bearer "+p.AdminToken)
	}
	began := time.Now()
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return finding{Status: warning, Detail: base + " does not answer: " + cause(err), Mend: "start it with `datapusher serve --worker` or `make run`, or name it with --url"}
	}
	defer func() { _ = a.Body.Close() }()
	var ready struct {
		Checks map[string]struct{ Status, Error string }
	}
	if err := json.NewDecoder(io.LimitReader(a.Body, 1<<20)).Decode(&ready); err != nil {
		return broken(fmt.Errorf("%s answers %s, and not as Data Pusher does", base, a.Status), "is --url right?")
	}
	var bad []string
	for name, c := range ready.Checks {
		if c.Status != found {
			bad = append(bad, strings.TrimSpace(name+" "+c.Error))
		}
	}
	if len(bad) > 0 {
		return broken(fmt.Errorf("%s is not ready: %s", base, strings.Join(bad, "; ")), "its log says more")
	}
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		// The header has whole seconds: what it names ended up to one later.
		if f := offset(date.Add(time.Second/2).Sub(began), "the server's"); f.Status != found {
			return f
		}
	}
	return well("%s is ready, answered in %s", base, time.Since(began).Round(time.Millisecond))
}

// cause is the innermost error's text: the outer ones repeat the URL.
func cause(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
