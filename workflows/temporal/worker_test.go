package temporal_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/types/known/durationpb"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

// A server that is away is waited for, and the end may be asked for meanwhile.
func TestRunWaitsForTheServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := listener.Addr().String()
	require.NoError(t, listener.Close())
	c, err := client.NewLazyClient(client.Options{HostPort: nobody, Logger: temporal.Logger(quiet)})
	require.NoError(t, err)
	t.Cleanup(c.Close)

	log := &buffer{}
	engine := temporal.New(temporal.Options{Client: c, Core: core{}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.Error(t, engine.Check(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	require.Eventually(t, func() bool { return log.String() != "" }, 30*time.Second, 10*time.Millisecond)
	select {
	case err := <-done:
		t.Fatal("Run has given up: ", err)
	default:
	}
	cancel()
	require.NoError(t, <-done)
}

// So is a namespace that somebody is about to create, as in a compose file.
func TestRunWaitsForTheNamespace(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t) + "-later"
	c, err := client.NewLazyClient(client.Options{HostPort: server.Address, Namespace: namespace, Logger: temporal.Logger(quiet)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	log := &buffer{}
	engine := work(t, temporal.New(temporal.Options{
		Client: c, Namespace: namespace, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Core: core{first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{succeeded("dlv_1", 1)}, nil
		}},
	}))
	require.Eventually(t, func() bool { return log.String() != "" }, 30*time.Second, 10*time.Millisecond)

	registrar, err := client.NewNamespaceClient(client.Options{HostPort: server.Address, Logger: temporal.Logger(quiet)})
	require.NoError(t, err)
	t.Cleanup(registrar.Close)
	require.NoError(t, registrar.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}))
	require.Eventually(t, func() bool {
		return engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}) == nil
	}, time.Minute, 100*time.Millisecond)
	require.Len(t, outcome(t, c, "event/1").Deliveries, 1)
}

// Some servers only say so when the worker starts.
func TestRunWaitsWhenAWorkerCannotStart(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	engine := engineOn(c, namespace, core{first: func(string) ([]workflows.Outcome, error) { return nil, nil }})
	var tries int
	temporal.SetNewWorker(engine, func(c client.Client, queue string, options worker.Options) worker.Worker {
		w := worker.New(c, queue, options)
		if tries++; tries == 1 {
			return unable{w, serviceerror.NewNamespaceNotFound(namespace)}
		}
		return w
	})
	work(t, engine)
	complete(t, engine, c, "event/1")

	refused := engineOn(c, namespace, core{})
	denied := serviceerror.NewPermissionDenied("no", "")
	temporal.SetNewWorker(refused, func(c client.Client, queue string, options worker.Options) worker.Worker {
		return unable{worker.New(c, queue, options), denied}
	})
	require.ErrorIs(t, refused.Run(t.Context()), denied, "this will not pass by itself")
}

// unable is a worker that does not start.
type unable struct {
	worker.Worker
	err error
}

func (u unable) Start() error { return u.err }

func TestRunNeedsACore(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, temporal.New(temporal.Options{}).Run(t.Context()), "core")
}

// What will not pass by itself ends Run, so that whoever supervises the process
// learns of it.
func TestRunReturnsWhatIsFatal(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	engine := engineOn(c, namespace, core{})
	failure := serviceerror.NewNamespaceNotFound(namespace)
	// The SDK itself first tries for two minutes.
	temporal.SetNewWorker(engine, func(c client.Client, queue string, options worker.Options) worker.Worker {
		time.AfterFunc(0, func() { options.OnFatalError(failure) })
		return worker.New(c, queue, options)
	})
	require.ErrorIs(t, engine.Run(t.Context()), failure)
}
