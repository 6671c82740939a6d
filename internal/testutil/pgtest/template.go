package pgtest

import (
	"sync"
	"testing"

	"github.com/lib/pq"
)

// template is a prepared database from which others are copied.
type template struct {
	once sync.Once
	name string
	err  error
}

// Template is the URL of a new database that is a copy of the template of that
// name, which is prepared at its first use on this server; see [Template].
func (s *Server) Template(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	s.mu.Lock()
	tpl := s.templates[name]
	if tpl == nil {
		tpl = &template{name: databaseName("template " + name)}
		s.templates[name] = tpl
	}
	s.mu.Unlock()
	tpl.once.Do(func() { tpl.err = s.prepare(tpl.name, prepare) })
	if tpl.err != nil {
		t.Fatalf("prepare the template %s: %v", name, tpl.err)
	}
	return s.clone(t, tpl.name)
}

func (s *Server) prepare(name string, prepare func(url string) error) error {
	if err := s.create(name, "template0"); err != nil {
		return err
	}
	if err := prepare(s.at(name)); err != nil {
		return err
	}
	// Nothing can be copied while somebody is connected: closed connections
	// linger for a moment, and a forgotten pool would come back.
	if err := s.exec("ALTER DATABASE " + pq.QuoteIdentifier(name) + " ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	return s.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + pq.QuoteLiteral(name))
}
