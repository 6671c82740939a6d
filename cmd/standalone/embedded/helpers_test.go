package embedded_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"datapusher/cmd/standalone/embedded"
)

const queue = "test"

var deliveryIDs = temporal.NewSearchAttributeKeyKeywordList("DeliveryIds")

// output collects what a server logs.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.String()
}

// start starts a server that logs into the test's output, and stops it with the test.
func start(t *testing.T, options embedded.Options) *embedded.Server {
	t.Helper()
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	server, err := embedded.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	return server
}

func dial(t *testing.T, server *embedded.Server, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort:  server.Address(),
		Namespace: namespace,
		Logger:    sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// work runs a worker for that workflow until the returned function is called.
func work(t *testing.T, c client.Client, workflows ...any) (stop func()) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	for _, wf := range workflows {
		w.RegisterWorkflow(wf)
	}
	require.NoError(t, w.Start())
	stop = sync.OnceFunc(w.Stop)
	t.Cleanup(stop)
	return stop
}

type stores map[string]func(t *testing.T) string

var (
	// durable stores outlive a server.
	durable = stores{
		"sqlite":   func(t *testing.T) string { return embedded.SQLiteFile(t.TempDir()) },
		"postgres": postgres,
	}
	all = stores{
		"memory":   func(*testing.T) string { return "" },
		"sqlite":   durable["sqlite"],
		"postgres": durable["postgres"],
	}
)

// each runs a test on a new store of each kind.
func (s stores) each(t *testing.T, test func(t *testing.T, store string)) {
	t.Parallel()
	for name, store := range s {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, store(t))
		})
	}
}

// find waits for the one workflow that a query finds: what lists workflows
// follows what runs them by a moment.
func find(t *testing.T, c client.Client, query string) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		require.NoError(t, err)
		for _, execution := range list.Executions {
			found = append(found, execution.Execution.WorkflowId)
		}
		return len(found) > 0
	}, 30*time.Second, 20*time.Millisecond)
	require.Len(t, found, 1)
	return found[0]
}

// waitFor follows a run's history until an event of that kind.
func waitFor(t *testing.T, c client.Client, run client.WorkflowRun, kind enumspb.EventType) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	history := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if event.EventType == kind {
			return
		}
	}
	require.Fail(t, "the run has ended", "without %s", kind)
}
