// Package temporaltest gives tests a real Temporal server, as a child process:
// this module never links the server. The program is
// datapusher/cmd/standalone/temporalserver, which is built on demand, once for
// all test processes; each process starts one server per store at its first use.
//
// The server ends with the test process, however that ends. Tests that share it
// are isolated by namespaces: see [Server.Namespace].
package temporaltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"datapusher/internal/testutil/pgtest"
)

// Store is what a server keeps its state in.
type Store string

// The stores.
const (
	SQLite   Store = "sqlite"
	Postgres Store = "postgres"
)

// Environment variables with the address of a running server to use, instead of
// starting one with that store. Namespaces of tests stay behind in it.
const (
	EnvSQLite   = "DATAPUSHER_TEST_TEMPORAL_SQLITE"
	EnvPostgres = "DATAPUSHER_TEST_TEMPORAL_POSTGRES"
)

// Server is a running Temporal server.
type Server struct {
	Address string // host:port of the frontend
	UI      string // URL of the web UI; empty where the environment names the server
	Version string // such as "1.32.0"

	connection *grpc.ClientConn
	process    *process // nil where the environment names the server
}

// shared is one server of this process, started once.
type shared struct {
	once   sync.Once
	server *Server
	err    error
}

var servers = map[Store]*shared{SQLite: {}, Postgres: {}}

// Start gives this process's server with that store, and starts it at the first
// call. It fails the test when there can be none; it never skips.
func Start(t testing.TB, store Store) *Server {
	t.Helper()
	s, ok := servers[store]
	if !ok {
		t.Fatalf("unknown store %q of Temporal", store)
	}
	s.once.Do(func() {
		s.err = errors.New("its Postgres could not be had") // stays where Lasting ends the test
		dsn := ""
		if store == Postgres && os.Getenv(EnvPostgres) == "" {
			dsn = pgtest.Lasting(t, "temporal")
		}
		s.server, s.err = start(store, dsn)
	})
	if s.err != nil {
		t.Fatalf("no Temporal for the tests: %v", s.err)
	}
	return s.server
}

func start(store Store, dsn string) (*Server, error) {
	s := &Server{Address: os.Getenv(map[Store]string{SQLite: EnvSQLite, Postgres: EnvPostgres}[store])}
	if s.Address == "" {
		b, err := newBuilder()
		if err != nil {
			return nil, err
		}
		program, err := b.program()
		if err != nil {
			return nil, err
		}
		if s.process, err = launch(program, store, dsn, os.Stderr); err != nil {
			return nil, err
		}
		s.Address, s.UI = s.process.Address, s.process.UI
	}
	var err error
	if s.connection, err = grpc.NewClient(s.Address, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return nil, fmt.Errorf("the Temporal server at %s: %w", s.Address, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := s.service().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	if err != nil {
		return nil, fmt.Errorf("the Temporal server at %s: %w", s.Address, err)
	}
	s.Version = info.GetServerVersion()
	return s, nil
}

func (s *Server) service() workflowservice.WorkflowServiceClient {
	return workflowservice.NewWorkflowServiceClient(s.connection)
}

// patience bounds what the server is asked to do for a test.
const patience = time.Minute
