package embedded_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"datapusher/cmd/standalone/embedded"
)

func echo(_ workflow.Context, s string) (string, error) { return s, nil }

func TestAWorkflowIsStartedEagerly(t *testing.T) {
	all.each(t, func(t *testing.T, store string) {
		server := start(t, embedded.Options{Store: store})
		c := dial(t, server, embedded.DefaultNamespace)
		work(t, c, echo)

		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue, EnableEagerStart: true}, echo, "hello")
		require.NoError(t, err)
		var result string
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, "hello", result)

		started, err := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
		require.NoError(t, err)
		require.True(t, started.GetWorkflowExecutionStartedEventAttributes().GetEagerExecutionAccepted())
	})
}

// A server whose store fails now and then, also after a write was made, carries its
// workflows to their end.
func TestAWorkflowOutlivesAStoreThatFails(t *testing.T) {
	all.each(t, func(t *testing.T, store string) {
		server := start(t, embedded.Options{Store: store, FaultRate: .05})
		c := dial(t, server, embedded.DefaultNamespace)
		work(t, c, echo)
		var (
			runs   []client.WorkflowRun
			failed int
		)
		for i := 0; i < 50 || failed == 0 && i < 500; i++ {
			require.Eventually(t, func() bool { // a start that fails is asked for again
				run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: fmt.Sprint("batch/", i), TaskQueue: queue}, echo, "hello")
				if err != nil {
					failed++
					return false
				}
				runs = append(runs, run)
				return true
			}, time.Minute, time.Millisecond)
		}
		require.NotZero(t, failed, "starts that have failed")
		for _, run := range runs {
			var result string
			require.NoError(t, run.Get(t.Context(), &result))
			require.Equal(t, "hello", result)
		}
	})
}

func TestSearchAttributesAreThereFromTheStart(t *testing.T) {
	all.each(t, func(t *testing.T, store string) {
		server := start(t, embedded.Options{Store: store, SearchAttributes: embedded.DeliverySearchAttributes()})
		c := dial(t, server, embedded.DefaultNamespace)
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "batch/1", TaskQueue: queue,
			TypedSearchAttributes: temporal.NewSearchAttributes(
				temporal.NewSearchAttributeKeyKeywordList("AccountIds").ValueSet([]string{"acc_1"}),
				temporal.NewSearchAttributeKeyKeywordList("DestinationIds").ValueSet([]string{"dst_1", "dst_2"}),
				deliveryIDs.ValueSet([]string{"dlv_1", "dlv_2"}),
			),
		}, echo, "")
		require.NoError(t, err)
		require.Equal(t, "batch/1", find(t, c, `DeliveryIds = "dlv_2" AND AccountIds = "acc_1" AND DestinationIds = "dst_1"`))
	})
}

func sleeper(ctx workflow.Context) error {
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	return nil
}

// The timer runs out while no server is there, so that it cannot have been kept by it.
func TestARestartKeepsRunningWorkflows(t *testing.T) {
	durable.each(t, func(t *testing.T, store string) {
		options := embedded.Options{Store: store, SearchAttributes: embedded.DeliverySearchAttributes()}
		server := start(t, options)
		c := dial(t, server, embedded.DefaultNamespace)
		stop := work(t, c, sleeper)
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "event/1", TaskQueue: queue,
			TypedSearchAttributes: temporal.NewSearchAttributes(deliveryIDs.ValueSet([]string{"dlv_1"})),
		}, sleeper)
		require.NoError(t, err)
		waitFor(t, c, run, enumspb.EVENT_TYPE_TIMER_STARTED)
		stop()
		c.Close()
		server.Stop()

		server = start(t, options)
		c = dial(t, server, embedded.DefaultNamespace)
		work(t, c, sleeper)
		require.Equal(t, "event/1", find(t, c, `DeliveryIds = "dlv_1" AND ExecutionStatus = "Running"`))
		run = c.GetWorkflow(t.Context(), run.GetID(), run.GetRunID())
		waitFor(t, c, run, enumspb.EVENT_TYPE_TIMER_FIRED)
		require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "end", nil))
		require.NoError(t, run.Get(t.Context(), nil))
	})
}

func TestANamespaceGetsWhatItMissesAndKeepsTheRest(t *testing.T) {
	durable.each(t, func(t *testing.T, store string) {
		three := embedded.DeliverySearchAttributes()
		one := map[string]enumspb.IndexedValueType{"DeliveryIds": three["DeliveryIds"]}
		for _, attributes := range []map[string]enumspb.IndexedValueType{one, three, nil} {
			server := start(t, embedded.Options{Store: store, Namespace: "deliveries", SearchAttributes: attributes})
			c := dial(t, server, "deliveries")
			described, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "deliveries"})
			require.NoError(t, err)
			require.Equal(t, embedded.Retention, described.Config.WorkflowExecutionRetentionTtl.AsDuration())
			columns := described.Config.CustomSearchAttributeAliases
			require.Equal(t, "DeliveryIds", columns["KeywordList01"], "a column never changes its meaning")
			require.Subset(t, slices.Collect(maps.Values(columns)), slices.Collect(maps.Keys(attributes)))
			c.Close()
			server.Stop()
		}
	})
}

func TestSearchAttributesThatCannotBeRegisteredAreErrors(t *testing.T) {
	t.Parallel()
	list := enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST
	store := embedded.SQLiteFile(t.TempDir())
	for _, c := range []struct {
		attributes map[string]enumspb.IndexedValueType
		complaint  string
	}{
		{map[string]enumspb.IndexedValueType{"A": list, "B": list, "C": list, "D": list}, "no room for search attribute D"},
		{map[string]enumspb.IndexedValueType{"A": list}, ""},
		{map[string]enumspb.IndexedValueType{"A": enumspb.INDEXED_VALUE_TYPE_INT}, "search attribute A is a KeywordList, not a Int"},
	} {
		server, err := embedded.Start(t.Context(), embedded.Options{Store: store, SearchAttributes: c.attributes})
		if c.complaint == "" {
			require.NoError(t, err)
			server.Stop()
			continue
		}
		require.ErrorContains(t, err, c.complaint)
	}
}

// By default a server allows ten lists of workflows a second. The SDK would hide
// that behind retries, so it is not asked.
func TestNothingLimitsTheRateOfRequests(t *testing.T) {
	t.Parallel()
	server := start(t, embedded.Options{})
	connection, err := grpc.NewClient(server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	service := workflowservice.NewWorkflowServiceClient(connection)
	var wg sync.WaitGroup
	failures := make([]error, 200)
	for i := range failures {
		wg.Go(func() {
			_, failures[i] = service.ListWorkflowExecutions(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: embedded.DefaultNamespace})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
}

func TestAClientMakesAFurtherNamespace(t *testing.T) {
	t.Parallel()
	server := start(t, embedded.Options{})
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: server.Address()})
	require.NoError(t, err)
	t.Cleanup(namespaces.Close)
	require.NoError(t, namespaces.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: "further", WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}))
	c := dial(t, server, "further")
	work(t, c, echo)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, echo, "")
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
}
