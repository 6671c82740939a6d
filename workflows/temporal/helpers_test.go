package temporal_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

var quiet = slog.New(slog.DiscardHandler)

// core is a core made of functions.
type core struct {
	first   func(run string) ([]workflows.Outcome, error)
	attempt func(run, deliveryID string) (workflows.Outcome, error)
	step    func(loop string) (time.Duration, bool, error)
}

func (c core) First(_ context.Context, run string) ([]workflows.Outcome, error) { return c.first(run) }

func (c core) Attempt(_ context.Context, run, deliveryID string) (workflows.Outcome, error) {
	return c.attempt(run, deliveryID)
}

func (c core) Step(_ context.Context, loop string) (time.Duration, bool, error) { return c.step(loop) }

func succeeded(id string, attempts int) workflows.Outcome {
	return workflows.Outcome{
		DeliveryID: id, AccountID: "acc_1", DestinationID: "dst_1", Label: "POST example.org (a name)",
		State: workflows.Settled, Status: "succeeded", Result: "200", Attempts: attempts, Millis: 12,
	}
}

func retrying(id string, attempts int, after time.Duration) workflows.Outcome {
	o := succeeded(id, attempts)
	o.State, o.After, o.Status, o.Result = workflows.Again, after, "retrying", "503"
	return o
}

// environment is a workflow environment whose clock jumps over what has to be waited for.
func environment(t *testing.T, c workflows.Core) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporal.Logger(quiet))
	env := suite.NewTestWorkflowEnvironment()
	temporal.RegisterWorkflows(env)
	temporal.New(temporal.Options{Core: c, Logger: quiet}).RegisterActivities(env)
	return env
}

func result(t *testing.T, env *testsuite.TestWorkflowEnvironment) temporal.Result {
	t.Helper()
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	var result temporal.Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return result
}

func dial(t *testing.T, s *temporaltest.Server, namespace string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: s.Address, Namespace: namespace, Identity: "test", Logger: temporal.Logger(quiet),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func engineOn(c client.Client, namespace string, core workflows.Core) *temporal.Engine {
	return temporal.New(temporal.Options{Client: c, Core: core, Namespace: namespace, Logger: quiet})
}

// work runs an engine until the test ends.
func work(t *testing.T, engine *temporal.Engine) *temporal.Engine {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return engine
}

// complete dispatches a run and waits for its result.
func complete(t *testing.T, engine *temporal.Engine, c client.Client, run string) temporal.Result {
	t.Helper()
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: run}))
	return outcome(t, c, run)
}

func outcome(t *testing.T, c client.Client, run string) temporal.Result {
	t.Helper()
	var result temporal.Result
	require.NoError(t, c.GetWorkflow(t.Context(), run, "").Get(t.Context(), &result))
	return result
}

func history(t *testing.T, c client.Client, workflow, execution string) *historypb.History {
	t.Helper()
	var h historypb.History
	events := c.GetWorkflowHistory(t.Context(), workflow, execution, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		h.Events = append(h.Events, event)
	}
	return &h
}

func started(t *testing.T, c client.Client, run string) *historypb.WorkflowExecutionStartedEventAttributes {
	t.Helper()
	return history(t, c, run, "").Events[0].GetWorkflowExecutionStartedEventAttributes()
}

func deliveryID(i int) string { return fmt.Sprintf("dlv_01J9Z3NDEKTSV4RRFFQ69G5%03d", i) }
