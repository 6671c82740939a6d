// Package cluster starts scratch Postgres clusters from the installed binaries.
// A cluster is empty, listens on loopback and trusts everybody, so it is for
// tests and measurements alone. It ends with the process that started it.
package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	_ "embed"
)

// Cluster is one running Postgres server.
type Cluster struct {
	URL     string // of the superuser, at the database postgres
	Version string // such as "15.14"

	bin, dir string
	port     int
	sh       *exec.Cmd

	mu      sync.Mutex // one command to the supervisor at a time
	input   io.WriteCloser
	answers *bufio.Reader
}

//go:embed supervisor.sh
var supervisor string

// portAttempts bounds how often another port is tried when one was taken
// between finding it free and listening on it.
const portAttempts = 5

// Start makes a cluster with those settings (names and values as in
// postgresql.conf) on top of the defaults for tests, and waits until it answers.
func Start(settings map[string]string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := who.folder()
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir}
	if err := c.begin(who, settings); err != nil {
		_ = c.Close()
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start a scratch Postgres from %s: %w", bin, err)
	}
	return c, nil
}

func (c *Cluster) begin(who runAs, settings map[string]string) error {
	out, err := exec.Command(filepath.Join(c.bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("ask for the version: %w", err)
	}
	// "postgres (PostgreSQL) 15.14 (Debian …)"
	if words := strings.Fields(string(out)); len(words) > 2 {
		c.Version = words[2]
	}
	if err := initialize(c.bin, c.dir, who, settings); err != nil {
		return err
	}
	if err := c.supervise(who); err != nil {
		return err
	}
	for range portAttempts {
		if c.port, err = FreePort(); err != nil {
			return err
		}
		if err = c.Start(); err == nil {
			c.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
			return nil
		}
	}
	return err
}

func (c *Cluster) supervise(who runAs) error {
	sh := who.command("sh", c.dir, "-c", supervisor, "supervisor", c.bin, c.dir)
	// A session of its own: Ctrl-C in the terminal must reach the tests, not the
	// process that cleans up after them.
	sh.SysProcAttr.Setsid = true
	input, err := sh.StdinPipe()
	if err != nil {
		return err
	}
	output, err := sh.StdoutPipe()
	if err != nil {
		return err
	}
	if err := sh.Start(); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	c.sh, c.input, c.answers = sh, input, bufio.NewReader(output)
	return nil
}

func (c *Cluster) command(line string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.input, line+"\n"); err != nil {
		return fmt.Errorf("the supervisor is gone: %w", err)
	}
	answer, err := c.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("the supervisor is gone: %w", err)
	}
	if strings.TrimSpace(answer) != "ok" {
		return fmt.Errorf("%q failed; the end of Postgres's log:\n%s", line, c.logTail())
	}
	return nil
}

// Start starts a stopped cluster again on its old port and waits until it answers.
func (c *Cluster) Start() error { return c.command("start " + strconv.Itoa(c.port)) }

// Stop ends the server and waits for that. Mode is pg_ctl's: "fast" closes the
// connections in order, "immediate" is a crash: the next Start recovers.
func (c *Cluster) Stop(mode string) error { return c.command("stop " + mode) }

// Keep leaves the cluster running when this process ends, and returns the shell
// command that stops and removes it.
func (c *Cluster) Keep() (remove string, err error) {
	if err := c.command("keep"); err != nil {
		return "", err
	}
	return fmt.Sprintf("kill -QUIT $(head -1 %s/data/postmaster.pid) && rm -rf %s", c.dir, c.dir), nil
}

// Close ends the cluster and removes its files, unless it is kept.
func (c *Cluster) Close() error {
	if c.sh == nil {
		return nil
	}
	return errors.Join(c.input.Close(), c.sh.Wait())
}

// Program is the path of another of Postgres's programs, such as "pgbench".
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

func (c *Cluster) logTail() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// FreePort finds a loopback port below the range from which the kernel serves
// outgoing connections, so that nobody takes it while its server is stopped.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("found no free loopback port")
}
