// Package stack starts the programs that a benchmark measures, each as a process
// of its own: a Postgres with durable settings, Temporal on it, and Data Pusher.
// It tells what each of them has used of the machine.
package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest/cluster"
)

// Programs are the files to run.
type Programs struct {
	DataPusher string // bin/datapusher
	Standalone string // bin/standalone
	Temporal   string // bin/temporalserver
}

// Stack is what stands for one measurement.
type Stack struct {
	AdminToken string
	Dir        string // for logs and what else a process leaves behind
	Statements bool   // has Postgres count what each statement costs, in pg_stat_statements
	// TemporalArgs are further ones of the next Temporal that is started.
	TemporalArgs []string

	programs Programs
	keys     string
	postgres *cluster.Cluster
	url      string // of Data Pusher's database
	temporal *process
	address  string // of Temporal, kept when it is started again
	parts    []part
	closers  []func()
}

// durable are the settings of a database server that loses nothing; everything
// else is as Postgres comes.
var durable = map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}

// New starts an empty Postgres; the rest comes with Start….
func New(programs Programs, dir string) (*Stack, error) {
	token := make([]byte, 24)
	_, _ = rand.Read(token) // never fails
	s := &Stack{AdminToken: hex.EncodeToString(token), Dir: dir, programs: programs}
	keys, err := exec.Command(programs.DataPusher, "keys", "generate").Output() //nolint:noctx // it ends at once
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	s.keys = strings.TrimSpace(string(keys))
	return s, nil
}

// StartPostgres starts the database server and makes the databases.
func (s *Stack) StartPostgres(ctx context.Context) error {
	settings := maps.Clone(durable)
	if s.Statements {
		settings["shared_preload_libraries"] = "pg_stat_statements"
	}
	c, err := cluster.Start(settings)
	if err != nil {
		return err
	}
	s.postgres = c
	s.onClose(func() { _ = c.Close() })
	db, err := database.Open(ctx, c.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, name := range []string{"datapusher", "temporal"} {
		if _, err := db.Write.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
			return fmt.Errorf("create the database %s: %w", name, err)
		}
	}
	var backend int
	if err := db.Read.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	main, err := parent(backend)
	if err != nil {
		return err
	}
	s.url = s.databaseURL("datapusher")
	s.parts = append(s.parts, part{name: "postgres", pid: func() int { return main }})
	return nil
}

func (s *Stack) databaseURL(name string) string {
	u, err := url.Parse(s.postgres.URL)
	if err != nil {
		panic(err) // the cluster made it
	}
	u.Path = "/" + name
	return u.String()
}

// Database opens Data Pusher's database.
func (s *Stack) Database(ctx context.Context) (*database.DB, error) { return database.Open(ctx, s.url) }

// TemporalDatabase opens Temporal's.
func (s *Stack) TemporalDatabase(ctx context.Context) (*database.DB, error) {
	return database.Open(ctx, s.databaseURL("temporal"))
}

// Postgres is a command of Postgres's own programs on Data Pusher's database.
func (s *Stack) Postgres(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, s.postgres.Program(program), append(args, s.url)...)
}

// StartTemporal starts Temporal on Postgres, at the address that it had before.
func (s *Stack) StartTemporal(ctx context.Context) error {
	if s.address == "" {
		var err error
		if s.address, err = FreeAddress(); err != nil {
			return err
		}
	}
	args := append([]string{"-store", "postgres", "-dsn", s.databaseURL("temporal"), "-listen", s.address}, s.TemporalArgs...)
	p, err := launch(filepath.Join(s.Dir, "temporal.log"), nil, s.programs.Temporal, args...)
	if err != nil {
		return err
	}
	var ready struct{ Address string }
	if err := p.json(&ready); err != nil {
		return fmt.Errorf("temporal does not start: %w", err)
	}
	if s.temporal == nil {
		s.parts = append(s.parts, part{name: "temporal", pid: func() int { return s.temporal.pid() }})
		s.onClose(func() { s.temporal.stop() })
	}
	s.temporal = p
	return nil
}

// StopTemporal ends Temporal.
func (s *Stack) StopTemporal() { s.temporal.stop() }

// Temporal is the process that StartTemporal has started last.
func (s *Stack) Temporal() *Server { return &Server{p: s.temporal} }

// TemporalAddress is where Temporal listens, as host:port; "" before it has been
// started.
func (s *Stack) TemporalAddress() string { return s.address }

// DatabaseURL is that of Data Pusher's database.
func (s *Stack) DatabaseURL() string { return s.url }

// StopPostgres ends the database server: "fast" in order, "immediate" as a crash.
func (s *Stack) StopPostgres(mode string) error { return s.postgres.Stop(mode) }

// ResumePostgres starts it again where it was, and waits until it answers.
func (s *Stack) ResumePostgres() error { return s.postgres.Start() }

// Server is a running Data Pusher.
type Server struct {
	URL     string // of the API
	Profile string // address of net/http/pprof

	p *process
}

// Stop ends the process in its own order and waits for that.
func (d *Server) Stop() { d.p.stop() }

// Kill ends the process without a warning, and waits for that.
func (d *Server) Kill() { d.p.kill() }

// Signal sends the process a signal.
func (d *Server) Signal(s os.Signal) error { return d.p.cmd.Process.Signal(s) }

// Ended is closed when the process has ended.
func (d *Server) Ended() <-chan struct{} { return d.p.ended }

// ExitCode is that of a process that has ended; -1 where a signal ended it.
func (d *Server) ExitCode() int { return d.p.cmd.ProcessState.ExitCode() }

// PID is the process's id.
func (d *Server) PID() int { return d.p.pid() }

// Command is what a Data Pusher is started with.
type Command struct {
	Name    string // what tables and logs call it
	Program string // file; "" is the DataPusher of [Programs]
	Args    []string
	Env     []string // wins over what the stack says
}

// Serve starts "datapusher serve" or another command with those arguments; name
// is what the tables call it.
func (s *Stack) Serve(ctx context.Context, name string, args ...string) (*Server, error) {
	return s.Start(ctx, Command{Name: name, Args: args})
}

// Start starts a command that serves or works, and waits until it says so.
func (s *Stack) Start(ctx context.Context, c Command) (*Server, error) {
	profile, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	env, err := s.env(c, profile)
	if err != nil {
		return nil, err
	}
	p, err := launch(filepath.Join(s.Dir, c.Name+".log"), env, cmp.Or(c.Program, s.programs.DataPusher), c.Args...)
	if err != nil {
		return nil, err
	}
	return s.await(ctx, c.Name, p, profile, p.announced)
}

// Run runs a command that ends by itself, such as "migrate up".
func (s *Stack) Run(ctx context.Context, c Command) error {
	env, err := s.env(c, "")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, cmp.Or(c.Program, s.programs.DataPusher), c.Args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c.Name, err, out)
	}
	return nil
}

// env is the environment of a command.
func (s *Stack) env(c Command, profile string) (_ []string, err error) {
	if s.address == "" {
		// Nobody listens there: Temporal is not to be had.
		if s.address, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	env := append(os.Environ(), s.environment(profile)...)
	env = append(env, "TEMPORAL_ADDRESS="+s.address, "DATAPUSHER_DATABASE_URL="+s.url)
	return append(env, c.Env...), nil
}

// Standalone starts the program that brings everything along.
func (s *Stack) Standalone(ctx context.Context, name string, args ...string) (*Server, error) {
	profile, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), s.environment(profile)...)
	env = append(env, "DATAPUSHER_DATA_DIR="+filepath.Join(s.Dir, name), "DATAPUSHER_DEMO=false", "DATAPUSHER_LOG_FORMAT=json",
		"DATAPUSHER_TEMPORAL_LISTEN=127.0.0.1:0", "DATAPUSHER_TEMPORAL_UI_LISTEN=127.0.0.1:0")
	p, err := launch(filepath.Join(s.Dir, name+".log"), env, s.programs.Standalone, args...)
	if err != nil {
		return nil, err
	}
	endpoints := filepath.Join(s.Dir, name, "endpoints.json")
	return s.await(ctx, name, p, profile, func() (string, bool) {
		var where struct{ API string }
		text, err := os.ReadFile(endpoints)
		ok := err == nil && decode(text, &where) == nil
		return where.API, ok && where.API != ""
	})
}

func (s *Stack) environment(profile string) []string {
	return []string{
		"DATAPUSHER_ADMIN_TOKEN=" + s.AdminToken,
		"DATAPUSHER_ENCRYPTION_KEYS=" + s.keys,
		"DATAPUSHER_LISTEN=127.0.0.1:0",
		"DATAPUSHER_DRAIN_DELAY=0s", // no load balancer would have to notice
		"DATAPUSHER_ALLOW_CIDRS=127.0.0.0/8",
		"DATAPUSHER_PROFILE_LISTEN=" + profile,
	}
}

// await waits until a Data Pusher says where it serves, or that it works.
func (s *Stack) await(ctx context.Context, name string, p *process, profile string, ready func() (url string, ok bool)) (*Server, error) {
	d := &Server{Profile: profile, p: p}
	s.parts = append(s.parts, part{name: name, pid: p.pid})
	s.onClose(p.stop)
	var err error
	if d.URL, err = p.await(ctx, ready); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s does not start: %w", name, err)
	}
	return d, nil
}

// Add has a process of the benchmark's own measured with the others, until it
// has been waited for.
func (s *Stack) Add(name string, cmd *exec.Cmd) {
	s.parts = append(s.parts, part{name: name, pid: func() int { return cmd.Process.Pid }, cmd: cmd})
}

func (s *Stack) onClose(f func()) { s.closers = append(s.closers, f) }

// Close ends everything.
func (s *Stack) Close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.closers = nil
}

// FreeAddress is a loopback address at which nobody listens, and which stays so
// while its server is away.
func FreeAddress() (string, error) {
	port, err := cluster.FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// parent is the process that started another.
func parent(pid int) (int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	f := statFields(string(text))
	if len(f) < 2 {
		return 0, errors.New("the process's state cannot be read")
	}
	return strconv.Atoi(f[1])
}

func decode(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("it printed %q: %w", line, err)
	}
	return nil
}
