package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"datapusher/internal/testutil/pgtest/cluster"
)

// Server is a scratch Postgres server.
type Server struct {
	Version string // such as "15.14"

	url     string           // of the superuser
	admin   *sql.DB          // creates and drops databases
	cluster *cluster.Cluster // nil: another process owns it

	mu        sync.Mutex
	templates map[string]*template
}

// patience bounds what the server is asked to do for a test.
const patience = time.Minute

// shared is this process's server.
func shared(t testing.TB) *Server {
	t.Helper()
	s, err := sharedServer()
	if err != nil {
		t.Fatalf("no Postgres for the tests: %v", err)
	}
	return s
}

var sharedServer = sync.OnceValues(func() (*Server, error) {
	if url := os.Getenv(cluster.EnvShared); url != "" {
		s, err := newServer(url, nil)
		if err != nil {
			return nil, fmt.Errorf("the cluster that %s names: %w", cluster.EnvShared, err)
		}
		return s, nil
	}
	return start(nil)
})

// Start starts a server for this test alone, with those settings (as in
// postgresql.conf) on top of the defaults. It may be stopped and started again.
func Start(t testing.TB, settings map[string]string) *Server {
	t.Helper()
	s, err := start(settings)
	if err != nil {
		t.Fatalf("no Postgres for the test: %v", err)
	}
	t.Cleanup(func() {
		_ = s.admin.Close()
		if err := s.cluster.Close(); err != nil {
			t.Errorf("end the test's Postgres: %v", err)
		}
	})
	return s
}

func start(settings map[string]string) (*Server, error) {
	c, err := cluster.Start(settings)
	if err != nil {
		return nil, err
	}
	s, err := newServer(c.URL, c)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

func newServer(url string, c *cluster.Cluster) (*Server, error) {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return nil, err
	}
	s := &Server{url: url, admin: sql.OpenDB(connector), cluster: c, templates: map[string]*template{}}
	s.admin.SetMaxOpenConns(4)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// "15.14 (Debian 15.14-0+deb12u1)"
	if err := s.admin.QueryRowContext(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1)").Scan(&s.Version); err != nil {
		_ = s.admin.Close()
		return nil, err
	}
	return s, nil
}

// URL is the URL of the superuser at the server's first database.
func (s *Server) URL() string { return s.url }

// Stop ends a server that [Start] started and waits for that: "fast" closes its
// connections in order, "immediate" is a crash.
func (s *Server) Stop(t testing.TB, mode string) {
	t.Helper()
	if err := s.cluster.Stop(mode); err != nil {
		t.Fatalf("stop Postgres: %v", err)
	}
}

// Start starts a stopped server again, at the same URL, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.cluster.Start(); err != nil {
		t.Fatalf("start Postgres again: %v", err)
	}
}
