package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lib/pq"

	"datapusher/internal/testutil/pgtest/cluster"
)

// EnvKeep names the variable that, when set to anything, keeps the databases of failed tests.
const EnvKeep = cluster.EnvKeep

// Database is the URL of a new empty database, dropped when the test ends.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.clone(t, "template0")
}

// clone makes a copy of a template for this test.
func (s *Server) clone(t testing.TB, template string) string {
	t.Helper()
	name := databaseName(t.Name())
	if err := s.create(name, template); err != nil {
		t.Fatalf("create the test's database: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() && os.Getenv(EnvKeep) != "" {
			t.Logf("the test's database stays: %s%s", s.at(name), s.keep())
			return
		}
		if err := s.exec("DROP DATABASE IF EXISTS " + pq.QuoteIdentifier(name) + " WITH (FORCE)"); err != nil {
			// A test may have stopped the server: there is nothing to drop it from, and
			// nothing lost, for the whole cluster goes.
			t.Logf("drop the test's database: %v", err)
		}
	})
	return s.at(name)
}

func (s *Server) lasting(t testing.TB, of string) string {
	t.Helper()
	name := databaseName(of)
	if err := s.create(name, "template0"); err != nil {
		t.Fatalf("create a lasting database: %v", err)
	}
	return s.at(name)
}

func (s *Server) create(name, template string) error {
	return s.exec("CREATE DATABASE " + pq.QuoteIdentifier(name) + " TEMPLATE " + pq.QuoteIdentifier(template))
}

func (s *Server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.admin.ExecContext(ctx, statement)
	return err
}

// keep leaves the server running after this process and says how to end it.
func (s *Server) keep() string {
	if s.cluster == nil {
		return ""
	}
	remove, err := s.cluster.Keep()
	if err != nil {
		return fmt.Sprintf(" (but its server ends with this process: %v)", err)
	}
	return " (remove its server with: " + remove + ")"
}

// at is the URL of a database of this server.
func (s *Server) at(database string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(err) // it has been connected to
	}
	u.Path = "/" + database
	return u.String()
}

var unusual = regexp.MustCompile(`[^a-z0-9]+`)

// databaseName tells where a database comes from, and is unique among all
// processes that share the cluster. Postgres keeps 63 bytes of a name.
func databaseName(of string) string {
	of = strings.Trim(unusual.ReplaceAllString(strings.ToLower(of), "_"), "_")
	return fmt.Sprintf("%.44s_%s", of, strings.ToLower(rand.Text()[:12]))
}
