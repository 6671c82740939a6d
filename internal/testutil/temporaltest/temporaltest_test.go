package temporaltest_test

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"datapusher/internal/testutil/temporaltest"
)

var (
	accountIDs  = temporal.NewSearchAttributeKeyKeywordList("AccountIds")
	deliveryIDs = temporal.NewSearchAttributeKeyKeywordList("DeliveryIds")
)

// greet sets search attributes at its start and while it runs.
func greet(ctx workflow.Context, name string) (string, error) {
	return "hello " + name, workflow.UpsertTypedSearchAttributes(ctx, deliveryIDs.ValueSet([]string{"dlv_1", "dlv_2"}))
}

func dial(t *testing.T, s *temporaltest.Server, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.Address, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func count(t *testing.T, c client.Client, query string) int64 {
	t.Helper()
	answer, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	require.NoError(t, err)
	return answer.GetCount()
}

func TestARealServerOnEachStore(t *testing.T) {
	t.Parallel()
	for _, store := range []temporaltest.Store{temporaltest.SQLite, temporaltest.Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := temporaltest.Start(t, store)
			require.Same(t, s, temporaltest.Start(t, store), "one per process")
			require.Regexp(t, `^\d+\.\d+\.\d+$`, s.Version)
			t.Logf("Temporal %s on %s at %s, UI %s", s.Version, store, s.Address, s.UI)
			runtime.GC() // must not end it

			namespace := s.Namespace(t)
			c := dial(t, s, namespace)
			require.Zero(t, count(t, c, ""), "a namespace begins empty")
			w := worker.New(c, "greetings", worker.Options{})
			w.RegisterWorkflow(greet)
			require.NoError(t, w.Start())
			defer w.Stop()
			run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
				TaskQueue:             "greetings",
				TypedSearchAttributes: temporal.NewSearchAttributes(accountIDs.ValueSet([]string{"acc_1"})),
			}, greet, "world")
			require.NoError(t, err)
			var said string
			require.NoError(t, run.Get(t.Context(), &said))
			require.Equal(t, "hello world", said)

			other := s.Namespace(t)
			require.NotEqual(t, namespace, other)
			require.Zero(t, count(t, dial(t, s, other), ""))

			if s.UI != "" {
				response, err := http.Get(s.UI + "/api/v1/namespaces/" + namespace)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, http.StatusOK, response.StatusCode)
			}
		})
	}
}
